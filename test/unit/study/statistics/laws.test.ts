import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Random, seededRandom, shuffled } from '../../../../src/base/random.ts';
import type { Result } from '../../../../src/base/result.ts';
import { type Adjustment, adjustPValues } from '../../../../src/study/statistics/adjust.ts';
import { bootstrapInterval } from '../../../../src/study/statistics/bootstrap.ts';
import { cliffsDelta, magnitudeOf } from '../../../../src/study/statistics/cliffs-delta.ts';
import { conover } from '../../../../src/study/statistics/conover.ts';
import { binomialSf } from '../../../../src/study/statistics/distributions.ts';
import { friedman } from '../../../../src/study/statistics/friedman.ts';
import { kruskalWallis } from '../../../../src/study/statistics/kruskal-wallis.ts';
import { mannWhitney } from '../../../../src/study/statistics/mann-whitney.ts';
import { mcnemar } from '../../../../src/study/statistics/mcnemar.ts';
import { medianSpeedUp } from '../../../../src/study/statistics/median-ratio.ts';
import { kendallTau, spearman } from '../../../../src/study/statistics/rank-agreement.ts';
import { resampledQuantiles } from '../../../../src/study/statistics/resampled-quantiles.ts';
import { shapiroWilk } from '../../../../src/study/statistics/shapiro-wilk.ts';
import { quantileOfSorted } from '../../../../src/study/statistics/summary.ts';
import { wilcoxonSignedRank } from '../../../../src/study/statistics/wilcoxon.ts';
import { codeOf, expectClose, valueIn } from './golden.ts';

/** Coarse enough to tie, fine enough not to be all tied often. */
const samples = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 3, maxLength: 30 });

/** As a latency: a floor and a long tail. */
function latencies(n: number, random: Random): Float64Array {
  return Float64Array.from({ length: n }, () => 5 + 1 / (0.05 + random()));
}

describe('Shapiro-Wilk', () => {
  it('does not depend on the unit, however small, and keeps its digits in the tail of three values', () => {
    const values = [3, 4, 4.5, 7, 9, 21, 22.5];
    const tiny = values.map((value) => value * 2 ** -900);
    expect(valueIn(shapiroWilk(tiny))).toEqual(valueIn(shapiroWilk(values)));
    expectClose(valueIn(shapiroWilk([0, 1e-200, 1])).p, (3 * Math.sqrt(3) * 1e-200) / Math.PI, 'p of three');
    expect(valueIn(shapiroWilk([3, 1e9 + 3, 3])).p).toBe(0);
  });
});

describe('what swapping and shuffling do to a test', () => {
  const tests: [string, (a: readonly number[], b: readonly number[]) => Result<{ readonly p: number }>][] = [
    ['Mann-Whitney', mannWhitney],
    ['Kruskal-Wallis', (a, b) => kruskalWallis([a, b])],
    ['Conover', (a, b) => first(conover([a, b]))],
  ];
  it.each(tests)('%s gives one p for swapped, shuffled, shifted and scaled samples', (_, test) => {
    fc.assert(
      fc.property(samples, samples, fc.integer(), (a, b, seed) => {
        const wanted = test(a, b);
        const random = seededRandom(seed);
        const rescale = (values: readonly number[]) => values.map((value) => 8 * value - 64);
        for (const found of [test(b, a), test(shuffled(a, random), b), test(rescale(a), rescale(b))]) {
          expect(found.ok).toBe(wanted.ok);
          if (found.ok && wanted.ok) expectClose(found.value.p, wanted.value.p, 'p');
        }
        if (wanted.ok) expect(wanted.value.p >= 0 && wanted.value.p <= 1).toBe(true);
      }),
    );
  });
  it("Cliff's delta changes its sign with the order, and its interval with it", () => {
    fc.assert(
      fc.property(samples, samples, (a, b) => {
        const there = valueIn(cliffsDelta(a, b));
        const back = valueIn(cliffsDelta(b, a));
        expect(back.delta).toBeCloseTo(-there.delta, 12);
        expect(back.low).toBeCloseTo(-there.high, 12);
        expect(there.low).toBeLessThanOrEqual(there.delta);
        expect(there.high).toBeGreaterThanOrEqual(there.delta);
        const u = mannWhitney(a, b);
        if (u.ok) expect((2 * u.value.u) / (a.length * b.length) - 1).toBeCloseTo(there.delta, 12);
      }),
    );
  });
  it('Wilcoxon does not mind the sign of all differences', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 60 }), (values) => {
        for (const zeros of ['wilcox', 'pratt', 'zsplit'] as const) {
          const there = wilcoxonSignedRank(values, { zeros });
          const back = wilcoxonSignedRank(
            values.map((value) => -value),
            { zeros },
          );
          expect(back).toEqual(there);
        }
      }),
    );
  });
  it('rank agreement is symmetric, and 1 with itself', () => {
    fc.assert(
      fc.property(samples, fc.integer(), (a, seed) => {
        const b = shuffled(a, seededRandom(seed));
        for (const measure of [kendallTau, spearman]) {
          const there = measure(a, b);
          if (!there.ok) continue;
          const back = valueIn(measure(b, a));
          expect(back.agreement).toBeCloseTo(there.value.agreement, 12);
          expect(back.p).toBeCloseTo(there.value.p, 12);
          expect(valueIn(measure(a, a)).agreement).toBeCloseTo(1, 12);
        }
      }),
    );
  });
  it('a speed-up of swapped samples is the reciprocal, paired or not', () => {
    const [a, b] = [latencies(41, seededRandom(1)), latencies(41, seededRandom(2))];
    const there = valueIn(medianSpeedUp(a, b, { paired: true }));
    const back = valueIn(medianSpeedUp(b, a, { paired: true }));
    expect(back.ratio).toBeCloseTo(1 / there.ratio, 12);
    expect(back.low).toBeCloseTo(1 / there.high, 12);
    expect(valueIn(medianSpeedUp(a, b)).ratio).toBeCloseTo(1 / valueIn(medianSpeedUp(b, a)).ratio, 12);
  });
});

