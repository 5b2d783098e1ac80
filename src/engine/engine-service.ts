import { defined } from '../base/assert.ts';
import { failed, InputError, ok, type Result } from '../base/result.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import { runtimeFailure } from './failures.ts';
import { meansOfChannels } from './passes/channel-means.ts';
import { predictAll, scoreExits } from './passes/class-scores.ts';
import { allFeatures, sendActivations } from './passes/first-segment.ts';
import { scoreGated } from './passes/gated-scores.ts';
import { classifyFrame } from './passes/live-frame.ts';
import { type LoadedStrategy, loadStrategy, prepared } from './passes/loaded-strategy.ts';
import { profileRuns } from './passes/profile.ts';
import { timedInferences } from './passes/timed-inference.ts';

/** The engine of one worker: one strategy, loaded once, then measured and evaluated. */
export function createEngineService(): EngineApi {
  let engine: LoadedStrategy | null = null;
  const loaded = (): LoadedStrategy => defined(engine, 'a loaded strategy');

  return {
    load: (request) =>
      guarded(request.plan.segments[0]?.file ?? 'the model', async () => {
        if (engine !== null) {
          throw new InputError({
            code: 'engine-in-use',
            message:
              'This worker already runs a strategy; a second one would share its heap and spoil its numbers.',
          });
        }
        const made = await loadStrategy(request);
        engine = made.engine;
        return made.loaded;
      }),

    measure: (request) => guarded('the measurement', () => timedInferences(loaded(), request)),

    predict: (imageIndices, onProgress, preprocessing) =>
      guarded('the accuracy pass', () =>
        predictAll(preprocessing ? prepared(loaded(), preprocessing) : loaded(), imageIndices, onProgress),
      ),

    answerMasks: (imageIndices, isLabelled, onProgress) =>
      guarded('the accuracy pass', async () => {
        // Few models do that, and what reads masks is not small.
        const { answerAllMasks } = await import('./passes/mask-answers.ts');
        return answerAllMasks(loaded(), imageIndices, isLabelled, onProgress);
      }),

    exitScores: (imageIndices, onProgress) =>
      guarded('the pass over all exits', () => scoreExits(loaded(), imageIndices, onProgress)),

    profile: (imageIndices, warmUpRuns, onProgress) =>
      guarded('the profile', () => profileRuns(loaded(), imageIndices, warmUpRuns, onProgress)),

    features: (imageIndices, onProgress) =>
      guarded('the feature pass', () => allFeatures(loaded(), imageIndices, onProgress)),

    gatedScores: (request, onProgress) =>
      guarded('the pass with gates', () => scoreGated(loaded(), request, onProgress)),

    activations: (request, sink, onProgress) =>
      guarded('the calibration', () => sendActivations(loaded(), request, sink, onProgress)),

    channelMeans: (request, onProgress) =>
      guarded('the statistics of channels', () => meansOfChannels(loaded(), request, onProgress)),

    classifyFrame: (request) => guarded('the frame', () => classifyFrame(loaded(), request)),

    heapBytes: () => Promise.resolve(engine?.runtime.heapBytes() ?? 0),
  };
}

async function guarded<T>(where: string, work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return failed(runtimeFailure(thrown, where));
  }
}
