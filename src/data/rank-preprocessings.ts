import type { Dataset } from './dataset.ts';
import type { PreprocessingCandidate } from './guess-preprocessing.ts';

/** How a candidate did on a few labelled images. */
export interface CandidateScore {
  readonly candidate: PreprocessingCandidate;
  readonly images: number;
  /** Images whose best class was their label. */
  readonly correct: number;
}

/** One image more or less is chance; the likelier guess is given up only for more than that. */
const chanceImages = 1;

/** What tells a candidate apart from the others, in a few words. */
export function candidateName({ reasons }: PreprocessingCandidate): string {
  return reasons.at(-1) ?? '';
}

/** Indices of at most `count` labelled images, spread evenly over the dataset and so over its classes. */
export function imagesToTry({ items }: Dataset, count: number): readonly number[] {
  const labelled = items.flatMap(({ label }, index) => (label === null ? [] : [index]));
  if (labelled.length <= count) return labelled;
  return Array.from(
    { length: count },
    (_, at) => labelled[Math.floor(((at + 0.5) * labelled.length) / count)] as number,
  );
}

/**
 * A candidate's score.
 * @param imageIndices the images it was tried on
 * @param top1 the model's best class of each
 */
export function scoreCandidate(
  candidate: PreprocessingCandidate,
  { items }: Dataset,
  imageIndices: readonly number[],
  top1: readonly number[],
): CandidateScore {
  const { classOffset } = candidate.preprocessing;
  const isRight = (imageIndex: number, position: number) => {
    const label = items[imageIndex]?.label ?? null;
    return label !== null && top1[position] === label + classOffset;
  };
  return { candidate, images: imageIndices.length, correct: imageIndices.filter(isRight).length };
}

/**
 * The candidate that got most images right; the likeliest one as long as no other is better by more than chance.
 * @param scores the likeliest first, all on the same images
 */
export function bestCandidate(scores: readonly CandidateScore[]): CandidateScore | null {
  const [likeliest] = scores;
  if (!likeliest) return null;
  const best = scores.reduce((a, b) => (b.correct > a.correct ? b : a), likeliest);
  return best.correct > likeliest.correct + chanceImages ? best : likeliest;
}

/** The chosen candidate's reasons with how it did. */
export function reasonsWithScore(
  { candidate, correct, images }: CandidateScore,
  tried: number,
): readonly string[] {
  return [
    ...candidate.reasons,
    `${correct} of ${images} images right, the best of ${tried} normalizations tried`,
  ];
}
