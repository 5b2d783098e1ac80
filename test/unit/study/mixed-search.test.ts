import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Assignment, bestAssignments, chooseAssignments } from '../../../src/study/mixed-search.ts';
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
      bytes: {
        float32: 4 * weights,
        float16: 2 * weights,
        int8: weights,
        'int8-weights': weights,
        'int4-weights': weights / 2,
      },
      weightDb: 40,
    },
    outputDb: 30,
    scoresDb: -10 * Math.log10(scoresNoise),
    scoresNoise,
    changed,
    accuracyChange: null,
  };
}

const int8Alone = (int8: readonly UnitSensitivity[]) => ({ int8, 'int4-weights': [] });
const layersOf = ({ rules }: Assignment): readonly string[] => rules.flatMap(({ nodes }) => nodes);

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
        const front = bestAssignments(int8Alone(results), 'float32');
        expect(front[0]).toMatchObject({ rules: [], weightShare: 0.25 });
        expect(layersOf(front.at(-1) as Assignment)).toHaveLength(results.length);
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
        const front = bestAssignments(int8Alone(results), 'float32');
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
        int8Alone([layer('a', 10, 0.1), layer('b', 10, noise), layer('c', 10, 0.2)]),
        'float32',
      );
      expect(int8?.rules).toEqual([]);
      expect(first?.rules).toEqual([{ nodes: ['b'], precision: 'float32' }]);
      expect(first?.scoresNoise).toBeCloseTo(0.3, 6);
    },
  );

  it('put layers in 4 bits where that costs least, and are beaten by no other choice', () => {
    fc.assert(
      fc.property(
        scan,
        fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 }),
        fc.array(fc.nat(2), { minLength: 9, maxLength: 9 }),
        (int8, noises, picks) => {
          const four = int8.map((each, at) => ({ ...each, scoresNoise: noises[at] as number }));
          const front = bestAssignments({ int8, 'int4-weights': four }, 'float32');
          const precisions = ['int4-weights', 'int8', 'float32'] as const;
          const picked = int8.map((_, at) => precisions[picks[at] as number] as (typeof precisions)[number]);
          const bytes = int8.reduce((sum, { unit }, at) => sum + unit.bytes[picked[at] ?? 'int8'], 0);
          const noise = int8.reduce((sum, { scoresNoise }, at) => {
            return (
              sum +
              { 'int4-weights': noises[at] as number, int8: scoresNoise, float32: 0 }[picked[at] ?? 'int8']
            );
          }, 0);
          const most = int8.reduce((sum, { unit }) => sum + unit.bytes.float32, 0);
          const rival = front.findLast((each) => each.bytes <= bytes + (most * (int8.length + 1)) / 2048);
          expect(rival?.scoresNoise ?? Infinity).toBeLessThanOrEqual(noise + 1e-9);
        },
      ),
    );
    const [smallest] = bestAssignments(
      { int8: [layer('a', 10, 0.1), layer('b', 10, 0.1)], 'int4-weights': [layer('b', 10, 0.5)] },
      'float32',
    );
    expect(smallest?.rules).toEqual([{ nodes: ['b'], precision: 'int4-weights' }]);
    expect(smallest?.bytes).toBe(15);
  });

  it('expect images to change class with the amplitude of the error', () => {
    const [all] = bestAssignments(
      int8Alone([layer('a', 10, 0.01, 0.1), layer('b', 10, 0.0001, 0.01)]),
      'float32',
    );
    expect(all?.changed).toBeCloseTo(Math.sqrt(0.0101), 6);
  });
});

describe('a few assignments', () => {
  const results = Array.from({ length: 12 }, (_, at) => layer(`l${at}`, 100 + at, 0.1 / 2 ** at, 0.05));
  const front = bestAssignments(int8Alone(results), 'float16');

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
