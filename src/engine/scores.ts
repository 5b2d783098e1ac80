import { InputError } from '../base/result.ts';

/** Class scores of one image, whatever the tensor's number type was. */
export type Scores = ArrayLike<number>;

/**
 * The number of classes if an output of these dimensions scores classes for one image.
 * @param dims e.g. [1, 1000], [1000] or [1, 1000, 1, 1]
 * @returns the one dimension that is not 1, or null if several are (a segmentation map, detections)
 */
export function classCountOf(dims: readonly number[]): number | null {
  const wide = dims.filter((dim) => dim !== 1);
  if (wide.length > 1) return null;
  return wide[0] ?? 1;
}

/** @throws InputError `not-classification` if the output is not one row of class scores */
export function requireClassScores(dims: readonly number[], outputName: string): void {
  if (classCountOf(dims) !== null && dims.length > 0) return;
  throw new InputError({
    code: 'not-classification',
    message: `Output ${outputName} has shape [${dims.join(', ')}], not one score per class.`,
    where: outputName,
    hint: 'Latency and size can be measured; accuracy and confidence need a classifier.',
  });
}

/** Positions of the `count` largest scores, best first; equals in order of position. None if any score is NaN. */
export function bestClasses(scores: Scores, count: number): number[] {
  const best: number[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (Number.isNaN(score)) return [];
    if (best.length === count && !(score > (scores[best[count - 1] as number] as number))) continue;
    let at = best.length;
    while (at > 0 && score > (scores[best[at - 1] as number] as number)) at--;
    best.splice(at, 0, i);
    if (best.length > count) best.pop();
  }
  return best;
}
