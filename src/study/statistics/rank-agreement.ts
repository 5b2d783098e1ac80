import { type Failure, failed, ok, type Result } from '../../base/result.ts';
import { normalSf, studentTSf } from './distributions.ts';
import type { RankMethod } from './mann-whitney.ts';
import { averageRanks } from './ranks.ts';
import { unequalLengths, unusable } from './samples.ts';

export interface RankAgreement {
  /** 1 where both order alike, -1 where one orders the other way round. */
  readonly agreement: number;
  /** Two-sided. */
  readonly p: number;
}

/**
 * How far two measurements order the same things alike, in O(n log n): Kendall's tau-b.
 * @param options.method `exact` counts all orders, without ties only; `auto` is exact without ties up to 33 values or
 *   where at most one pair is out of order
 * @returns failures `too-few-samples`, `not-finite`, `unequal-lengths`, `all-tied`, `ties` for an exact p of tied values
 * @source Kendall 1970; Knight 1966 for the count; as scipy.stats.kendalltau
 */
export function kendallTau(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: { readonly method?: RankMethod } = {},
): Result<RankAgreement> {
  const failure = unusablePairs(a, b, 2);
  if (failure !== null) return failed(failure);
  const { method = 'auto' } = options;
  const n = a.length;
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (i, j) => (a[i] as number) - (a[j] as number) || (b[i] as number) - (b[j] as number),
  );
  const pairs = (n * (n - 1)) / 2;
  const tiesA = tiesOf(runs(n, (i) => a[order[i] as number] === a[order[i - 1] as number]));
  const both = tiesOf(
    runs(
      n,
      (i) =>
        a[order[i] as number] === a[order[i - 1] as number] &&
        b[order[i] as number] === b[order[i - 1] as number],
    ),
  );
  const byA = Float64Array.from(order, (i) => b[i] as number);
  const discordant = countInversions(byA);
  // Sorted by now.
  const tiesB = tiesOf(runs(n, (i) => byA[i] === byA[i - 1]));
  const [ofA, ofB] = [pairs - tiesA.pairs, pairs - tiesB.pairs];
  if (ofA === 0 || ofB === 0) return failed(ONE_TIED);
  const difference = pairs - tiesA.pairs - tiesB.pairs + both.pairs - 2 * discordant;
  const agreement = Math.max(-1, Math.min(1, difference / Math.sqrt(ofA) / Math.sqrt(ofB)));

  const tied = tiesA.pairs > 0 || tiesB.pairs > 0;
  if (method === 'exact' && tied)
    return failed({
      code: 'ties',
      message: 'Some values are equal, so their orders cannot be counted.',
      hint: 'Use the normal approximation, which corrects for ties.',
    });
  const fewer = Math.min(discordant, pairs - discordant);
  if (method === 'exact' || (method === 'auto' && !tied && (n <= 33 || fewer <= 1)))
    return ok({ agreement, p: Math.min(1, 2 * countedTail(n, fewer)) });
  const m = n * (n - 1);
  const variance =
    (m * (2 * n + 5) - tiesA.second - tiesB.second) / 18 +
    (2 * tiesA.pairs * tiesB.pairs) / m +
    (n > 2 ? (tiesA.first * tiesB.first) / (9 * m * (n - 2)) : 0);
  return ok({ agreement, p: Math.min(1, 2 * normalSf(Math.abs(difference) / Math.sqrt(variance))) });
}

/**
 * How far two measurements order the same things alike: Spearman's rho, with Student's t for p. For fewer than about
 * ten things that p is too small, 0 for equal orders; Kendall's counts.
 * @returns failures as `kendallTau`
 * @source Spearman 1904, as scipy.stats.spearmanr
 */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): Result<RankAgreement> {
  const failure = unusablePairs(a, b, 3);
  if (failure !== null) return failed(failure);
  const n = a.length;
  const middle = (n + 1) / 2;
  const ranksA = averageRanks(a).ranks.map((rank) => rank - middle);
  const ranksB = averageRanks(b).ranks.map((rank) => rank - middle);
  const [aa, bb] = [sumOfProducts(ranksA, ranksA), sumOfProducts(ranksB, ranksB)];
  if (aa === 0 || bb === 0) return failed(ONE_TIED);
  const ab = sumOfProducts(ranksA, ranksB);
  const agreement = Math.max(-1, Math.min(1, ab / Math.sqrt(aa * bb)));
  const t = agreement * Math.sqrt((n - 2) / ((1 + agreement) * (1 - agreement)));
  return ok({ agreement, p: 2 * studentTSf(Math.abs(t), n - 2) });
}

const ONE_TIED: Failure = {
  code: 'all-tied',
  message: 'All values of one measurement are equal, so it orders nothing.',
  hint: 'Compare measurements that differ.',
};

function unusablePairs(a: ArrayLike<number>, b: ArrayLike<number>, atLeast: number): Failure | null {
  return (
    unusable(a, atLeast, 'The first measurement') ??
    unusable(b, atLeast, 'The second measurement') ??
    unequalLengths([a, b])
  );
}

function sumOfProducts(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** Lengths of runs of equal neighbours among n places. */
function runs(n: number, equalsPrevious: (i: number) => boolean): number[] {
  const lengths: number[] = [];
  for (let i = 0; i < n; i++) {
    if (i > 0 && equalsPrevious(i)) (lengths[lengths.length - 1] as number) += 1;
    else lengths.push(1);
  }
  return lengths;
}

/** What Kendall's variance takes of runs of t: tied pairs, and sums of t(t-1)(t-2) and of t(t-1)(2t+5). */
function tiesOf(lengths: readonly number[]): {
  readonly pairs: number;
  readonly first: number;
  readonly second: number;
} {
  let [pairs, first, second] = [0, 0, 0];
  for (const t of lengths) {
    pairs += (t * (t - 1)) / 2;
    first += t * (t - 1) * (t - 2);
    second += t * (t - 1) * (2 * t + 5);
  }
  return { pairs, first, second };
}

/** Pairs of places whose values descend; sorts the values on the way (merge sort). */
function countInversions(values: Float64Array): number {
  const merged = new Float64Array(values.length);
  let count = 0;
  for (let width = 1; width < values.length; width *= 2) {
    for (let start = 0; start < values.length; start += 2 * width) {
      const middle = Math.min(start + width, values.length);
      const end = Math.min(start + 2 * width, values.length);
      let [left, right] = [start, middle];
      for (let at = start; at < end; at++) {
        if (left < middle && (right >= end || (values[left] as number) <= (values[right] as number)))
          merged[at] = values[left++] as number;
        else {
          count += middle - left;
          merged[at] = values[right++] as number;
        }
      }
    }
    values.set(merged);
  }
  return count;
}

/** The share of orders of n things with at most `limit` pairs out of order. */
function countedTail(n: number, limit: number): number {
  const shares = new Float64Array(limit + 1);
  shares[0] = 1;
  for (let j = 2; j <= n; j++) {
    // Times (1 - x^j) / (1 - x), and scaled to keep the sum of all coefficients 1.
    for (let k = limit; k >= j; k--) shares[k] = (shares[k] as number) - (shares[k - j] as number);
    let sum = 0;
    for (let k = 0; k <= limit; k++) {
      sum += (shares[k] as number) / j;
      shares[k] = sum;
    }
  }
  return shares.reduce((sum, share) => sum + share, 0);
}
