import { describe, expect, it } from 'vitest';
import {
  bySensitivity,
  type CurvePoint,
  expectedAnswers,
  lossAt,
  lossOf,
  type PruneCurve,
  type PruneScan,
  withPoint,
} from '../../../src/study/prune-curves.ts';

const point = (unitsLeft: number, scoresNoise: number, more: Partial<CurvePoint> = {}): CurvePoint => ({
  unitsLeft,
  scoresNoise,
  scoresDb: null,
  macs: 0,
  params: 0,
  agreement: null,
  accuracy: null,
  ...more,
});

const curve = (at: string, points: readonly CurvePoint[], unitCount = 16): PruneCurve => ({
  subject: { at, name: at, opType: 'Conv', unitCount, channels: unitCount, made: [], touched: [] },
  points,
});

describe('the loss on a curve', () => {
  it('lies on lines between the points, from no loss on', () => {
    const own = curve('a', [point(12, 0.2), point(8, 0.5)]);
    expect(lossAt(own, 16)).toBe(0);
    expect(lossAt(own, 14)).toBeCloseTo(lossOf({ scoresNoise: 0.2 }) / 2, 12);
    expect(lossAt(own, 12)).toBeCloseTo(lossOf({ scoresNoise: 0.2 }), 12);
    expect(lossAt(own, 9)).toBeCloseTo(
      0.25 * lossOf({ scoresNoise: 0.2 }) + 0.75 * lossOf({ scoresNoise: 0.5 }),
      12,
    );
    expect(lossAt(own, 7)).toBe(Infinity);
  });

  it('never falls as more goes, and is finite however much was lost', () => {
    const own = curve('a', [point(12, 3), point(8, 0.5), point(4, Infinity)]);
    const losses = [16, 14, 12, 10, 8, 6, 4].map((left) => lossAt(own, left));
    expect(losses).toEqual(losses.toSorted((a, b) => a - b));
    expect(losses.at(-1)).toBeLessThan(10);
  });

  it('ranks by the half, or the nearest that is known', () => {
    const curves = [
      curve('a', [point(12, 0.1), point(8, 0.2)]),
      curve('b', []),
      curve('c', [point(12, 0.3)]),
      curve('d', [point(8, 0.01), point(4, 0.9)]),
    ];
    expect(bySensitivity(curves).map(({ subject }) => subject.at)).toEqual(['c', 'a', 'd']);
  });
});

describe('a scan', () => {
  const scan: PruneScan = {
    curves: [curve('a', []), curve('b', [])],
    total: 4,
    images: 8,
    whole: { macs: 100, params: 10 },
    accuracy: 0.8,
  };
  const effect = { scoresDb: 3, scoresNoise: 0.5, agreement: 0.7, accuracy: 0.6 };

  it('keeps points in order, once for each number of units', () => {
    const asked = (subject: number, unitsLeft: number) => ({
      subject,
      unitsLeft,
      ratio: 0,
      macs: 1,
      params: 1,
    });
    const found = [asked(1, 8), asked(1, 12), asked(1, 8)].reduce(
      (known, question) => withPoint(known, question, effect),
      scan,
    );
    expect(found.curves.map(({ points }) => points.map(({ unitsLeft }) => unitsLeft))).toEqual([[], [12, 8]]);
    expect(found.curves[1]?.points[0]).toEqual({ unitsLeft: 12, macs: 1, params: 1, ...effect });
  });

  it('expects of answers what was seen at such losses', () => {
    const rate = 1.5;
    const points = [0.1, 0.3, 0.6].map((scoresNoise, at) => {
      const left = Math.exp(-rate * lossOf({ scoresNoise }));
      return point(12 - at, scoresNoise, { agreement: left, accuracy: 0.8 * left });
    });
    const expected = expectedAnswers({ curves: [curve('a', points)], accuracy: 0.8 }, 0.4);
    expect(expected.agreement).toBeCloseTo(Math.exp(-0.6), 10);
    expect(expected.accuracy).toBeCloseTo(0.8 * Math.exp(-0.6), 10);
    expect(expectedAnswers({ curves: [curve('a', [point(8, 0.1)])], accuracy: null }, 0.4)).toEqual({
      agreement: null,
      accuracy: null,
    });
  });
});
