import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { accuracyImages, PROTOCOLS, planRounds, warmUpImages } from '../../../src/study/plan.ts';
import { type RemainingWork, remainingMs } from '../../../src/study/progress.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const images = Array.from({ length: 37 }, (_, index) => index);

describe('planRounds', () => {
  const visits = planRounds(PROTOCOLS.standard, ids, images);
  const rounds = Array.from({ length: PROTOCOLS.standard.rounds }, (_, round) =>
    visits.filter((visit) => visit.round === round),
  );
  it('visits every strategy once in each round, round after round', () => {
    expect(visits.map((visit) => visit.round)).toEqual(rounds.flat().map((visit) => visit.round));
    for (const round of rounds) expect(round.map((visit) => visit.strategyId).sort()).toEqual(ids);
  });
  it('shows all strategies the same images in a round, and other images in another', () => {
    for (const round of rounds) {
      for (const visit of round) expect(visit.imageIndices).toEqual(round[0]?.imageIndices);
    }
    expect(rounds[0]?.[0]?.imageIndices).not.toEqual(rounds[1]?.[0]?.imageIndices);
  });
  it('changes the order from round to round', () => {
    const orders = new Set(rounds.map((round) => round.map((visit) => visit.strategyId).join('')));
    expect(orders.size).toBeGreaterThan(10);
  });
  it('is the same plan again for the same seed, which an interrupted study relies on', () => {
    expect(planRounds(PROTOCOLS.standard, ids, images)).toEqual(visits);
    expect(planRounds({ ...PROTOCOLS.standard, seed: 2 }, ids, images)).not.toEqual(visits);
  });
  it('shows strategies added later the same images as those before them', () => {
    const fewer = planRounds(PROTOCOLS.standard, ids.slice(0, 2), images);
    for (const { round, imageIndices } of fewer)
      expect(imageIndices).toEqual(rounds[round]?.[0]?.imageIndices);
  });
  it('only names images that there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.integer(), (imageCount, seed) => {
        const plan = planRounds({ ...PROTOCOLS.quick, seed }, ids, [...Array(imageCount).keys()]);
        const named = plan.flatMap((visit) => visit.imageIndices);
        expect(named.every((image) => Number.isInteger(image) && image >= 0 && image < imageCount)).toBe(
          true,
        );
      }),
    );
  });
});

describe('accuracyImages', () => {
  it('takes all images where the protocol allows', () => {
    expect(accuracyImages(PROTOCOLS.standard, 5)).toEqual([0, 1, 2, 3, 4]);
    expect(accuracyImages(PROTOCOLS.quick, 5)).toEqual([0, 1, 2, 3, 4]);
  });
  it('else draws without repetition, from the whole range', () => {
    const images = accuracyImages({ ...PROTOCOLS.quick, accuracyImages: 200 }, 1000);
    expect(new Set(images).size).toBe(200);
    expect(images).toEqual([...images].sort((a, b) => a - b));
    expect(images.filter((image) => image >= 500).length).toBeGreaterThan(70);
    expect(images.at(-1)).toBeLessThan(1000);
  });
});

it('warms up on few images again and again', () => {
  expect(warmUpImages(5, 0, [0, 1])).toEqual([0, 1, 0, 1, 0]);
});

describe('remainingMs', () => {
  const idle: RemainingWork = { inferences: 10, needsSetup: true, msPerInference: null };
  it('does not guess before anything ran', () => {
    expect(remainingMs([idle], null)).toBeNull();
    expect(remainingMs([idle], 500)).toBeNull();
  });
  it('takes strategies that have not run to be like those that have', () => {
    const running: RemainingWork = { inferences: 5, needsSetup: false, msPerInference: 20 };
    expect(remainingMs([running, idle], 500)).toBe(5 * 20 + 10 * 20 + 500);
  });
});
