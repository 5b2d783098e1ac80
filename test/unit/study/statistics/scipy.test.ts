import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { adjustPValues } from '../../../../src/study/statistics/adjust.ts';
import { clopperPearson, wilsonInterval95 } from '../../../../src/study/statistics/binomial.ts';
import { bootstrapInterval, type Statistic } from '../../../../src/study/statistics/bootstrap.ts';
import { cliffsDelta } from '../../../../src/study/statistics/cliffs-delta.ts';
import { conover } from '../../../../src/study/statistics/conover.ts';
import * as distributions from '../../../../src/study/statistics/distributions.ts';
import { friedman } from '../../../../src/study/statistics/friedman.ts';
import { kruskalWallis } from '../../../../src/study/statistics/kruskal-wallis.ts';
import { mannWhitney } from '../../../../src/study/statistics/mann-whitney.ts';
import { mcnemar } from '../../../../src/study/statistics/mcnemar.ts';
import { kendallTau, spearman } from '../../../../src/study/statistics/rank-agreement.ts';
import { shapiroWilk } from '../../../../src/study/statistics/shapiro-wilk.ts';
import { quantileOfSorted } from '../../../../src/study/statistics/summary.ts';
import { wilcoxonSignedRank } from '../../../../src/study/statistics/wilcoxon.ts';
import { drawn, expectClose, golden, valueIn } from './golden.ts';

// Every value and p-value to 1e-10 of scipy's, or of exact arithmetic where scipy is not exact.

type Row = readonly number[];

describe('tails and quantiles agree with mpmath and scipy down to 1e-300', () => {
  const { tails, quantiles } = golden;
  const rows: [string, readonly Row[], (...args: number[]) => number][] = [
    ['normal tail', tails.normal, distributions.normalSf],
    ['normal below', tails.normal.map(([z = 0, p = 0]) => [-z, p]), distributions.normalCdf],
    ['chi-squared', tails.chiSquared, distributions.chiSquaredSf],
    ["Student's t", tails.studentT, distributions.studentTSf],
    ["Fisher's F", tails.fisherF, distributions.fisherFSf],
    ['binomial', tails.binomial.map((row) => row.slice(0, 4)), distributions.binomialCdf],
    [
      'binomial of failures',
      tails.binomial.map(([k = 0, n = 0, chance = 0, p = 0]) => [n - k - 1, n, 1 - chance, p]),
      distributions.binomialSf,
    ],
    [
      'binomial term',
      tails.binomial.map((row) => [...row.slice(0, 3), row[4] as number]),
      distributions.binomialPmf,
    ],
    ['normal quantile', quantiles.normal, distributions.normalQuantile],
    ["Student's quantile", quantiles.studentT, distributions.studentTQuantile],
    ['beta quantile', quantiles.beta, distributions.betaQuantile],
  ];
  it.each(rows)('%s', (name, table, found) => {
    expect(table.length).toBeGreaterThan(4);
    for (const row of table)
      expectClose(
        found(...row.slice(0, -1)),
        row.at(-1) as number,
        `${name} of ${row.slice(0, -1).join(' ')}`,
      );
  });
});