describe('adjusted p-values', () => {
  const ps = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 40 });
  it('keep the order, never fall below the raw ones, and never need the order they came in', () => {
    fc.assert(
      fc.property(ps, fc.integer(), (raw, seed) => {
        for (const method of ['holm', 'bonferroni', 'benjamini-hochberg'] satisfies Adjustment[]) {
          const adjusted = adjustPValues(raw, method);
          const order = shuffled([...raw.keys()], seededRandom(seed));
          const again = adjustPValues(
            order.map((i) => raw[i] as number),
            method,
          );
          for (const [at, i] of order.entries()) {
            expect(again[at]).toBe(adjusted[i]);
            expect(adjusted[i]).toBeGreaterThanOrEqual(raw[i] as number);
            for (const j of order)
              if ((raw[i] as number) < (raw[j] as number))
                expect(adjusted[i]).toBeLessThanOrEqual(adjusted[j] as number);
          }
        }
      }),
    );
  });
});

describe('where nothing differs', () => {
  /** How far p-values are from uniform, at their worst place. */
  function distanceFromUniform(values: readonly number[]): number {
    const sorted = [...values].sort((a, b) => a - b);
    const n = sorted.length;
    return Math.max(...sorted.map((p, i) => Math.max((i + 1) / n - p, p - i / n)));
  }
  const random = seededRandom(11);
  const tests: [string, () => Result<{ readonly p: number }>][] = [
    ['Mann-Whitney', () => mannWhitney(latencies(60, random), latencies(50, random))],
    ['Kruskal-Wallis', () => kruskalWallis([40, 50, 60].map((n) => latencies(n, random)))],
    ['Conover', () => first(conover([40, 50, 60].map((n) => latencies(n, random))))],
    [
      'Wilcoxon',
      () => {
        const other = latencies(60, random);
        return wilcoxonSignedRank(latencies(60, random).map((value, i) => value - (other[i] as number)));
      },
    ],
    ['Friedman', () => friedman([1, 2, 3, 4].map(() => latencies(60, random)))],
    ['Kendall', () => kendallTau(latencies(50, random), latencies(50, random))],
  ];
  it.each(tests)('p of %s is uniform', (_, test) => {
    const ps = Array.from({ length: 500 }, () => valueIn(test()).p);
    // Kolmogorov's bound at 0.1 %, and what the steps of a rank test add.
    expect(distanceFromUniform(ps)).toBeLessThan(1.95 / Math.sqrt(500) + 0.01);
  });
  it('p of Shapiro-Wilk is uniform for normal samples', () => {
    const bell = () => Array.from({ length: 12 }, random).reduce((sum, u) => sum + u, -6);
    const ps = Array.from({ length: 500 }, () => valueIn(shapiroWilk(Array.from({ length: 30 }, bell))).p);
    expect(distanceFromUniform(ps)).toBeLessThan(1.95 / Math.sqrt(500) + 0.01);
  });
  it('Conover with Holm finds any difference among six equal strategies in at most 7 % of 300 studies', () => {
    let alarms = 0;
    for (let study = 0; study < 300; study++) {
      const groups = Array.from({ length: 6 }, () => latencies(30, random));
      const ps = valueIn(conover(groups)).map(({ p }) => p);
      if (adjustPValues(ps, 'holm').some((p) => p < 0.05)) alarms++;
    }
    expect(alarms / 300).toBeLessThanOrEqual(0.07);
  });
});

