import { cancellation, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { summarise } from '../study/statistics/summary.ts';
import type { ExitScores } from '../study/thresholds.ts';
import type { Provider } from '../study/trial.ts';
import { allExits, neverStopping } from '../transforms/exits/threshold-recipe.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { inEngine } from './in-engine.ts';
import { warmUpEngine } from './warm-up-engine.ts';

export interface ExitsToMeasure {
  /** With the model open. */
  readonly model: ModelApi;
  /** Whatever it does besides; see `allExits` for its exits. */
  readonly recipe: Recipe;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
  readonly imageIndices: readonly number[];
}

/** Timed inferences before the pass and as many after it, so that both ends of a drift count. */
const timedRuns = 15;

/**
 * One pass over the images that keeps the scores of every exit, and how long each exit takes: the median time of
 * each segment, exit decision included, summed up to the exit. In a worker of its own.
 * @param onProgress inferences done, of how many
 * @param signal cancels at once
 */
export async function measureExits(
  { model, recipe, data, preprocessing, provider, threads, imageIndices }: ExitsToMeasure,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result<ExitScores>> {
  const built = await model.build(allExits(recipe));
  if (!built.ok) return built;
  const plan = neverStopping(built.value.plan);
  const { files } = built.value;
  const variant = { plan, files, provider, threads, data, preprocessing };
  return inEngine(variant, signal, cancellation('The pass'), async (engine) => {
    const total = imageIndices.length + 2 * timedRuns;
    const ready = await warmUpEngine(engine, imageIndices);
    if (!ready.ok) return ready;
    const before = await timeSegments(engine, imageIndices);
    if (!before.ok) return before;
    const pass = await engine.exitScores(imageIndices, (done) => onProgress(timedRuns + done, total));
    if (!pass.ok) return pass;
    const after = await timeSegments(engine, imageIndices);
    if (!after.ok) return after;
    onProgress(total, total);
    const segmentMs = plan.segments.map(
      (_, at) => summarise([...before.value, ...after.value].map((times) => times[at] ?? 0))?.median ?? 0,
    );
    let latencyMs = 0;
    const latencyOf = new Map<number, number>();
    plan.segments.forEach(({ exit }, at) => {
      latencyMs += segmentMs[at] ?? 0;
      if (exit !== null) latencyOf.set(exit.index, latencyMs);
    });
    return ok({
      imageIndices,
      classCount: pass.value.classCount,
      exits: pass.value.exits.map((exit) => ({ ...exit, latencyMs: latencyOf.get(exit.index) ?? latencyMs })),
    });
  });
}

/** Times of each segment in each of some inferences. */
async function timeSegments(
  engine: EngineApi,
  imageIndices: readonly number[],
): Promise<Result<readonly (readonly number[])[]>> {
  const images = Array.from(
    { length: timedRuns },
    (_, run) => imageIndices[Math.floor((run * imageIndices.length) / timedRuns)] ?? 0,
  );
  const samples = await engine.measure({ imageIndices: images, round: 0, warmUp: false, firstSequence: 0 });
  return samples.ok ? ok(samples.value.map((sample) => sample.segmentMs)) : samples;
}
