import type { ProfiledRun } from '../../study/profile/cost-profile.ts';
import { executionTimesMs, parseRuntimeProfile } from '../../study/profile/runtime-profile.ts';
import { summarise } from '../../study/statistics/summary.ts';
import type { Sample } from '../../study/trial.ts';
import { identityModelBytes } from '../identity-model.ts';
import { nextTask } from '../next-task.ts';
import type { Runtime } from '../ort.ts';
import { itemAt } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';
import { timedInference } from './timed-inference.ts';

/** See `EngineApi.profile`. */
export async function profileRuns(
  engine: LoadedStrategy,
  imageIndices: readonly number[],
  warmUpRuns: number,
  onProgress: (done: number) => void,
): Promise<ProfiledRun> {
  const samples: Sample[] = [];
  for (const [run, imageIndex] of imageIndices.entries()) {
    const batch = { round: 0, warmUp: run < warmUpRuns, firstSequence: 0 };
    samples.push(await timedInference(engine, imageIndex, batch, run));
    onProgress(run + 1);
    await nextTask();
  }
  const lines = engine.sessions.flatMap((session) => engine.runtime.endProfile(session));
  const bytes = summarise(imageIndices.map((index) => itemAt(engine.request, index).length));
  return {
    nodes: parseRuntimeProfile(lines),
    samples,
    imageBytes: bytes?.median ?? 0,
    executionMs: executionTimesMs(lines),
    handOver: await handOverCosts(engine.runtime),
  };
}

const handOverRuns = 30;
const handOverFloats = 250_000;

/** What a session costs that does nothing, with one number and with many. */
async function handOverCosts(runtime: Runtime): Promise<NonNullable<ProfiledRun['handOver']>> {
  const medianMs = async (floats: number): Promise<number> => {
    const session = await runtime.createSession(identityModelBytes(floats));
    const x = new runtime.ort.Tensor('float32', new Float32Array(floats), [floats]);
    const timesMs: number[] = [];
    for (let run = 0; run < handOverRuns; run++) {
      const startedMs = performance.now();
      const outputs = await session.run({ x });
      timesMs.push(performance.now() - startedMs);
      outputs['y']?.dispose();
    }
    await session.release();
    return summarise(timesMs.slice(handOverRuns / 3))?.median ?? 0;
  };
  const ms = await medianMs(1);
  const manyMs = await medianMs(handOverFloats);
  // In, out, and once in between, which handing over does not do.
  return { ms, msPerByte: Math.max(0, ((2 / 3) * (manyMs - ms)) / (4 * handOverFloats)) };
}
