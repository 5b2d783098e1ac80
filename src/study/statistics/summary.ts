import { assert } from '../../base/assert.ts';
import { quantileIntervalRanks } from './binomial.ts';
import { studentTQuantile } from './distributions.ts';

/** An interval, or null where the samples are too few to give one at 95 %. */
export type Interval = readonly [low: number, high: number] | null;

export interface Summary {
  readonly n: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  readonly median: number;
  readonly p90: number;
  readonly meanInterval95: Interval;
  readonly medianInterval95: Interval;
  readonly p90Interval95: Interval;
}

/**
 * Location and spread of raw samples.
 *
 * The intervals of median and 90th percentile are exact order statistics and assume no distribution; they need
 * at least 6 and 30-odd samples. The interval of the mean is Student's.
 * @returns null if there are no samples
 */
export function summarise(samples: readonly number[]): Summary | null {
  const n = samples.length;
  if (n === 0) return null;
  const sorted = Float64Array.from(samples).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / n;
  return {
    n,
    min: sorted[0] as number,
    max: sorted[n - 1] as number,
    mean,
    median: quantileOfSorted(sorted, 0.5),
    p90: quantileOfSorted(sorted, 0.9),
    meanInterval95: meanInterval95(sorted, mean),
    medianInterval95: quantileInterval95(sorted, 0.5),
    p90Interval95: quantileInterval95(sorted, 0.9),
  };
}

/**
 * Quantile with linear interpolation between order statistics.
 * @param p in [0, 1]
 * @source Hyndman and Fan 1996, type 7 (numpy's and R's default)
 */
export function quantileOfSorted(sorted: ArrayLike<number>, p: number): number {
  assert(sorted.length > 0 && p >= 0 && p <= 1, 'a quantile needs samples and p in [0, 1]');
  const position = (sorted.length - 1) * p;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (above - below) * (position - Math.floor(position));
}

/** @param values in any order, at least one */
export function medianOf(values: ArrayLike<number>): number {
  return quantileOfSorted(Float64Array.from(values).sort(), 0.5);
}

function quantileInterval95(sorted: Float64Array, p: number): Interval {
  const ranks = quantileIntervalRanks(sorted.length, p, 0.95);
  return ranks && [sorted[ranks[0] - 1] as number, sorted[ranks[1] - 1] as number];
}

function meanInterval95(samples: Float64Array, mean: number): Interval {
  const n = samples.length;
  if (n < 2) return null;
  const variance = samples.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = studentQuantile975(n - 1) * Math.sqrt(variance / n);
  return [mean - half, mean + half];
}

/** By degrees of freedom: a table asks for hundreds of summaries of few sizes. */
const quantiles975 = new Map<number, number>();

function studentQuantile975(degreesOfFreedom: number): number {
  let quantile = quantiles975.get(degreesOfFreedom);
  if (quantile === undefined) {
    quantile = studentTQuantile(0.975, degreesOfFreedom);
    quantiles975.set(degreesOfFreedom, quantile);
  }
  return quantile;
}