describe('95 % intervals hold what they should about as often as they say', () => {
  const random = seededRandom(5);
  const studies = 300;
  /** Binomial bounds at 0.1 % around 95 %. */
  function expectAbout95(held: number): void {
    expect(binomialSf(held - 1, studies, 0.95)).toBeGreaterThan(0.001);
    expect(1 - binomialSf(held, studies, 0.95)).toBeGreaterThan(0.001);
  }
  const count = (holds: () => boolean) => Array.from({ length: studies }, holds).filter(Boolean).length;

  it('median speed-up', () => {
    const slow = (n: number) => latencies(n, random).map((value) => 1.2 * value);
    expectAbout95(
      count(() => {
        const { low, high } = valueIn(
          medianSpeedUp(slow(60), latencies(80, random), { random, resamples: 500 }),
        );
        return low <= 1.2 && 1.2 <= high;
      }),
    );
  });
  it("Cliff's delta", () => {
    // Of uniform numbers, 0.5 above others: the chance to be below is the square of what is left, halved.
    const wanted = 1 - 2 * (0.5 * 0.5 ** 2);
    expectAbout95(
      count(() => {
        const a = Array.from({ length: 40 }, () => random() + 0.5);
        const { low, high } = valueIn(cliffsDelta(a, Array.from({ length: 40 }, random)));
        return low <= wanted && wanted <= high;
      }),
    );
  });
  it('bootstrap of a mean of skewed values', () => {
    // The square of a uniform number is 1/3 in the mean.
    const mean = ([values]: readonly Float64Array[]) =>
      (values as Float64Array).reduce((sum, value) => sum + value, 0) / (values as Float64Array).length;
    expectAbout95(
      count(() => {
        const values = Float64Array.from({ length: 50 }, () => random() ** 2);
        const { low, high } = valueIn(bootstrapInterval([values], mean, { random, resamples: 500 }));
        return low <= 1 / 3 && 1 / 3 <= high;
      }),
    );
  });
});

describe('quantiles of resamples that are never drawn', () => {
  it.each([
    [7, 0.5],
    [10, 0.5],
    [40, 0.9],
    [1, 0.5],
    [5, 1],
  ])('of %i values at %d are spread as those of drawn ones', (n, p) => {
    const sorted = Float64Array.from({ length: n }, (_, i) => i);
    const random = seededRandom(n);
    const count = 4000;
    const found = resampledQuantiles(sorted, p, count, random).sort();
    const drawnOnes = new Float64Array(count)
      .map(() => {
        const resample = sorted.map(() => Math.floor(random() * n)).sort();
        return quantileOfSorted(resample, p);
      })
      .sort();
    // Two-sample Kolmogorov-Smirnov at 0.1 %.
    const steps = [...new Set([...found, ...drawnOnes])];
    const below = (values: Float64Array, limit: number) => values.filter((v) => v <= limit).length / count;
    const distance = Math.max(...steps.map((x) => Math.abs(below(found, x) - below(drawnOnes, x))));
    expect(distance).toBeLessThan(1.95 * Math.sqrt(2 / count));
  });
});

