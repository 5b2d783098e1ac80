import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quantileIntervalRanks, wilsonInterval95 } from '../../../src/study/statistics/binomial.ts';
import { summarise } from '../../../src/study/statistics/summary.ts';

interface Golden {
  ranks: { n: number; p: number; ranks: [number, number] | null }[];
  wilson: { successes: number; trials: number; interval: [number, number] }[];
  summaries: {
    samples: number[];
    mean: number;
    median: number;
    p90: number;
    meanInterval95: [number, number];
  }[];
}

const file = new URL('../../fixtures/statistics/golden/statistics.json', import.meta.url);
const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

describe('statistics agree with scipy and numpy', () => {
  it.each(golden.ranks)('ranks around the $p quantile of $n samples', ({ n, p, ranks }) => {
    expect(quantileIntervalRanks(n, p, 0.95)).toEqual(ranks);
  });
  it.each(golden.wilson)('Wilson interval of $successes of $trials', ({ successes, trials, interval }) => {
    const [low, high] = wilsonInterval95(successes, trials);
    expect(low).toBeCloseTo(interval[0], 12);
    expect(high).toBeCloseTo(interval[1], 12);
  });
  it.each(golden.summaries)('a summary of raw samples', (wanted) => {
    const summary = summarise(wanted.samples);
    expect(summary?.mean).toBeCloseTo(wanted.mean, 10);
    expect(summary?.median).toBeCloseTo(wanted.median, 10);
    expect(summary?.p90).toBeCloseTo(wanted.p90, 10);
    const [low, high] = summary?.meanInterval95 ?? [Number.NaN, Number.NaN];
    expect(low).toBeCloseTo(wanted.meanInterval95[0], 10);
    expect(high).toBeCloseTo(wanted.meanInterval95[1], 10);
  });
});

describe('summarise', () => {
  it('gives nothing for no samples, and no interval for fewer than six', () => {
    expect(summarise([])).toBeNull();
    expect(summarise([1, 2, 3, 4, 5])?.medianInterval95).toBeNull();
    expect(summarise([6, 1, 2, 3, 4, 5])?.medianInterval95).toEqual([1, 6]);
  });
  it('keeps order: min, interval, median, interval, max', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 6 }), (samples) => {
        const { min, median, p90, max, medianInterval95 } = summarise(samples) as NonNullable<
          ReturnType<typeof summarise>
        >;
        const [low, high] = medianInterval95 as readonly [number, number];
        const ordered = [min, low, median, high, max];
        expect(ordered).toEqual([...ordered].sort((a, b) => a - b));
        expect(p90).toBeGreaterThanOrEqual(median);
      }),
    );
  });
  it('does not depend on the order of the samples', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1 }), (samples) => {
        expect(summarise([...samples].reverse())).toEqual(summarise(samples));
      }),
    );
  });
});
