import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { compareStrategies } from '../../../../src/study/compare/compare-strategies.ts';
import { comparisonSentence } from '../../../../src/study/compare/comparison-text.ts';
import { frontProbabilities } from '../../../../src/study/compare/front-probability.ts';
import { maskDifference } from '../../../../src/study/compare/mask-difference.ts';
import type { PixelAnswers, StrategyFacts } from '../../../../src/study/compare/strategy-facts.ts';
import type { ClassPixels } from '../../../../src/study/trial.ts';
import { simulatedFacts } from './evaluated.ts';

const CLASSES = 3;
const LABELLED = 1000;

/** Answers of images whose classes are each found with about this share; what is missed goes to the next class. */
function answersOf(images: number, share: number, seed: number, spread = 0.2): PixelAnswers {
  const random = seededRandom(seed);
  const counts = Array.from({ length: images }, (): ClassPixels => {
    const right = Array.from({ length: CLASSES }, () =>
      Math.round(LABELLED * Math.min(1, Math.max(0, share + spread * (random() - 0.5)))),
    );
    return right.flatMap((both, label) => {
      const before = right[(label + CLASSES - 1) % CLASSES] ?? 0;
      return [label, both, both + LABELLED - before, LABELLED];
    });
  });
  return { datasetId: 'd', images: [...counts.keys()], counts, agreement: null };
}

function miouOf(counts: PixelAnswers['counts']): number {
  const ious = Array.from({ length: CLASSES }, (_, label) => {
    const sum = (part: number) => counts.reduce((all, each) => all + (each?.[4 * label + part] ?? 0), 0);
    return sum(1) / (sum(2) + sum(3) - sum(1));
  });
  return ious.reduce((all, iou) => all + iou, 0) / CLASSES;
}

function told(first: PixelAnswers, second: PixelAnswers) {
  const found = maskDifference('miou', first, second);
  if (typeof found === 'string') throw new Error(found);
  return found;
}

describe('maskDifference', () => {
  it('is the difference of mean IoU, the same from the other side', () => {
    const [a, b] = [answersOf(20, 0.8, 1), answersOf(20, 0.75, 2)];
    const there = told(a, b);
    const back = told(b, a);
    expect(there.difference).toBeCloseTo(miouOf(a.counts) - miouOf(b.counts), 12);
    expect(back.difference).toBeCloseTo(-there.difference, 12);
    expect(back.low).toBeCloseTo(-there.high, 2);
    expect([back.onlyA, back.onlyB]).toEqual([there.onlyB, there.onlyA]);
    expect(there.low).toBeLessThan(there.difference);
    expect(there.high).toBeGreaterThan(there.difference);
  });

  it('tries every swap of few images, as counting them one by one does', () => {
    const [a, b] = [answersOf(7, 0.8, 3), answersOf(7, 0.76, 4)];
    const wanted = Math.abs(miouOf(a.counts) - miouOf(b.counts)) - 1e-12;
    let extreme = 0;
    for (let swaps = 0; swaps < 2 ** 7; swaps++) {
      const side = (one: PixelAnswers, other: PixelAnswers) =>
        one.counts.map((each, at) => ((swaps >> at) & 1 ? (other.counts[at] ?? null) : each));
      if (Math.abs(miouOf(side(a, b)) - miouOf(side(b, a))) >= wanted) extreme++;
    }
    expect(told(a, b).p).toBe(extreme / 2 ** 7);
  });

  it('calls equals different as seldom as it says, and finds a planted loss', () => {
    const seeds = Array.from({ length: 100 }, (_, at) => 7919 * at);
    const isCalled = (gain: number) => (seed: number) =>
      told(answersOf(9, 0.7 + gain, seed), answersOf(9, 0.7, seed + 4_242_424)).p < 0.05;
    expect(seeds.filter(isCalled(0)).length / seeds.length).toBeLessThanOrEqual(0.07);
    expect(seeds.slice(0, 30).filter(isCalled(0.08)).length).toBeGreaterThanOrEqual(27);
  });

  it('says of answers that are the same that nothing differs', () => {
    const same = answersOf(15, 0.7, 5);
    expect(told(same, { ...same })).toMatchObject({
      difference: 0,
      low: 0,
      high: 0,
      p: 1,
      onlyA: 0,
      onlyB: 0,
    });
  });

  it('needs two images with masks in common', () => {
    const one = answersOf(1, 0.7, 6);
    expect(maskDifference('miou', one, one)).toMatch(/fewer than two images/);
    const elsewhere = { ...answersOf(3, 0.7, 6), images: [7, 8, 9] };
    expect(maskDifference('miou', answersOf(3, 0.7, 6), elsewhere)).toMatch(/fewer than two images/);
    const unlabelled = { ...answersOf(3, 0.7, 6), counts: [null, null, null] };
    expect(maskDifference('miou', answersOf(3, 0.7, 6), unlabelled)).toMatch(/fewer than two images/);
  });
});

describe('strategies that name classes of pixels', () => {
  const [fast, slow] = simulatedFacts([10, 20]) as [StrategyFacts, StrategyFacts];
  const withPixels = (facts: StrategyFacts, pixels: PixelAnswers): StrategyFacts => ({
    ...facts,
    pixels,
    values: new Map([...facts.values, ['miou', miouOf(pixels.counts)]]),
  });

  it('are compared by mean IoU in a plain sentence, and without masks by agreement', () => {
    const [a, b] = [withPixels(fast, answersOf(20, 0.7, 7)), withPixels(slow, answersOf(20, 0.8, 8))];
    const compared = compareStrategies([a, b]);
    const [pair] = compared.comparisons;
    expect(pair?.quality).toMatchObject({ kind: 'compared', measure: 'miou', images: 20, isDifferent: true });
    const points = (100 * (miouOf(b.pixels?.counts ?? []) - miouOf(a.pixels?.counts ?? []))).toFixed(1);
    expect(pair && comparisonSentence(pair, compared)).toContain(
      `${points} points lower in mean IoU (95 % interval `,
    );
    const agreeing = (facts: StrategyFacts): StrategyFacts => ({
      ...facts,
      pixels: { ...(facts.pixels as PixelAnswers), counts: [null], agreement: facts.pixels?.counts ?? null },
    });
    expect(compareStrategies([agreeing(a), agreeing(b)]).comparisons[0]?.quality).toMatchObject({
      measure: 'pixel-agreement',
    });
  });

  it('are on the front as surely as the images say', () => {
    const axes = ['latencyMedianMs', 'miou'] as const;
    const far = frontProbabilities(
      [withPixels(fast, answersOf(20, 0.7, 9)), withPixels(slow, answersOf(20, 0.8, 10))],
      axes,
    );
    expect(far.map(({ probability }) => probability)).toEqual([1, 1]);
    // Equally good but for noise, the slower one is on the front about every second time.
    const near = frontProbabilities(
      [withPixels(fast, answersOf(20, 0.7, 11)), withPixels(slow, answersOf(20, 0.7, 12))],
      axes,
    );
    expect(near[1]?.probability).toBeGreaterThan(0.02);
    expect(near[1]?.probability).toBeLessThan(0.98);
  });
});
