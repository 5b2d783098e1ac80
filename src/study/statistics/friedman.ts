import { failed, ok, type Result } from '../../base/result.ts';
import { chiSquaredSf } from './distributions.ts';
import { averageRanks } from './ranks.ts';
import { ALL_TIED, unequalLengths, unusableGroups } from './samples.ts';

export interface Friedman {
  /** Corrected for ties. */
  readonly chiSquared: number;
  readonly degreesOfFreedom: number;
  readonly p: number;
}

/**
 * Whether strategies differ that were measured in the same rounds: as each round is ranked by itself, drift and
 * throttling between rounds do not count.
 * @param groups at least two, each with one value for each round, of at least two
 * @returns failures `too-few-samples`, `not-finite`, `unequal-lengths`, `all-tied`
 * @source Friedman 1937; chi-squared approximation, as scipy.stats.friedmanchisquare
 */
export function friedman(groups: readonly ArrayLike<number>[]): Result<Friedman> {
  const failure = unusableGroups(groups, 2, 2) ?? unequalLengths(groups);
  if (failure !== null) return failed(failure);
  const k = groups.length;
  const rounds = (groups[0] as ArrayLike<number>).length;
  const rankSums = new Float64Array(k);
  let ties = 0;
  for (let round = 0; round < rounds; round++) {
    const { ranks, tieSum } = averageRanks(groups.map((group) => group[round] as number));
    ties += tieSum;
    for (const [i, rank] of ranks.entries()) rankSums[i] = (rankSums[i] as number) + rank;
  }
  if (ties === (k ** 3 - k) * rounds) return failed(ALL_TIED);
  const middle = (rounds * (k + 1)) / 2;
  const between = rankSums.reduce((sum, rankSum) => sum + (rankSum - middle) ** 2, 0);
  const chiSquared = (12 * between) / (rounds * k * (k + 1) * (1 - ties / ((k ** 3 - k) * rounds)));
  return ok({ chiSquared, degreesOfFreedom: k - 1, p: chiSquaredSf(chiSquared, k - 1) });
}
