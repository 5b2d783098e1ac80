import { failed, ok, type Result } from '../../base/result.ts';
import { studentTQuantile } from './distributions.ts';
import { countAtMost, countBelow } from './ranks.ts';
import { unusable } from './samples.ts';

export type Magnitude = 'negligible' | 'small' | 'medium' | 'large';

export interface CliffsDelta {
  /** The chance that a value of `a` is above one of `b`, less the chance that it is below; in [-1, 1]. */
  readonly delta: number;
  readonly low: number;
  readonly high: number;
  readonly magnitude: Magnitude;
}

/**
 * How far two samples lie apart, whatever their distribution, in O(n log n).
 * @param a at least two finite values
 * @param b at least two finite values
 * @param confidence of the interval, in (0, 1)
 * @returns failures `too-few-samples`, `not-finite`
 * @source Cliff 1993 for delta and its unbiased variance; Feng and Cliff 2004 for the asymmetric interval (with
 *   Student's t, as R's effsize); where the samples do not overlap, Feng 2007: (n - z^2) / (n + z^2)
 */
export function cliffsDelta(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  confidence = 0.95,
): Result<CliffsDelta> {
  const failure = unusable(a, 2, 'The first sample') ?? unusable(b, 2, 'The second sample');
  if (failure !== null) return failed(failure);
  const n = a.length;
  const m = b.length;
  const ofA = dominance(a, b);
  const ofB = dominance(b, a);
  const delta = ofA.sum / (n * m);
  const z = studentTQuantile((1 + confidence) / 2, n + m - 2);
  const magnitude = magnitudeOf(delta);
  if (Math.abs(delta) === 1) {
    const fewer = Math.min(n, m);
    const inner = (fewer - z * z) / (fewer + z * z);
    return ok({ delta, low: delta < 0 ? -1 : inner, high: delta < 0 ? -inner : 1, magnitude });
  }
  // Of the single pairs, each 1, 0 or -1.
  const cells = n * m - ofA.ties - n * m * delta * delta;
  const unbiased =
    (m * m * spread(ofA.means, delta) + n * n * spread(ofB.means, -delta) - cells) /
    (n * m * (n - 1) * (m - 1));
  // It may come out below what any pair of samples can have, even below 0.
  const variance = Math.max(unbiased, (1 - delta * delta) / (n * m - 1));
  const zz = z * z * variance;
  const centre = delta - delta ** 3;
  const half = Math.sqrt(zz) * Math.sqrt((1 - delta * delta) ** 2 + zz);
  const under = 1 - delta * delta + zz;
  return ok({
    delta,
    low: Math.max(-1, (centre - half) / under),
    high: Math.min(1, (centre + half) / under),
    magnitude,
  });
}

/** The word for a delta. @source Romano and others 2006 */
export function magnitudeOf(delta: number): Magnitude {
  const size = Math.abs(delta);
  if (size < 0.147) return 'negligible';
  if (size < 0.33) return 'small';
  return size < 0.474 ? 'medium' : 'large';
}

/** How each value stands to all of `others`: the share it is above less the share it is below. */
function dominance(
  values: ArrayLike<number>,
  others: ArrayLike<number>,
): { readonly means: Float64Array; readonly sum: number; readonly ties: number } {
  const sorted = Float64Array.from(others).sort();
  const m = sorted.length;
  const means = new Float64Array(values.length);
  let sum = 0;
  let ties = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] as number;
    const below = countBelow(sorted, value);
    const notAbove = countAtMost(sorted, value);
    means[i] = (below + notAbove - m) / m;
    sum += below + notAbove - m;
    ties += notAbove - below;
  }
  return { means, sum, ties };
}

/** Squared distances from a mean, summed. */
function spread(values: Float64Array, mean: number): number {
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
}
