import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  evaluationImages,
  imagesToCalibrateWith,
  imagesToCheckWith,
  imagesToTrainWith,
  reevaluated,
  restrictedTo,
  splitImages,
} from '../../../src/study/evaluation-images.ts';
import { accuracyImages, PROTOCOLS } from '../../../src/study/plan.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import type { Predictions } from '../../../src/study/trial.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { makeTrial } from './trials.ts';

const labels = fc.array(fc.option(fc.integer({ min: 0, max: 6 }), { nil: null }), { maxLength: 120 });
const trained: Recipe = [{ op: 'early-exit', kind: 'trained', at: ['a'], exit: 0 }];
const strategyOf = (recipe: Recipe) => makeStrategy('model', { name: 'x', recipe }, 'wasm', 1);

describe('images to train exits with and to evaluate with', () => {
  test('those without a label train nothing where others have one', () => {
    fc.assert(
      fc.property(labels, (all) => {
        const isLabelled = all.some((label) => label !== null);
        const wanted = splitImages(all).training.filter((image) => !isLabelled || all[image] !== null);
        expect(imagesToTrainWith(all)).toEqual(wanted);
      }),
    );
  });

  test('of very many, every class keeps as many as the others', () => {
    // Nine in ten are of one class; the rest are of forty.
    const many = Array.from({ length: 30_000 }, (_, image) => (image % 10 > 0 ? 0 : 1 + ((image / 10) % 40)));
    const chosen = imagesToTrainWith(many);
    expect(chosen.length).toBe(5000);
    expect(new Set(chosen).size).toBe(5000);
    expect(chosen).toEqual(chosen.toSorted((a, b) => a - b));
    const ofRare = chosen.filter((image) => many[image] === 17).length;
    expect(ofRare, 'all that half of 75 images leave').toBe(37);
  });

  test('what was found with some is checked with others of the same half, as long as there are any', () => {
    fc.assert(
      fc.property(labels, fc.nat(40), fc.integer({ min: 1, max: 40 }), (given, samples, most) => {
        const seen = imagesToCalibrateWith(given, samples);
        const checked = imagesToCheckWith(given, seen, most);
        const others = splitImages(given).training.filter((image) => !seen.includes(image));
        const wanted = others.length > 0 ? others : seen;
        expect(checked.length).toBe(others.length > 0 ? Math.min(most, others.length) : seen.length);
        expect(checked.filter((image) => !wanted.includes(image))).toEqual([]);
      }),
    );
  });

  test('every image is one or the other, and each class is halved', () => {
    fc.assert(
      fc.property(labels, (given) => {
        const { training, evaluation } = splitImages(given);
        expect([...training, ...evaluation].sort((a, b) => a - b)).toEqual(given.map((_, image) => image));
        for (const label of new Set(given)) {
          const count = (images: readonly number[]) => images.filter((i) => given[i] === label).length;
          expect(count(evaluation) - count(training)).toBeOneOf([0, 1]);
        }
      }),
    );
  });

  test('a study that learns from no images uses all; with trained exits, every strategy the fair ones among them', () => {
    fc.assert(
      fc.property(labels, (given) => {
        const plain = [strategyOf([]), strategyOf([{ op: 'quantize', mode: 'dynamic' }])];
        const all = accuracyImages(PROTOCOLS.quick, given.length);
        expect(evaluationImages(PROTOCOLS.quick, plain, given)).toEqual(all);
        const fair = evaluationImages(PROTOCOLS.quick, [...plain, strategyOf(trained)], given);
        const { training } = splitImages(given);
        expect(fair.filter((image) => training.includes(image))).toEqual([]);
        expect(fair.every((image) => all.includes(image))).toBe(true);
        expect(fair.length).toBe(all.filter((image) => !training.includes(image)).length);
      }),
    );
  });

  test('with a calibrated strategy all are evaluated on images that calibrated nothing, as long as those are enough', () => {
    const calibratedWith = (samples: number): Recipe => [{ op: 'quantize', mode: 'static', samples }];
    fc.assert(
      fc.property(labels, fc.integer({ min: 1, max: 80 }), fc.nat(80), (given, samples, fewer) => {
        const strategies = [[], calibratedWith(fewer + 1), calibratedWith(samples)].map(strategyOf);
        const fair = evaluationImages(PROTOCOLS.quick, strategies, given);
        const { training, evaluation } = splitImages(given);
        const most = Math.max(fewer + 1, samples);
        const calibrating = imagesToCalibrateWith(given, most);
        const others = given.flatMap((_, image) => (calibrating.includes(image) ? [] : [image]));
        expect(fair).toEqual(most <= training.length ? others : evaluation);
        expect(calibrating).toEqual(expect.arrayContaining([...imagesToCalibrateWith(given, samples)]));
        const withExits = evaluationImages(PROTOCOLS.quick, [...strategies, strategyOf(trained)], given);
        expect(withExits).toEqual(evaluation);
      }),
    );
    // What says nothing of it calibrates with 128.
    const many = new Array<number>(1000).fill(0);
    const usual = strategyOf([{ op: 'quantize', mode: 'static' }]);
    expect(evaluationImages(PROTOCOLS.standard, [usual], many)).toHaveLength(1000 - 128);
  });

  test('what was predicted on more images is told on the fair ones alone', () => {
    const predictions: Predictions = {
      imageIndices: [0, 1, 2, 3],
      top1: [0, 1, 1, 0],
      top5: [[0], [1], [1], [0]],
      confidence: [0.9, 0.8, 0.7, 0.6],
      exitIndex: [null, 0, 1, null],
    };
    const accuracy = { images: 4, labelledImages: 4, top1Correct: 3, top5Correct: null, agreeing: null };
    const trial = { ...makeTrial('a'), predictions, accuracy };
    const fair = reevaluated(trial, [1, 3], [0, 1, 0, 0], restrictedTo(predictions, [1, 3]));
    expect(fair.predictions).toEqual({
      imageIndices: [1, 3],
      top1: [1, 0],
      top5: [[1], [0]],
      confidence: [0.8, 0.6],
      exitIndex: [0, null],
    });
    expect(fair.accuracy).toMatchObject({ images: 2, labelledImages: 2, top1Correct: 2, agreeing: 2 });
    expect(reevaluated(fair, [1, 3], [0, 1, 0, 0], null)).toBe(fair);
    // Images that were never predicted cannot be told about.
    expect(reevaluated(trial, [1, 7], [0, 1, 0, 0], null)).toMatchObject({
      predictions: null,
      accuracy: null,
    });
  });
});