describe('where a question makes no sense, a test says why', () => {
  const constant = [4, 4, 4, 4];
  const some = [1, 2, 3, 4];
  it('all values equal', () => {
    expect(codeOf(kruskalWallis([constant, constant]))).toBe('all-tied');
    expect(codeOf(conover([constant, constant]))).toBe('all-tied');
    expect(codeOf(mannWhitney(constant, constant))).toBe('all-tied');
    expect(codeOf(shapiroWilk(constant))).toBe('all-tied');
    expect(codeOf(wilcoxonSignedRank([0, 0, 0]))).toBe('all-tied');
    expect(codeOf(friedman([constant, constant]))).toBe('all-tied');
    expect(codeOf(kendallTau(constant, some))).toBe('all-tied');
    expect(codeOf(spearman(some, constant))).toBe('all-tied');
    expect(codeOf(mcnemar(0, 0))).toBe('all-tied');
    expect(codeOf(bootstrapInterval([constant], () => 4, { random: seededRandom(1) }))).toBe('all-tied');
  });
  it('equal values in each of two unequal groups: a rank test answers, Conover has no spread to go by', () => {
    const other = [5, 5, 5, 5];
    expect(valueIn(kruskalWallis([constant, other])).h).toBeCloseTo(7, 12);
    expect(codeOf(conover([constant, other]))).toBe('no-spread');
    expect(valueIn(cliffsDelta(constant, other)).delta).toBe(-1);
    expect(valueIn(cliffsDelta(constant, constant)).delta).toBe(0);
  });
  it('too few values', () => {
    expect(codeOf(kruskalWallis([some]))).toBe('too-few-samples');
    expect(codeOf(kruskalWallis([some, []]))).toBe('too-few-samples');
    expect(codeOf(kruskalWallis([[1], [2]]))).toBe('too-few-samples');
    expect(codeOf(conover([[1], [2], [3]]))).toBe('too-few-samples');
    expect(codeOf(mannWhitney([], some))).toBe('too-few-samples');
    expect(codeOf(shapiroWilk([1, 2]))).toBe('too-few-samples');
    expect(codeOf(cliffsDelta([1], some))).toBe('too-few-samples');
    expect(codeOf(wilcoxonSignedRank([]))).toBe('too-few-samples');
    expect(codeOf(spearman([1, 2], [1, 2]))).toBe('too-few-samples');
    expect(codeOf(medianSpeedUp(some, [2, 3, 4, 5], { paired: true }))).toBe('too-few-samples');
    expect(codeOf(friedman([some]))).toBe('too-few-samples');
  });
  it('values that are no numbers are named by their place', () => {
    const broken = [1, 2, Number.NaN, 4];
    const result = mannWhitney(some, broken);
    expect(codeOf(result)).toBe('not-finite');
    expect(result.ok ? '' : result.failure.message).toMatch(/second sample holds NaN at place 3 of 4/);
    expect(codeOf(kruskalWallis([some, [1, Number.POSITIVE_INFINITY]]))).toBe('not-finite');
    expect(codeOf(shapiroWilk(broken))).toBe('not-finite');
    expect(codeOf(cliffsDelta(broken, some))).toBe('not-finite');
    expect(codeOf(wilcoxonSignedRank(broken))).toBe('not-finite');
    expect(codeOf(bootstrapInterval([some], () => Number.NaN, { random: seededRandom(1) }))).toBe(
      'not-finite',
    );
  });
  it('pairs of unequal length, ratios of zero, exact counts of ties', () => {
    expect(codeOf(kendallTau(some, [1, 2, 3]))).toBe('unequal-lengths');
    expect(codeOf(friedman([some, [1, 2, 3]]))).toBe('unequal-lengths');
    expect(codeOf(medianSpeedUp(some, [0, 1, 2, 3]))).toBe('not-positive');
    expect(codeOf(mannWhitney(some, some, { method: 'exact' }))).toBe('ties');
    expect(codeOf(kendallTau([1, 1, 2], [1, 2, 3], { method: 'exact' }))).toBe('ties');
  });
  it('two values are enough for a rank test that then tells nothing', () => {
    expect(valueIn(mannWhitney([1], [2])).p).toBe(1);
    expect(valueIn(wilcoxonSignedRank([3])).p).toBe(1);
  });
});

it('the words for a delta begin at 0.147, 0.33 and 0.474', () => {
  const words = [0.1469, 0.147, -0.3299, 0.33, -0.4739, 0.474, -1].map(magnitudeOf);
  expect(words).toEqual(['negligible', 'small', 'small', 'medium', 'medium', 'large', 'large']);
});

/** The first pair, as a test of two groups. */
function first(pairs: Result<readonly { readonly p: number }[]>): Result<{ readonly p: number }> {
  return pairs.ok ? { ok: true, value: pairs.value[0] as { readonly p: number } } : pairs;
}
