import { failed, ok, type Result } from '../../base/result.ts';
import { chiSquaredSf } from './distributions.ts';
import { type RankedGroups, rankGroups } from './ranks.ts';
import { ALL_TIED, unusableGroups } from './samples.ts';

export interface KruskalWallis {
  /** Corrected for ties. */
  readonly h: number;
  readonly degreesOfFreedom: number;
  readonly p: number;
}

/**
 * Whether samples of several groups come from one distribution, by their ranks.
 * @param groups at least two, of at least one finite value each and together more values than groups
 * @returns failures `too-few-samples`, `not-finite`, `all-tied`
 * @source Kruskal and Wallis 1952; chi-squared approximation, as scipy.stats.kruskal
 */
export function kruskalWallis(groups: readonly ArrayLike<number>[]): Result<KruskalWallis> {
  const ranked = rankedForTest(groups);
  if (!ranked.ok) return ranked;
  const { sizes, meanRanks, total, tieSum } = ranked.value;
  const middle = (total + 1) / 2;
  const between = sizes.reduce((sum, size, i) => sum + size * ((meanRanks[i] as number) - middle) ** 2, 0);
  const h = (12 * between) / (total * (total + 1) * (1 - tieSum / (total ** 3 - total)));
  const degreesOfFreedom = groups.length - 1;
  return ok({ h, degreesOfFreedom, p: chiSquaredSf(h, degreesOfFreedom) });
}

/** The groups' common ranks, where a comparison of groups makes sense. */
export function rankedForTest(groups: readonly ArrayLike<number>[]): Result<RankedGroups> {
  const failure = unusableGroups(groups, 2, 1);
  if (failure !== null) return failed(failure);
  const ranked = rankGroups(groups);
  if (ranked.total <= groups.length)
    return failed({
      code: 'too-few-samples',
      message: `Each of the ${groups.length} groups holds a single value, so none shows how much it varies.`,
      hint: 'Measure more rounds or images.',
    });
  if (ranked.tieSum === ranked.total ** 3 - ranked.total) return failed(ALL_TIED);
  return ok(ranked);
}
