import { failed, ok, type Result } from '../../base/result.ts';
import { normalSf } from './distributions.ts';
import { rankGroups } from './ranks.ts';
import { ALL_TIED, unusable } from './samples.ts';

/** How a rank test finds its p; `auto` takes what scipy takes. */
export type RankMethod = 'auto' | 'exact' | 'normal';

export interface MannWhitney {
  /** Pairs in which the value of `a` is above that of `b`, equal ones counted half. */
  readonly u: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

/**
 * Whether values of one sample tend to be above those of the other.
 * @param options.method `exact` counts all orders, without ties only; `normal` corrects for ties; `auto` is exact
 *   where a sample has at most 8 values and none are tied
 * @param options.continuity whether `normal` is corrected for U being whole, as by default
 * @returns failures `too-few-samples`, `not-finite`, `all-tied`, `ties` for an exact p of tied values
 * @source Mann and Whitney 1947, as scipy.stats.mannwhitneyu
 */
export function mannWhitney(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { readonly method?: RankMethod; readonly continuity?: boolean } = {},
): Result<MannWhitney> {
  const failure = unusable(a, 1, 'The first sample') ?? unusable(b, 1, 'The second sample');
  if (failure !== null) return failed(failure);
  const { method = 'auto', continuity = true } = options;
  const { meanRanks, total, tieSum } = rankGroups([a, b]);
  const [n, m] = [a.length, b.length];
  const u = Math.round(2 * n * ((meanRanks[0] as number) - (n + 1) / 2)) / 2;
  const further = Math.max(u, n * m - u);
  if (method === 'exact' && tieSum > 0)
    return failed({
      code: 'ties',
      message: 'Some values are equal, so their orders cannot be counted.',
      hint: 'Use the normal approximation, which corrects for ties.',
    });
  if (method === 'exact' || (method === 'auto' && tieSum === 0 && Math.min(n, m) <= 8))
    return ok({ u, p: Math.min(1, 2 * countedTail(n, m, n * m - further)), method: 'exact' });
  if (tieSum === total ** 3 - total) return failed(ALL_TIED);
  const deviation = Math.sqrt(((n * m) / 12) * (total + 1 - tieSum / (total * (total - 1))));
  const z = (further - (n * m) / 2 - (continuity ? 0.5 : 0)) / deviation;
  return ok({ u, p: Math.min(1, 2 * normalSf(z)), method: 'normal' });
}

/**
 * The share of orders of n and m values with U at most `u`, which is at most half of n m.
 * @source the shares are the coefficients of the Gaussian binomial, multiplied out factor by factor
 */
function countedTail(n: number, m: number, u: number): number {
  const [fewer, more] = n < m ? [n, m] : [m, n];
  const shares = new Float64Array(u + 1);
  shares[0] = 1;
  for (let i = 1; i <= fewer; i++) {
    // Times (1 - x^(more + i)) / (1 - x^i), and scaled to keep the sum of all coefficients 1.
    for (let k = u; k >= more + i; k--) shares[k] = at(shares, k) - at(shares, k - more - i);
    for (let k = i; k <= u; k++) shares[k] = at(shares, k) + at(shares, k - i);
    for (let k = 0; k <= u; k++) shares[k] = (at(shares, k) * i) / (more + i);
  }
  return shares.reduce((sum, share) => sum + share, 0);
}

function at(values: Float64Array, i: number): number {
  return values[i] as number;
}