describe('tests agree with scipy', () => {
  it('Shapiro-Wilk, 3 to 10,000 values', () => {
    for (const { sample, w, p } of golden.shapiro) {
      const found = valueIn(shapiroWilk(drawn(sample)));
      expectClose(found.w, w, `W of ${sample.join(' ')}`);
      expectClose(found.p, p, `p of ${sample.join(' ')}`);
    }
  });
  it('Kruskal-Wallis and Conover', () => {
    for (const { groups, h, p, pairs } of golden.groups) {
      const samples = groups.map(drawn);
      const found = valueIn(kruskalWallis(samples));
      expectClose(found.h, h, `H of ${groups.length} groups from ${groups.join(' ')}`);
      expectClose(found.p, p, `p of ${groups.length} groups from ${groups.join(' ')}`);
      if (pairs === null) continue;
      const byPair = new Map(valueIn(conover(samples)).map((pair) => [`${pair.a} ${pair.b}`, pair]));
      expect(byPair.size).toBe((groups.length * (groups.length - 1)) / 2);
      for (const [a, b, t, pairP] of pairs) {
        const pair = byPair.get(`${a} ${b}`);
        expectClose(pair?.t ?? Number.NaN, t, `Conover's t of ${a} and ${b} of ${groups.join(' ')}`);
        expectClose(pair?.p ?? Number.NaN, pairP, `Conover's p of ${a} and ${b} of ${groups.join(' ')}`);
      }
    }
  });
  it('Mann-Whitney, counted and approximated', () => {
    for (const row of golden.mannWhitney) {
      const [a, b] = [drawn(row.a), drawn(row.b)];
      const auto = valueIn(mannWhitney(a, b));
      expect(auto.u).toBe(row.u);
      expectClose(auto.p, row.auto, `p of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      for (const [i, continuity] of [true, false].entries()) {
        const normal = valueIn(mannWhitney(a, b, { method: 'normal', continuity }));
        expectClose(
          normal.p,
          row.normal[i] as number,
          `normal p of ${row.a.join(' ')} and ${row.b.join(' ')}, ${continuity ? 'corrected' : 'plain'}`,
        );
      }
      if (row.exact !== null)
        expectClose(
          valueIn(mannWhitney(a, b, { method: 'exact' })).p,
          row.exact,
          `exact p of ${row.a.join(' ')}, ${row.b.join(' ')}`,
        );
    }
  });
  it('Wilcoxon, counted and approximated, with zeros handled in three ways', () => {
    for (const { sample, cases } of golden.wilcoxon)
      for (const [method, zeros, continuity, w, p] of cases) {
        const found = valueIn(wilcoxonSignedRank(drawn(sample), { method, zeros, continuity }));
        expectClose(found.w, w, `W of ${sample.join(' ')} by ${zeros}`);
        expectClose(
          found.p,
          p,
          `p of ${sample.join(' ')} by ${method}, ${zeros}, ${continuity ? 'corrected' : 'plain'}`,
        );
      }
  });
  it("Cliff's delta and its interval, pair by pair", () => {
    for (const row of golden.cliffsDelta) {
      const found = valueIn(cliffsDelta(drawn(row.a), drawn(row.b)));
      expectClose(found.delta, row.delta, `delta of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      expectClose(found.low, row.interval[0], `lower bound of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      expectClose(found.high, row.interval[1], `upper bound of ${row.a.join(' ')} and ${row.b.join(' ')}`);
    }
  });
  it("Kendall's tau and Spearman's rho", () => {
    for (const row of golden.agreement) {
      const a = drawn(row.a);
      const other = drawn(row.b);
      const b = a.map((value, i) => value * row.mix + (other[i] as number));
      const tau = valueIn(kendallTau(a, b));
      expectClose(tau.agreement, row.tau[0], `tau of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      expectClose(tau.p, row.tau[1], `p of tau of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      expectClose(
        valueIn(kendallTau(a, b, { method: 'normal' })).p,
        row.tau[2],
        `normal p of ${row.a.join(' ')}`,
      );
      const rho = valueIn(spearman(a, b));
      expectClose(rho.agreement, row.rho[0], `rho of ${row.a.join(' ')} and ${row.b.join(' ')}`);
      expectClose(rho.p, row.rho[1], `p of rho of ${row.a.join(' ')} and ${row.b.join(' ')}`);
    }
  });
  it('Friedman', () => {
    for (const { groups, chiSquared, p } of golden.friedman) {
      const found = valueIn(friedman(groups.map(drawn)));
      expectClose(found.chiSquared, chiSquared, `chi-squared of ${groups.join(' ')}`);
      expectClose(found.p, p, `p of ${groups.join(' ')}`);
    }
  });
  it('McNemar', () => {
    for (const { onlyA, onlyB, exact, plain, corrected } of golden.mcnemar) {
      const what = `${onlyA} against ${onlyB}`;
      expectClose(valueIn(mcnemar(onlyA, onlyB)).p, exact, what);
      for (const [method, wanted] of [
        ['chi-squared', plain],
        ['corrected', corrected],
      ] as const) {
        const found = valueIn(mcnemar(onlyA, onlyB, method));
        expectClose(found.statistic ?? Number.NaN, wanted[0], what);
        expectClose(found.p, wanted[1], what);
      }
    }
  });
  it('intervals of a share, exact and by score', () => {
    for (const { successes, trials, confidence, exact, wilson } of golden.shares) {
      const found = clopperPearson(successes, trials, confidence);
      for (const i of [0, 1] as const) expectClose(found[i], exact[i], `${successes} of ${trials}`);
      if (confidence !== 0.95) continue;
      for (const i of [0, 1] as const)
        expectClose(wilsonInterval95(successes, trials)[i], wilson[i], `${successes} of ${trials}`);
    }
  });
  it('adjusted p-values', () => {
    for (const { ps, ...methods } of golden.adjusted)
      for (const method of ['holm', 'bonferroni', 'benjamini-hochberg'] as const)
        for (const [i, p] of adjustPValues(ps, method).entries())
          expectClose(p, methods[method][i] as number, `${method} of ${ps[i]} among ${ps.length}`);
  });
  it('bootstrap intervals, from the same resamples', () => {
    for (const row of golden.bootstrap) {
      const samples = row.samples.map(drawn);
      for (const method of ['percentile', 'bca'] as const) {
        const found = valueIn(
          bootstrapInterval(samples, statistics[row.statistic] as Statistic, {
            random: seededRandom(row.seed),
            resamples: 999,
            paired: row.paired,
            method,
          }),
        );
        expectClose(found.low, row[method][0], `${method} of the ${row.statistic}`);
        expectClose(found.high, row[method][1], `${method} of the ${row.statistic}`);
      }
    }
  });
});

const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

const statistics: Record<string, Statistic> = {
  mean: ([values]) => mean(values as Float64Array),
  median: ([values]) => quantileOfSorted(Float64Array.from(values as Float64Array).sort(), 0.5),
  'ratio of means': ([a, b]) => mean(a as Float64Array) / mean(b as Float64Array),
  slope: ([a, b]) => {
    const [x, y] = [a as Float64Array, b as Float64Array];
    return mean(x.map((value, i) => value * (y[i] as number))) / mean(y.map((value) => value * value));
  },
};
