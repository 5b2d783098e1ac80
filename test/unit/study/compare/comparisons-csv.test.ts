import { describe, expect, it } from 'vitest';
import { parseCsv } from '../../../../src/data/csv.ts';
import { compareDevices } from '../../../../src/study/compare/compare-devices.ts';
import { comparisonsCsv } from '../../../../src/study/csv/comparison-columns.ts';
import { simulatedFacts, withRight } from './evaluated.ts';

describe('comparisons.csv', () => {
  const right = (wrong: number) => Array.from({ length: 300 }, (_, at) => at % 37 >= wrong);
  const facts = simulatedFacts([10, 14, 14]).map((each, at) => withRight(each, right(3 * at)));
  const [header = [], ...rows] = parseCsv(comparisonsCsv(compareDevices(facts, 'holm', 'accuracyTop1'))).map(
    ({ cells }) => cells,
  );
  const records = rows.map((cells) => new Map(header.map((name, at) => [name, cells[at] ?? ''])));

  /** Latencies of a strategy by round, straight from the samples. */
  function roundsOf(name: string): readonly (readonly number[])[] {
    const strategy = facts.find((each) => each.name === name);
    const rounds: number[][] = [];
    strategy?.latencyMs.forEach((ms, at) => (rounds[strategy.round[at] ?? 0] ??= []).push(ms));
    return rounds;
  }

  function medianByCounting(values: readonly number[]): number {
    const sorted = values.toSorted((a, b) => a - b);
    const middle = sorted.length >> 1;
    return sorted.length % 2 === 1
      ? (sorted[middle] as number)
      : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
  }

  /** Both tails of a fair coin. */
  function coin(heads: number, tails: number): number {
    const n = heads + tails;
    let [term, sum] = [0.5 ** n, 0];
    for (let k = 0; k <= Math.min(heads, tails); k++) {
      sum += term;
      term *= (n - k) / (k + 1);
    }
    return Math.min(1, 2 * sum);
  }

  it('has a row for each pair', () => {
    expect(
      records.map((row) => [row.get('strategy_a'), row.get('strategy_b')].join(' ')).toSorted(),
    ).toHaveLength(3);
  });

  it('says what counting again says', () => {
    for (const row of records) {
      const [a, b] = [row.get('strategy_a') ?? '', row.get('strategy_b') ?? ''];
      const [first, second] = [roundsOf(a), roundsOf(b)];
      const logs = first
        .map((own, round) => Math.log(medianByCounting(second[round] ?? []) / medianByCounting(own)))
        .toSorted((x, y) => x - y)
        .slice(4, 16);
      const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
      expect(Number(row.get('latency_ratio'))).toBeCloseTo(Math.exp(mean), 5);
      const [onlyA, onlyB] = [Number(row.get('only_a')), Number(row.get('only_b'))];
      expect(Number(row.get('quality_difference'))).toBeCloseTo((onlyA - onlyB) / 300, 6);
      expect(Number(row.get('quality_p'))).toBeCloseTo(coin(onlyA, onlyB), 10);
      const [all, others] = [first.flat(), second.flat()];
      const delta = all.reduce((sum, x) => sum + others.reduce((inner, y) => inner + Math.sign(x - y), 0), 0);
      expect(Number(row.get('cliffs_delta'))).toBeCloseTo(delta / (all.length * others.length), 5);
      expect(row.get('sentence')).toContain(a);
    }
  });

  it('leaves empty what is not known', () => {
    const [one, other] = [facts[0], facts[1]].map((each) => each && { ...each, answers: null });
    if (!one || !other) throw new Error('two strategies');
    const text = comparisonsCsv(compareDevices([one, other], 'bonferroni', null));
    const [names = [], cells = []] = parseCsv(text).map((row) => row.cells);
    expect(cells[names.indexOf('quality_p')]).toBe('');
    expect(cells[names.indexOf('adjustment')]).toBe('bonferroni');
    expect(comparisonsCsv([]).split('\r\n')).toHaveLength(2);
  });
});
