import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { frontOfTrials, type Objective, paretoFront } from '../../../src/study/pareto.ts';
import { makeTrial, measuredTrial } from './trials.ts';

/** Few different values, so that ties are common. */
const value = fc.option(fc.integer({ min: 0, max: 6 }), { freq: 12 });
const points = fc.integer({ min: 2, max: 4 }).chain((dimensions) =>
  fc.record({
    points: fc.array(fc.array(value, { minLength: dimensions, maxLength: dimensions }), { maxLength: 40 }),
    better: fc.array(fc.constantFrom('lower' as const, 'higher' as const), {
      minLength: dimensions,
      maxLength: dimensions,
    }),
  }),
);

type Point = (number | null)[];

/** The definition, word for word. */
function dominatedBy(point: Point, other: Point, better: readonly ('lower' | 'higher')[]): boolean {
  const gains = point.map((mine, i) => {
    const theirs = other[i] as number;
    return better[i] === 'lower' ? (mine as number) - theirs : theirs - (mine as number);
  });
  return gains.every((gain) => gain >= 0) && gains.some((gain) => gain > 0);
}

describe('paretoFront', () => {
  it('is exactly the points that none dominates', () => {
    fc.assert(
      fc.property(points, ({ points, better }) => {
        const objectives = better.map(
          (direction, i): Objective<Point> => ({ better: direction, value: (point) => point[i] ?? null }),
        );
        const complete = points.filter((point) => point.every((coordinate) => coordinate !== null));
        const wanted = complete.filter(
          (point) => !complete.some((other) => dominatedBy(point, other, better)),
        );
        const front = paretoFront(points, objectives);
        expect(new Set(front)).toEqual(new Set(wanted));
        expect(front).toHaveLength(wanted.length);
      }),
      { numRuns: 500 },
    );
  });
  it('starts with the best in the first objective', () => {
    const objectives: Objective<number[]>[] = [
      { better: 'higher', value: (point) => point[0] ?? null },
      { better: 'lower', value: (point) => point[1] ?? null },
    ];
    const front = paretoFront(
      [
        [1, 1],
        [3, 5],
        [2, 2],
        [2, 9],
      ],
      objectives,
    );
    expect(front).toEqual([
      [3, 5],
      [2, 2],
      [1, 1],
    ]);
  });
});

describe('frontOfTrials', () => {
  it('leaves out dominated, failed and unmeasured trials', () => {
    const fast = measuredTrial('fast', 1, 60);
    const slow = measuredTrial('slow', 4, 90);
    const dominated = measuredTrial('dominated', 5, 90);
    const failed = {
      ...measuredTrial('failed', 0.5, 99),
      state: { kind: 'failed', code: 'x', message: 'y' },
    } as const;
    const queued = makeTrial('queued', { state: { kind: 'queued' } });
    const front = frontOfTrials([dominated, slow, failed, queued, fast], ['latencyMedianMs', 'accuracyTop1']);
    expect(front).toEqual([fast, slow]);
  });
});
