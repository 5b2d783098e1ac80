import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { GatedFiles, ModelApi } from '../protocol/model-api.ts';
import { type GateEffect, readGates } from '../study/gate-effects.ts';
import type { GatedQuestion } from '../transforms/prune/gated-recipe.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { openEngineClient } from './engine-client.ts';

/** A model with gates, and the images that tell what closing them does. */
export interface GatedRun {
  readonly model: ModelApi;
  /** As `recipeToGate` gives it. */
  readonly recipe: Recipe;
  readonly question: GatedQuestion;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly imageIndices: readonly number[];
  /** False if the model's best score names no class. */
  readonly scoresClasses: boolean;
}

/** A session that waits for settings. */
export interface OpenGates extends Pick<GatedFiles, 'gateCount' | 'firstBlock'> {
  /**
   * What settings of the gates do to the scores, and what the model scores with all open. Many settings in one call
   * decode each image once.
   * @param settings a number for each gate, 1 open, 0 closed
   * @param onShare told which part of the inferences is done, from 0 to 1
   * @param images others than those of the run
   */
  readonly ask: (
    settings: readonly Float32Array[],
    onShare: (share: number) => void,
    images?: readonly number[],
  ) => Promise<Result<{ readonly whole: GateEffect; readonly settings: readonly GateEffect[] }>>;
  /** Ends the worker. */
  readonly close: () => void;
}

/**
 * Builds a model with gates and opens it in a worker of its own, in the runtime on the CPU.
 * @param signal cancels at once, also what is asked later
 */
export async function openGates(run: GatedRun, signal: AbortSignal): Promise<Result<OpenGates>> {
  const { model, recipe, question, data, preprocessing, threads, imageIndices, scoresClasses } = run;
  const built = await model.buildForGates(recipe, question);
  if (!built.ok) return built;
  if (signal.aborted) return failed(cancelled);
  const { plan, files, gates, gateCount, firstBlock } = built.value;
  const engine = openEngineClient();
  const close = () => {
    signal.removeEventListener('abort', close);
    engine.terminate();
  };
  signal.addEventListener('abort', close);
  const loaded = await engine.api.load({ plan, files, provider: 'wasm', threads, data, preprocessing });
  if (signal.aborted) return failed(cancelled);
  if (!loaded.ok) {
    close();
    return loaded;
  }
  return ok({
    gateCount,
    firstBlock,
    close,
    ask: async (settings, onShare, images = imageIndices) => {
      if (signal.aborted) return failed(cancelled);
      const inferences = images.length * (settings.length + 1);
      const pass = await engine.api.gatedScores({ imageIndices: images, gates, settings }, (done) =>
        onShare(done / inferences),
      );
      if (signal.aborted) return failed(cancelled);
      if (!pass.ok) return pass;
      const seen = pass.value.imageIndices;
      if (seen.length === 0) return failed(pass.value.undecodable ?? noImages);
      const wanted = seen.map((image) => {
        const label = data.dataset.items[image]?.label ?? null;
        return label === null ? null : label + preprocessing.classOffset;
      });
      return ok(readGates(pass.value, wanted, scoresClasses));
    },
  });
}

const noImages: Failure = {
  code: 'no-scan-images',
  message: 'prune: found no images, wanted some to see what removing parts does',
  hint: 'Open images under Data.',
};

const cancelled = cancellation('The scan');
