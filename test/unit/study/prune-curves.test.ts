import { describe, expect, it } from 'vitest';
import {
  amongOthers,
  bySensitivity,
  type CurvePoint,
  lossAt,
  lossOf,
  type PruneCurve,
  type PruneScan,
  weightsSeen,
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
});

describe('losses among others', () => {
  const curves = [
    curve('a', [point(12, 0.1), point(8, 0.3)]),
    curve('b', [point(8, 0.2)]),
    curve('c', [point(8, 0.2)]),
  ];
  const unitsLeft = [10, 8, 16];
  const effectAt = (loss: number) => ({
    scoresNoise: 1 - Math.exp(-loss),
    scoresDb: 0,
    agreement: null,
    accuracy: null,
  });
  /** Joint loss and those with one subject whole, if subjects lose these multiples of what they lose alone. */
  const seen = (factors: readonly number[]) => {
    const own = curves.map((each, at) => (factors[at] as number) * lossAt(each, unitsLeft[at] as number));
    const all = own.reduce((sum, loss) => sum + loss, 0);
    const without = new Map([0, 1].map((at) => [at, effectAt(all - (own[at] as number))] as const));
    return [effectAt(all), without] as const;
  };

  it('stay as they are where subjects lose together what they lose alone', () => {
    const weights = weightsSeen(curves, [1, 1, 1], unitsLeft, ...seen([1, 1, 1]));
    for (const weight of weights) expect(weight).toBeCloseTo(1, 10);
    expect(amongOthers(curves, [1, 1, 1])).toEqual(curves);
  });

  it('come to what is seen again and again; what was not looked at keeps its weight', () => {
    let weights: readonly number[] = [1, 1, 5];
    for (let round = 0; round < 30; round++)
      weights = weightsSeen(curves, weights, unitsLeft, ...seen([3, 0.5, 1]));
    expect(weights[0]).toBeCloseTo(3, 1);
    expect(weights[1]).toBeCloseTo(0.5, 1);
    expect(weights[2]).toBe(5);
    amongOthers(curves, weights).forEach((each, at) => {
      const [before, after] = [curves[at] as PruneCurve, each].map((one) => lossAt(one, 8));
      expect(after).toBeCloseTo((weights[at] as number) * (before as number), 10);
    });
  });

  it('stay finite where scores are no numbers, or get better', () => {
    const ruined = { scoresNoise: Infinity, scoresDb: null, agreement: null, accuracy: null };
    const [joint] = seen([1, 1, 1]);
    const without = new Map([0, 1].map((at) => [at, ruined] as const));
    for (const [all, rest] of [
      [ruined, new Map([[0, joint]])],
      [joint, without],
    ] as const)
      for (const weight of weightsSeen(curves, [1, 1, 1], unitsLeft, all, rest)) {
        expect(weight).toBeGreaterThanOrEqual(0.5);
        expect(weight).toBeLessThan(3);
      }
  });
});
