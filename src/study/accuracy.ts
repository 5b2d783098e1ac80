import { assert } from '../base/assert.ts';
import { type Accuracy, NO_CLASS, type Predictions } from './trial.ts';

/**
 * Compares predictions with the labels and with what the unchanged model predicts.
 * @param labels by image index, 0-based; null where an image has none
 * @param classOffset the model's class of label 0 (see `Preprocessing.classOffset`)
 * @param reference the unchanged model's predictions of the same images; null if it has not run
 */
export function scorePredictions(
  predictions: Predictions,
  labels: readonly (number | null)[],
  classOffset: number,
  reference: Predictions | null,
): Accuracy {
  let labelled = 0;
  let top1 = 0;
  let top5 = 0;
  predictions.imageIndices.forEach((imageIndex, position) => {
    const label = labels[imageIndex] ?? null;
    if (label === null) return;
    labelled++;
    const wanted = label + classOffset;
    if (predictions.top1[position] === wanted) top1++;
    if (predictions.top5[position]?.includes(wanted)) top5++;
  });
  // With five classes or fewer every label is among the five best: a number without meaning.
  const hasTop5 = predictions.top5.some((best) => best.length >= 5);
  return {
    images: predictions.imageIndices.length,
    labelledImages: labelled,
    top1Correct: labelled > 0 ? top1 : null,
    top5Correct: labelled > 0 && hasTop5 ? top5 : null,
    agreeing: reference && countAgreeing(predictions, reference),
  };
}

function countAgreeing(predictions: Predictions, reference: Predictions): number {
  assert(
    predictions.imageIndices.every((image, position) => image === reference.imageIndices[position]),
    'agreement needs predictions of the same images',
  );
  return predictions.top1.filter((best, position) => best !== NO_CLASS && best === reference.top1[position])
    .length;
}

/** Predictions with the labels of their images, where any has one. @param labels as for `scorePredictions` */
export function withLabels(predictions: Predictions, labels: readonly (number | null)[]): Predictions {
  const own = predictions.imageIndices.map((imageIndex) => labels[imageIndex] ?? null);
  return own.every((label) => label === null) ? predictions : { ...predictions, labels: own };
}

/** What to say about images whose scores are not numbers; nothing if there are none. */
export function unansweredWarnings({ imageIndices, top1 }: Predictions): readonly string[] {
  const unanswered = top1.filter((best) => best === NO_CLASS).length;
  return unanswered === 0
    ? []
    : [
        `The scores of ${unanswered} of ${imageIndices.length} images are not numbers (NaN): they count as wrong, as agreeing with nothing, and they take no early exit.`,
      ];
}

/** Appends the predictions of further images. */
export function joinPredictions(first: Predictions | null, next: Predictions): Predictions {
  if (!first) return next;
  return {
    imageIndices: [...first.imageIndices, ...next.imageIndices],
    top1: [...first.top1, ...next.top1],
    top5: [...first.top5, ...next.top5],
    confidence: [...first.confidence, ...next.confidence],
    exitIndex: [...first.exitIndex, ...next.exitIndex],
  };
}
