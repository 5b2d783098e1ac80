import { cancellation, ok, type Result } from '../base/result.ts';
import type { PreprocessingCandidate } from '../data/guess-preprocessing.ts';
import { type CandidateScore, imagesToTry, scoreCandidate } from '../data/rank-preprocessings.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { inEngine } from './in-engine.ts';

/** Enough to tell right from wrong, few enough to wait for. */
export const mostTriedImages = 32;
const fewestTriedImages = 8;
/** Slow models are tried on fewer images, to be done in about this time. */
const budgetMs = 20_000;

export interface PreprocessingTrial {
  /** With the model open. */
  readonly model: ModelApi;
  readonly data: LoadedDataset;
  /** The likeliest first; different normalisations of one input shape. */
  readonly candidates: readonly PreprocessingCandidate[];
  readonly threads: number;
}

/**
 * Runs the unchanged model with each candidate on a few labelled images, on the CPU, in a worker of its own.
 * @param onProgress inferences done, of how many
 * @param signal cancels at once
 * @returns a score for each candidate, in their order; failures as of building, loading and predicting
 */
export async function tryPreprocessings(
  { model, data, candidates, threads }: PreprocessingTrial,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result<readonly CandidateScore[]>> {
  const [first] = candidates;
  if (!first) return ok([]);
  const built = await model.build([{ op: 'identity' }]);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const { preprocessing } = first;
  const variant = { plan, files, provider: 'wasm', threads, data, preprocessing } as const;
  return inEngine(variant, signal, cancellation('Trying normalizations'), async (engine) => {
    const count = await affordableImages(engine, data, candidates.length);
    if (!count.ok) return count;
    const images = imagesToTry(data.dataset, count.value);
    const total = candidates.length * images.length;
    const scores: CandidateScore[] = [];
    for (const candidate of candidates) {
      const before = scores.length * images.length;
      const tell = (done: number) => onProgress(before + done, total);
      const outcome = await engine.predict(images, tell, candidate.preprocessing);
      if (!outcome.ok) return outcome;
      onProgress(before + images.length, total);
      scores.push(scoreCandidate(candidate, data.dataset, images, outcome.value.top1));
    }
    return ok(scores);
  });
}

/** How many images each candidate may see, by the fastest of three inferences: what disturbs one only adds to it. */
async function affordableImages(
  engine: EngineApi,
  data: LoadedDataset,
  candidates: number,
): Promise<Result<number>> {
  const one = imagesToTry(data.dataset, 1);
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    const startedMs = performance.now();
    const outcome = await engine.predict(one, () => {});
    if (!outcome.ok) return outcome;
    fastestMs = Math.min(fastestMs, performance.now() - startedMs);
  }
  const affordable = Math.floor(budgetMs / (fastestMs * candidates));
  return ok(Math.min(mostTriedImages, Math.max(fewestTriedImages, affordable)));
}
