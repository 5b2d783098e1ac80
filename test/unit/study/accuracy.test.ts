import { expect, it } from 'vitest';
import { scorePredictions, unansweredWarnings } from '../../../src/study/accuracy.ts';
import { NO_CLASS, type Predictions } from '../../../src/study/trial.ts';

const predictions = (top1: readonly number[]): Predictions => ({
  imageIndices: top1.map((_, image) => image),
  top1,
  top5: top1.map((best) => (best === NO_CLASS ? [] : [best, 7, 8, 9, 10])),
  confidence: top1.map(() => 0.5),
  exitIndex: top1.map(() => null),
});

it('an image without a class is neither right nor in agreement, and is told about', () => {
  const broken = predictions([NO_CLASS, 1, NO_CLASS, 3]);
  const { top1Correct, top5Correct, agreeing } = scorePredictions(broken, [0, 1, 2, 2], 0, broken);
  expect([top1Correct, top5Correct, agreeing]).toEqual([1, 1, 2]);
  expect(unansweredWarnings(broken).join()).toContain('2 of 4 images');
  expect(unansweredWarnings(predictions([0, 1]))).toEqual([]);
});
