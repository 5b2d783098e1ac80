import { cancellation, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { runTimesOf } from '../study/forms/run-times.ts';
import type { Provider } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { openEngineClient } from './engine-client.ts';
import { getReady, type Rounds, type TimedEngine, timeInTurns } from './time-in-turns.ts';

/** Where variants are timed, and on what. */
export interface VariantTiming {
  /** With the model open. */
  readonly model: ModelApi;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
}

const ROUNDS: Rounds = { least: 5, most: 25, budgetMs: 10_000 };

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
  const timed: TimedEngine[] = [];
  const stop = () => timed.forEach(({ engine }) => engine.terminate());
  signal.addEventListener('abort', stop);
  try {
    for (const recipe of recipes) {
      const built = await model.build(recipe);
      if (!built.ok) return built;
      if (signal.aborted) return failed(cancelled);
      const one: TimedEngine = { engine: openEngineClient(), timesMs: [] };
      timed.push(one);
      const { plan, files } = built.value;
      const ready = await getReady(one, { plan, files, ...place });
      if (!ready.ok) return ready;
    }
    const ran = await timeInTurns(timed, ROUNDS, () => {}, signal, cancelled);
    return ran.ok ? ok(timed.map(({ timesMs }) => runTimesOf(timesMs).medianMs)) : ran;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const cancelled = cancellation('The timing');
