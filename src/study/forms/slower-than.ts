import { isEmulatedTrial, trialMetrics } from '../metrics.ts';
import type { Trial } from '../trial.ts';

/** Faster by less than this counts as not faster. */
const WORTH_IT = 0.95;

/**
 * The trial of the unchanged model that a quantized one ought to be faster than and is not; null if it is faster, or
 * something else than its arithmetic differs.
 */
export function notFasterThan(trial: Trial, trials: readonly Trial[]): Trial | null {
  const { recipe, provider, threads, modelId } = trial.strategy;
  const isComparable = recipe.every(({ op }) => op === 'quantize' || op === 'prepare' || op === 'prune');
  if (!isComparable || !recipe.some(({ op }) => op === 'quantize') || isEmulatedTrial(trial)) return null;
  const unchanged = trials.find(
    ({ strategy, state }) =>
      state.kind === 'done' &&
      strategy.modelId === modelId &&
      strategy.provider === provider &&
      strategy.threads === threads &&
      !strategy.placement &&
      strategy.recipe.every(({ op }) => op === 'identity'),
  );
  const latencyMs = (of: Trial): number => trialMetrics(of).latencyMedianMs?.value ?? Number.NaN;
  const isFaster = unchanged === undefined || latencyMs(trial) < WORTH_IT * latencyMs(unchanged);
  return isFaster || trial.state.kind !== 'done' ? null : unchanged;
}
