import { assert } from '../../base/assert.ts';
import type { Random } from '../../base/random.ts';

/**
 * Quantiles of bootstrap resamples, without drawing the resamples.
 *
 * A resample of n values picks places floor(n u) for n uniform u; its k-th smallest value sits at floor(n u(k)), and
 * u(k) is a beta variable. So one or two draws give what n draws and a sort would, with the same distribution: the
 * bootstrap of a front of 60 strategies with 500 samples each takes milliseconds.
 * @param sorted ascending, at least one value
 * @param p in [0, 1], of type 7 as `quantileOfSorted`
 */
export function resampledQuantiles(
  sorted: Float64Array,
  p: number,
  resamples: number,
  random: Random,
): Float64Array {
  const n = sorted.length;
  assert(n > 0 && p >= 0 && p <= 1, 'a quantile needs samples and p in [0, 1]');
  const position = (n - 1) * p;
  const rank = Math.floor(position) + 1;
  const weight = position - Math.floor(position);
  const normal = normalSource(random);
  const replicates = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    const low = gamma(rank, random, normal);
    const u = low / (low + gamma(n + 1 - rank, random, normal));
    const below = sorted[Math.min(n - 1, Math.floor(n * u))] as number;
    if (weight === 0) replicates[i] = below;
    else {
      // The next of n - rank uniforms above u.
      const next = u + (1 - u) * (1 - random() ** (1 / (n - rank)));
      const above = sorted[Math.min(n - 1, Math.floor(n * next))] as number;
      replicates[i] = below + (above - below) * weight;
    }
  }
  return replicates;
}

/** A gamma variable of a whole shape of at least 1. @source Marsaglia and Tsang 2000 */
function gamma(shape: number, random: Random, normal: () => number): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal();
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** Standard normal numbers, two from each accepted pair. @source Marsaglia and Bray 1964 */
function normalSource(random: Random): () => number {
  let spare: number | null = null;
  return () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    for (;;) {
      const x = 2 * random() - 1;
      const y = 2 * random() - 1;
      const square = x * x + y * y;
      if (square >= 1 || square === 0) continue;
      const scale = Math.sqrt((-2 * Math.log(square)) / square);
      spare = y * scale;
      return x * scale;
    }
  };
}
