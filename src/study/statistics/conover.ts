import { failed, ok, type Result } from '../../base/result.ts';
import { studentTSf } from './distributions.ts';
import { rankedForTest } from './kruskal-wallis.ts';

export interface ConoverPair {
  /** Places of the two groups, `a` below `b`. */
  readonly a: number;
  readonly b: number;
  /** Above 0 where the values of `a` are larger. */
  readonly t: number;
  /** Two-sided; not adjusted for the number of pairs. */
  readonly p: number;
}

/**
 * Which pairs of groups differ, after Kruskal-Wallis: t tests of mean ranks with the spread within all groups.
 * @param groups as `kruskalWallis` takes them
 * @returns each pair once, by `a`, then `b`; failures as `kruskalWallis`, and `no-spread` where no group varies
 * @source Conover, Practical Nonparametric Statistics, 3rd ed., section 5.2, equation 6; its S^2 (N - 1 - T) is the
 *   sum of squares within the groups, taken here as such, as the difference loses all digits where groups lie apart
 */
export function conover(groups: readonly ArrayLike<number>[]): Result<readonly ConoverPair[]> {
  const ranked = rankedForTest(groups);
  if (!ranked.ok) return ranked;
  const { sizes, meanRanks, total, withinSquares } = ranked.value;
  if (withinSquares === 0)
    return failed({
      code: 'no-spread',
      message: 'Each group holds one value again and again, so nothing tells chance from difference.',
      hint: 'A coarse timer does this: measure in batches or on larger inputs; the medians can still be read.',
    });
  const degreesOfFreedom = total - groups.length;
  const variance = withinSquares / degreesOfFreedom;
  const pairs: ConoverPair[] = [];
  for (let a = 0; a < groups.length; a++)
    for (let b = a + 1; b < groups.length; b++) {
      const difference = (meanRanks[a] as number) - (meanRanks[b] as number);
      const t = difference / Math.sqrt(variance * (1 / (sizes[a] as number) + 1 / (sizes[b] as number)));
      pairs.push({ a, b, t, p: 2 * studentTSf(Math.abs(t), degreesOfFreedom) });
    }
  return ok(pairs);
}
