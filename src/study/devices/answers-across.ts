import type { Trial } from '../trial.ts';

/** How far devices answer alike with one strategy: computing the same, they should. */
export interface AnswersAcross {
  /** Images on which every device was evaluated. */
  readonly images: number;
  /** Images of these on which at least one device names another class than the first. */
  readonly differing: number;
  /** Whether some device was evaluated on more images than these, so that accuracies are not of the same images. */
  readonly isPartial: boolean;
}

/**
 * Compares the best classes image by image.
 * @param trials of one strategy on the same images, by device; null: not measured there
 * @returns null where fewer than two devices tell answers, or inputs were noise of each device's own
 */
export function answersAcross(trials: readonly (Trial | null)[]): AnswersAcross | null {
  const told = trials.flatMap((trial) =>
    trial?.predictions && !trial.preprocessing.random
      ? [new Map(trial.predictions.imageIndices.map((image, at) => [image, trial.predictions?.top1[at]]))]
      : [],
  );
  const [first, ...others] = told;
  if (!first || others.length === 0) return null;
  const common = [...first.keys()].filter((image) => others.every((other) => other.has(image)));
  return {
    images: common.length,
    differing: common.filter((image) => others.some((other) => other.get(image) !== first.get(image))).length,
    isPartial: told.some(({ size }) => size > common.length),
  };
}
