import { describe, expect, it } from 'vitest';
import { joinPredictions, scorePredictions } from '../../../src/study/accuracy.ts';
import {
  AXES,
  axisOf,
  defaultQualityAxis,
  exitShares,
  formatMetric,
  trialMetrics,
  undisturbedTotalMs,
} from '../../../src/study/metrics.ts';
import type { Predictions, Trial } from '../../../src/study/trial.ts';
import { makeSample, makeTrial, measuredTrial } from './trials.ts';

const size: NonNullable<Trial['size']> = {
  rawBytes: 1000,
  gzipBytes: 800,
  sparseBytes: 700,
  params: 250,
  nonZeroParams: 125,
  macs: 1000,
  macsToExit: [
    { exitIndex: 0, macs: 100 },
    { exitIndex: 1, macs: 400 },
    { exitIndex: 2, macs: 1000 },
  ],
};

function predictionsWithExits(exitIndex: (number | null)[]): Predictions {
  const images = exitIndex.map((_, index) => index);
  return { imageIndices: images, top1: images, top5: images.map(() => []), confidence: images, exitIndex };
}

/** Of a model that names the class of every pixel; no trial has both kinds of answers. */
const maskAnswers = {
  imageIndices: [0, 1],
  exitIndex: [null, null],
  counts: [
    [0, 5, 6, 7],
    [0, 3, 6, 4],
  ],
  masks: [null, null],
};

