import { failed, ok, type Result } from '../../base/result.ts';
import { normalSf } from './distributions.ts';
import type { RankMethod } from './mann-whitney.ts';
import { averageRanks } from './ranks.ts';
import { unusable } from './samples.ts';

/** What differences of 0 do: left out, ranked but not counted, or counted half on either side. */
export type ZeroMethod = 'wilcox' | 'pratt' | 'zsplit';

export interface Wilcoxon {
  /** The smaller of the rank sums of positive and of negative differences. */
  readonly w: number;
  /** Two-sided. */
  readonly p: number;
  readonly method: 'exact' | 'normal';
}

/**
 * Whether paired differences are centred on 0.
 * @param differences a - b of each pair
 * @param options.method `exact` counts all choices of signs, given the ranks with their ties; `normal` corrects for
 *   ties; `auto` is exact up to 50 differences, with ties or zeros up to 13, as scipy
 * @param options.continuity whether `normal` is corrected for the sum being whole; not by default, as scipy
 * @returns failures `too-few-samples`, `not-finite`, `all-tied` where every difference is 0
 * @source Wilcoxon 1945; Pratt 1959 and Cureton 1967 for zeros; as scipy.stats.wilcoxon
 */
export function wilcoxonSignedRank(
  differences: ArrayLike<number>,
  options: {
    readonly method?: RankMethod;
    readonly zeros?: ZeroMethod;
    readonly continuity?: boolean;
  } = {},
): Result<Wilcoxon> {
  const failure = unusable(differences, 1, 'The list of differences');
  if (failure !== null) return failed(failure);
  const { method = 'auto', zeros = 'wilcox', continuity = false } = options;
  const all = Array.from(differences);
  const ranked = zeros === 'wilcox' ? all.filter((difference) => difference !== 0) : all;
  const zeroCount = all.filter((difference) => difference === 0).length;
  if (zeroCount === all.length)
    return failed({
      code: 'all-tied',
      message: 'Every difference is 0: the pairs are equal.',
      hint: 'A coarse timer does this to fast models: measure in batches or on larger inputs.',
    });
  const { ranks, tieSum } = averageRanks(ranked.map(Math.abs));
  const counted = ranks.filter((_, i) => ranked[i] !== 0);
  const sum = counted.reduce((total, rank) => total + rank, 0);
  const positive = ranks.reduce((total, rank, i) => total + ((ranked[i] as number) > 0 ? rank : 0), 0);
  const ofZeros = zeros === 'zsplit' ? ranks.reduce((total, rank) => total + rank, -sum) / 2 : 0;
  const smaller = Math.min(positive, sum - positive);
  const w = smaller + ofZeros;

  const untied = tieSum === 0 && zeroCount === 0;
  const exact = method === 'exact' || (method === 'auto' && all.length <= (untied ? 50 : 13));
  if (exact) return ok({ w, p: Math.min(1, 2 * signedTail(counted, smaller)), method: 'exact' });

  const n = ranked.length;
  const silent = zeros === 'pratt' ? zeroCount : 0;
  const ties = tieSum - (silent ** 3 - silent);
  const squares = n * (n + 1) * (2 * n + 1) - silent * (silent + 1) * (2 * silent + 1);
  const deviation = Math.sqrt((squares - ties / 2) / 24);
  const distance = sum / 2 - smaller;
  const corrected = continuity && distance > 0 ? Math.abs(distance - 0.5) : distance;
  return ok({ w, p: Math.min(1, 2 * normalSf(corrected / deviation)), method: 'normal' });
}

/** The share of the choices of signs in which the positive ranks sum up to at most `limit`. */
function signedTail(ranks: Float64Array, limit: number): number {
  // Shared ranks are whole or halves.
  const scale = ranks.every(Number.isInteger) ? 1 : 2;
  const shares = new Float64Array(limit * scale + 1);
  shares[0] = 1;
  for (const rank of ranks) {
    const step = rank * scale;
    for (let k = shares.length - 1; k >= 0; k--)
      shares[k] = ((shares[k] as number) + (k >= step ? (shares[k - step] as number) : 0)) / 2;
  }
  return shares.reduce((total, share) => total + share, 0);
}
