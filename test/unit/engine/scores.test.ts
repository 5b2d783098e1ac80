import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bestClasses, classCountOf, requireClassScores } from '../../../src/engine/scores.ts';
import { bestClass } from '../../../src/study/best-class.ts';
import { NO_CLASS } from '../../../src/study/trial.ts';

const scores = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 1, maxLength: 60 });

describe('bestClasses', () => {
  it('equals a stable sort by descending score', () => {
    fc.assert(
      fc.property(scores, fc.integer({ min: 1, max: 8 }), (values, count) => {
        const sorted = values
          .map((_, i) => i)
          .sort((a, b) => (values[b] as number) - (values[a] as number) || a - b);
        expect(bestClasses(values, count)).toEqual(sorted.slice(0, count));
        expect(bestClass(values)).toBe(sorted[0]);
      }),
    );
  });
});

describe('classCountOf', () => {
  it('accepts one wide dimension anywhere', () => {
    expect(classCountOf([1, 1000])).toBe(1000);
    expect(classCountOf([10])).toBe(10);
    expect(classCountOf([1, 1000, 1, 1])).toBe(1000);
  });
  it('refuses maps, and says so with the shape', () => {
    expect(classCountOf([1, 21, 64, 64])).toBeNull();
    expect(() => requireClassScores([1, 21, 64, 64], 'out')).toThrow('[1, 21, 64, 64]');
  });
});

describe('scores that are not numbers', () => {
  it('name no class', () => {
    expect(bestClasses([1, Number.NaN, 3], 5)).toEqual([]);
    expect([bestClass([1, Number.NaN, 3]), bestClass([Number.NaN])]).toEqual([NO_CLASS, NO_CLASS]);
    expect(bestClasses([Number.POSITIVE_INFINITY, 1], 1)).toEqual([0]);
  });
});