describe('trialMetrics', () => {
  it('leaves the warm-up out', () => {
    const warm = makeSample({ warmUp: true, computeMs: 900 });
    const timed = [1, 2, 3].map((computeMs) => makeSample({ computeMs }));
    const { latencyMedianMs, latencyMeanMs } = trialMetrics(makeTrial('t', { samples: [warm, ...timed] }));
    expect(latencyMedianMs).toEqual({ value: 2, low: null, high: null });
    expect(latencyMeanMs?.value).toBe(2);
  });
  it('knows what an inference takes that nothing disturbs, exit by exit', () => {
    const left = (exitIndex: number, totalMs: number) => makeSample({ exitIndex, totalMs });
    const samples = [
      left(0, 2),
      left(0, 2),
      left(0, 90),
      left(1, 8),
      makeSample({ warmUp: true, totalMs: 500 }),
    ];
    expect(undisturbedTotalMs(makeTrial('E', { samples }))).toBeCloseTo((3 * 2 + 8) / 4, 9);
    expect(undisturbedTotalMs(makeTrial('queued'))).toBeNull();
  });
  it('has a value or null on every axis, for any trial', () => {
    const empty = trialMetrics(makeTrial('empty', { state: { kind: 'queued' } }));
    for (const { id } of AXES) expect(empty[id]).toBeNull();
    const full = trialMetrics({
      ...measuredTrial('full', 2, 80),
      size,
      buildMs: 3,
      heapBytes: 5,
      maskAnswers,
    });
    for (const { id } of AXES) expect(full[id]).not.toBeNull();
  });
  it('encloses every value by its interval', () => {
    const metrics = trialMetrics({
      ...measuredTrial('full', 2, 80),
      size,
      buildMs: 3,
      heapBytes: 5,
      maskAnswers,
    });
    for (const { id } of AXES) {
      const measure = metrics[id];
      expect(measure?.low ?? 0).toBeLessThanOrEqual(measure?.value ?? -1);
      expect(measure?.high ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual(measure?.value ?? -1);
    }
  });
  it('weights the work to each exit by how often it is taken', () => {
    const predictions = predictionsWithExits([0, 0, 1, 2]);
    const trial = makeTrial('exits', { size, predictions });
    expect([...exitShares(trial)]).toEqual([
      [0, 0.5],
      [1, 0.25],
      [2, 0.25],
    ]);
    const macs = trialMetrics(trial).macs;
    expect(macs?.value).toBe(0.5 * 100 + 0.25 * 400 + 0.25 * 1000);
    expect(macs?.low).toBeLessThan(macs?.value ?? 0);
  });
  it('knows the work exactly where all images leave at one exit, or there are none', () => {
    const always = makeTrial('always', { size, predictions: predictionsWithExits([1, 1]) });
    expect(trialMetrics(always).macs).toEqual({ value: 400, low: 400, high: 400 });
    const single = makeTrial('single', { size, predictions: predictionsWithExits([null, null]) });
    expect(trialMetrics(single).macs).toEqual({ value: 1000, low: 1000, high: 1000 });
  });
  it('takes the exits from the timed samples where there was no accuracy pass', () => {
    const samples = [
      makeSample({ exitIndex: 0 }),
      makeSample({ exitIndex: 0, warmUp: true }),
      makeSample({ exitIndex: 2 }),
    ];
    expect(trialMetrics(makeTrial('timed', { size, samples })).macs?.value).toBe(550);
  });
});

it('looks at agreement only where nothing is labelled', () => {
  const unlabelled = makeTrial('u', {
    accuracy: { images: 9, labelledImages: 0, top1Correct: null, top5Correct: null, agreeing: 8 },
  });
  expect(defaultQualityAxis([unlabelled])).toBe('agreement');
  expect(defaultQualityAxis([unlabelled, measuredTrial('l', 1, 1)])).toBe('accuracyTop1');
});

it('formats values with their units', () => {
  expect(formatMetric(axisOf('accuracyTop1'), 0.825)).toBe('82.5 %');
  expect(formatMetric(axisOf('latencyMedianMs'), 1.416)).toBe('1.42 ms');
  expect(formatMetric(axisOf('rawBytes'), 241e6)).toBe('241 MB');
  expect(formatMetric(axisOf('params'), 316_654)).toBe('317 k');
});

describe('scorePredictions', () => {
  const predictions: Predictions = {
    imageIndices: [2, 5, 7, 8],
    top1: [1, 2, 3, 4],
    top5: [
      [1, 0, 2, 3, 4],
      [2, 9, 8, 7, 6],
      [3, 7, 0, 1, 2],
      [4, 0, 1, 2, 3],
    ],
    confidence: [1, 1, 1, 1],
    exitIndex: [null, null, null, null],
  };
  const labels = [null, null, 1, null, null, 9, null, null, 8];
  it('counts labelled images only, by their index', () => {
    expect(scorePredictions(predictions, labels, 0, null)).toEqual({
      images: 4,
      labelledImages: 3,
      top1Correct: 1,
      top5Correct: 2,
      agreeing: null,
    });
  });
  it('shifts labels for models whose class 0 is the background', () => {
    const shifted = scorePredictions(predictions, [null, null, 0], 1, null);
    expect(shifted).toMatchObject({ labelledImages: 1, top1Correct: 1 });
  });
  it('compares with the reference image by image', () => {
    expect(scorePredictions(predictions, [], 0, predictions)).toMatchObject({
      top1Correct: null,
      agreeing: 4,
    });
    const other = { ...predictions, top1: [1, 0, 3, 0] };
    expect(scorePredictions(predictions, [], 0, other).agreeing).toBe(2);
    const misplaced = { ...predictions, imageIndices: [1, 5, 7, 8] };
    expect(() => scorePredictions(predictions, [], 0, misplaced)).toThrow(/same images/);
  });
  it('has no top-5 for models with fewer than five classes', () => {
    const few = { ...predictions, top5: predictions.top5.map((best) => best.slice(0, 3)) };
    expect(scorePredictions(few, labels, 0, null).top5Correct).toBeNull();
  });
  it('scores batches joined as the whole', () => {
    const part = (from: number, to: number): Predictions => ({
      imageIndices: predictions.imageIndices.slice(from, to),
      top1: predictions.top1.slice(from, to),
      top5: predictions.top5.slice(from, to),
      confidence: predictions.confidence.slice(from, to),
      exitIndex: predictions.exitIndex.slice(from, to),
    });
    expect(joinPredictions(joinPredictions(null, part(0, 1)), part(1, 4))).toEqual(predictions);
  });
});
