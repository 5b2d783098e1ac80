import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { frontProbabilities } from '../../../../src/study/compare/front-probability.ts';
import { hypervolume } from '../../../../src/study/compare/hypervolume.ts';
import { normalCdf } from '../../../../src/study/statistics/distributions.ts';
import { simulatedFacts, withRight } from './evaluated.ts';

const axes = ['latencyMedianMs', 'accuracyTop1'] as const;

describe('frontProbabilities', () => {
  const [fast, middle, slow] = simulatedFacts([10, 20, 30]);
  if (!fast || !middle || !slow) throw new Error('three strategies');
  const right = (share: number) => Array.from({ length: 400 }, (_, at) => at < 400 * share);

  it('is sure where points lie far apart', () => {
    const found = frontProbabilities(
      [withRight(fast, right(0.6)), withRight(middle, right(0.5)), withRight(slow, right(0.9))],
      axes,
    );
    expect(found.map(({ probability }) => probability)).toEqual([1, 0, 1]);
    expect(found[1]?.rival).toEqual({ trialId: fast.trialId, probability: 1 });
    expect(found[0]?.rival).toBeNull();
  });

  it('is as sure as the images are: the chance that a slower one is more accurate, too', () => {
    // The slow one alone gets 30 images right, the fast one alone 20.
    const onlyFast = Array.from({ length: 400 }, (_, at) => at < 350 || (at >= 350 && at < 370));
    const onlySlow = Array.from({ length: 400 }, (_, at) => at < 350 || at >= 370);
    const found = frontProbabilities([withRight(fast, onlyFast), withRight(slow, onlySlow)], axes);
    const gain = 10 / 400;
    const error = Math.sqrt((50 / 400 - gain ** 2) / 400);
    expect(found[0]?.probability).toBe(1);
    expect(found[1]?.probability).toBeCloseTo(normalCdf(gain / error), 1);
  });

  it('keeps equal points together, and draws the same from the same seed', () => {
    const twice = [withRight(fast, right(0.5)), { ...withRight(fast, right(0.5)), trialId: 'again' }];
    const found = frontProbabilities(twice, axes);
    expect(found.map(({ probability }) => probability)).toEqual([1, 1]);
    const three = [fast, middle, slow].map((each, at) => withRight(each, right(0.5 + 0.01 * at)));
    expect(frontProbabilities(three, axes, { seed: 7 })).toEqual(
      frontProbabilities(three, axes, { seed: 7 }),
    );
  });

  it('leaves out what has no value on an axis, and what failed', () => {
    expect(frontProbabilities([fast, { ...withRight(slow, right(1)), state: 'failed' }], axes)).toEqual([]);
    expect(
      frontProbabilities([fast, slow], ['latencyP90Ms', 'latencyMeanMs']).map((each) => each.probability),
    ).toEqual([1, 0]);
  });
});

describe('hypervolume', () => {
  const cost = fc.integer({ min: 0, max: 6 });

  /** Counts the unit cells that a point dominates. */
  function cells(points: readonly (readonly number[])[], reference: readonly number[]): number {
    const [x = 0, y = 0, z = 1] = reference;
    let count = 0;
    for (let i = 0; i < x; i++)
      for (let j = 0; j < y; j++)
        for (let k = 0; k < z; k++)
          if (points.some(([a = 0, b = 0, c = 0]) => a <= i && b <= j && c <= k)) count++;
    return count;
  }

  it('is what counting cells gives, in two and three dimensions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(cost, cost)), (points) => {
        expect(hypervolume(points, [5, 4])).toBe(cells(points, [5, 4]));
      }),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(cost, cost, cost)), (points) => {
        expect(hypervolume(points, [5, 4, 6])).toBe(cells(points, [5, 4, 6]));
      }),
    );
  });

  it('takes any unit', () => {
    const random = seededRandom(1);
    const points = Array.from({ length: 30 }, () => [random(), random(), random()]);
    const doubled = points.map(([a = 0, b = 0, c = 0]) => [2 * a, b, c]);
    expect(hypervolume(doubled, [2, 1, 1])).toBeCloseTo(2 * hypervolume(points, [1, 1, 1]), 12);
  });
});
