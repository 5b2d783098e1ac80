import { type AxisId, axisOf, trialMetrics } from './metrics.ts';
import type { Trial } from './trial.ts';

/** One criterion of a front. */
export interface Objective<T> {
  readonly better: 'lower' | 'higher';
  /** Null: this point has no such value and is never on the front. */
  readonly value: (point: T) => number | null;
}

/**
 * The points that no other point dominates: at least as good in every objective and better in one. Points of
 * equal values do not dominate each other, so ties stay together.
 * @returns sorted from the best in the first objective
 */
export function paretoFront<T>(points: readonly T[], objectives: readonly Objective<T>[]): readonly T[] {
  // Costs: lower is better in every objective.
  const candidates = points
    .map((point) => ({
      point,
      costs: objectives.map(({ better, value }) => {
        const found = value(point);
        if (found === null) return Number.NaN;
        return better === 'lower' ? found : -found;
      }),
    }))
    .filter(({ costs }) => costs.every((cost) => !Number.isNaN(cost)))
    .sort((a, b) => compareCosts(a.costs, b.costs));
  const front: typeof candidates = [];
  // In this order only an earlier point can dominate, and if any does then one already on the front does.
  for (const candidate of candidates) {
    if (!front.some((other) => dominates(other.costs, candidate.costs))) front.push(candidate);
  }
  return front.map(({ point }) => point);
}

function compareCosts(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i++) {
    const [costA, costB] = [a[i] as number, b[i] as number];
    if (costA !== costB) return costA < costB ? -1 : 1;
  }
  return 0;
}

function dominates(a: readonly number[], b: readonly number[]): boolean {
  return a.every((cost, i) => cost <= (b[i] as number)) && a.some((cost, i) => cost < (b[i] as number));
}

/**
 * The front of trials over any axes, from the best on the first axis. Trials still running take part with what
 * they have so far; failed ones and those without a value on every axis do not.
 */
export function frontOfTrials(trials: readonly Trial[], axisIds: readonly AxisId[]): readonly Trial[] {
  return paretoFront(
    trials.filter((trial) => trial.state.kind !== 'failed'),
    axisIds.map((id) => ({
      better: axisOf(id).better,
      value: (trial) => trialMetrics(trial)[id]?.value ?? null,
    })),
  );
}
