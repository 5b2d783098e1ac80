import { assert } from '../../base/assert.ts';
import { failed, ok, type Result } from '../../base/result.ts';
import { binomialCdf, chiSquaredSf } from './distributions.ts';

export type McnemarMethod = 'exact' | 'chi-squared' | 'corrected';

export interface Mcnemar {
  /** Chi-squared with one degree of freedom; null for the exact test. */
  readonly statistic: number | null;
  /** Two-sided. */
  readonly p: number;
}

/**
 * Whether two classifiers differ in accuracy on the same images, from those that only one got right.
 * @param onlyA images that only the first got right
 * @param onlyB images that only the second got right
 * @param method binomial, chi-squared, or chi-squared corrected for the counts being whole
 * @returns failure `all-tied` where the two are right on the same images
 * @source McNemar 1947; Edwards 1948 for the correction
 */
export function mcnemar(onlyA: number, onlyB: number, method: McnemarMethod = 'exact'): Result<Mcnemar> {
  assert(onlyA >= 0 && onlyB >= 0, 'McNemar counts images');
  const differing = onlyA + onlyB;
  if (differing === 0)
    return failed({
      code: 'all-tied',
      message: 'Both are right on the same images, so no image tells them apart.',
      hint: 'Evaluate on more or harder images.',
    });
  switch (method) {
    case 'exact': {
      const tail = binomialCdf(Math.min(onlyA, onlyB), differing, 0.5);
      return ok({ statistic: null, p: Math.min(1, 2 * tail) });
    }
    case 'chi-squared':
    case 'corrected': {
      const distance = Math.abs(onlyA - onlyB) - (method === 'corrected' ? 1 : 0);
      const statistic = distance ** 2 / differing;
      return ok({ statistic, p: chiSquaredSf(statistic, 1) });
    }
  }
}
