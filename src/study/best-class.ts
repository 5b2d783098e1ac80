import { NO_CLASS } from './trial.ts';

/**
 * Position of the largest score; the first of equals.
 * @returns `NO_CLASS` if any score is NaN
 */
export function bestClass(scores: ArrayLike<number>): number {
  let best = 0;
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (Number.isNaN(score)) return NO_CLASS;
    if (score > (scores[best] as number)) best = i;
  }
  return best;
}
