import { cancellation, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { areWellKnown, runTimesOf } from '../study/forms/run-times.ts';
import type { Provider } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { type EngineClient, openEngineClient } from './engine-client.ts';

/** Where variants are timed, and on what. */
export interface VariantTiming {
  /** With the model open. */
  readonly model: ModelApi;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
}

const LEAST_ROUNDS = 5;
const MOST_ROUNDS = 25;
const BUDGET_MS = 10_000;

/**
 * Times variants of a model in turns, each in a worker of its own, so that whatever else the device does hits all
 * alike: quick and good for comparing them, not for a study.
 * @param signal cancels at once
 * @returns the median of each, in milliseconds
 */
export async function timeVariants(
  { model, ...place }: VariantTiming,
  recipes: readonly Recipe[],
  signal: AbortSignal,
): Promise<Result<readonly number[]>> {
  const engines: EngineClient[] = [];
  const stop = () => engines.forEach((engine) => engine.terminate());
  signal.addEventListener('abort', stop);
  try {
    for (const recipe of recipes) {
      const built = await model.build(recipe);
      if (!built.ok) return built;
      if (signal.aborted) return failed(cancelled);
      const engine = openEngineClient();
      engines.push(engine);
      const { plan, files } = built.value;
      const loaded = await engine.api.load({ plan, files, ...place });
      if (!loaded.ok) return loaded;
      // The first run allocates.
      const first = await engine.api.measure({ ...ONE_IMAGE, warmUp: true });
      if (!first.ok) return first;
    }
    const times = engines.map((): number[] => []);
    const startedMs = performance.now();
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const isLate = performance.now() - startedMs > BUDGET_MS;
      if (round > 0 && (isLate || (round >= LEAST_ROUNDS && areWellKnown(times)))) break;
      for (const [at, engine] of engines.entries()) {
        const measured = await engine.api.measure(ONE_IMAGE);
        if (signal.aborted) return failed(cancelled);
        if (!measured.ok) return measured;
        times[at]?.push(...measured.value.map(({ computeMs }) => computeMs));
      }
    }
    return ok(times.map((own) => runTimesOf(own).medianMs));
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const ONE_IMAGE = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };
const cancelled = cancellation('The timing');
