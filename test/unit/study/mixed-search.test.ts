import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestAssignments, chooseAssignments } from '../../../src/study/mixed-search.ts';
import {
  bySensitivity,
  noiseOfLayers,
  readProbe,
  type UnitSensitivity,
} from '../../../src/study/sensitivity.ts';

function layer(
  name: string,
  weights: number,
  scoresNoise: number,
  changed: number | null = null,
): UnitSensitivity {
  return {
    unit: {
      id: name,
      kind: 'layer',
      label: name,
      layers: [name],
      values: [name],
      output: name,
      weights,
      weightDb: 40,
    },
    outputDb: 30,
    scoresDb: -10 * Math.log10(scoresNoise),
    scoresNoise,
    changed,
    accuracyChange: null,
  };
}

const scan = fc
  .array(
    fc.record({
      weights: fc.integer({ min: 1, max: 2000 }),
      noise: fc.double({ min: 1e-6, max: 0.1, noNaN: true }),
    }),
    { minLength: 1, maxLength: 9 },
  )
  .map((all) => all.map(({ weights, noise }, at) => layer(`l${at}`, weights, noise)));

describe('the best assignments', () => {
  it('go from all in int8 to all kept, and each step buys less error with more bytes', () => {
    fc.assert(
      fc.property(scan, (results) => {
        const front = bestAssignments(results, 1);
        expect(front[0]).toMatchObject({ kept: [], weightShare: 0.25 });
        expect(front.at(-1)?.kept).toHaveLength(results.length);
        expect(front.at(-1)?.weightShare).toBeCloseTo(1, 12);
        front.slice(1).forEach((each, at) => {
          expect(each.scoresNoise).toBeLessThan(front[at]?.scoresNoise ?? 0);
        });
      }),
    );
  });

  it('are beaten by no choice of layers, but for the rounding of sizes', () => {
    fc.assert(
      fc.property(scan, fc.nat(511), (results, bits) => {
        const front = bestAssignments(results, 1);
        const total = results.reduce((sum, { unit }) => sum + unit.weights, 0);
        const isKept = (at: number): boolean => ((bits >> at) & 1) === 1;
        const kept = results.filter((_, at) => isKept(at));
        const share = 0.25 + (0.75 * kept.reduce((sum, { unit }) => sum + unit.weights, 0)) / total;
        const noise = results.reduce((sum, { scoresNoise }, at) => sum + (isKept(at) ? 0 : scoresNoise), 0);
        const slack = (0.75 * (results.length + 1)) / 2048;
        const rival = front.findLast(({ weightShare }) => weightShare <= share + slack);
        expect(rival?.scoresNoise ?? Infinity).toBeLessThanOrEqual(noise + 1e-9);
      }),
    );
  });

  it.each([Number.NaN, Infinity, 1e30])(
    'keep a layer first that leaves nothing of the scores: %f',
    (noise) => {
      const [int8, first] = bestAssignments(
        [layer('a', 10, 0.1), layer('b', 10, noise), layer('c', 10, 0.2)],
        1,
      );
      expect(int8?.kept).toEqual([]);
      expect(first?.kept).toEqual(['b']);
      expect(first?.scoresNoise).toBeCloseTo(0.3, 6);
    },
  );

  it('expect images to change class with the amplitude of the error', () => {
    const [all] = bestAssignments([layer('a', 10, 0.01, 0.1), layer('b', 10, 0.0001, 0.01)], 1);
    expect(all?.changed).toBeCloseTo(Math.sqrt(0.0101), 6);
  });
});

describe('a few assignments', () => {
  const results = Array.from({ length: 12 }, (_, at) => layer(`l${at}`, 100 + at, 0.1 / 2 ** at, 0.05));
  const front = bestAssignments(results, 0.5);

  it('are within the limits, the smallest first', () => {
    const few = chooseAssignments(front, { weightShare: 0.35, changed: null }, 5);
    expect(few.length).toBeGreaterThan(2);
    expect(few.every(({ weightShare }) => weightShare <= 0.35)).toBe(true);
    expect(few.map(({ weightShare }) => weightShare)).toEqual(
      few.map(({ weightShare }) => weightShare).toSorted((a, b) => a - b),
    );
    const exact = chooseAssignments(front, { weightShare: null, changed: 0.01 }, 5);
    expect(exact.every(({ changed }) => (changed ?? 1) <= 0.01)).toBe(true);
    expect(exact[0]).toBe(front.find(({ changed }) => (changed ?? 1) <= 0.01));
  });

  it('are none where nothing fits', () => {
    expect(chooseAssignments(front, { weightShare: 0.2, changed: null }, 5)).toEqual([]);
  });
});

describe('a scan', () => {
  it('is read from what a probe put out', () => {
    const { unit } = layer('a', 10, 1);
    const rows = [
      [4, 4, 4],
      [1, 2, 0],
      [10, 10, 10],
      [1, 1, 1],
      [0.04, 0.04, 0.04],
      [1, 0, 0],
    ].map((row) => Float32Array.from(row));
    const [found] = readProbe([unit], rows, [1, 0, null], true);
    expect(found).toMatchObject({ unit, changed: 1 / 3, accuracyChange: 0.5 });
    expect(found?.outputDb).toBeCloseTo(10, 6);
    expect(found?.scoresDb).toBeCloseTo(20, 4);
    expect(readProbe([unit], rows, [1, 0, null], false)[0]).toMatchObject({
      changed: null,
      accuracyChange: null,
    });
  });

  it('speaks of layers by their blocks until it came to them', () => {
    const block = {
      ...layer('block', 20, 0.04),
      unit: { ...layer('', 20, 1).unit, kind: 'block' as const, layers: ['a', 'b'] },
    };
    const results = [block, layer('a', 10, 0.03)];
    expect(noiseOfLayers(results)).toEqual(
      new Map([
        ['a', 0.03],
        ['b', 0.02],
      ]),
    );
    expect(bySensitivity(results)[0]).toBe(block);
  });
});
