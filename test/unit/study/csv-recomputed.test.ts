import { describe, expect, it } from 'vitest';
import { compareDevices } from '../../../src/study/compare/compare-devices.ts';
import { factsOf } from '../../../src/study/compare/strategy-facts.ts';
import { comparisonsCsv } from '../../../src/study/csv/comparison-columns.ts';
import { samplesCsv, trialsCsv } from '../../../src/study/csv/study-csv.ts';
import { readCsv } from '../../fixtures/read-csv.ts';
import { NOISY_DEVICE, simulateStudy } from '../../fixtures/simulated-study.ts';
import { STANDARD_LENGTH } from './compare/evaluated.ts';
import { answered } from './plots/made.ts';

// A second implementation, plain and slow, that knows nothing but the texts of the files.

const study = simulateStudy(
  [10, 10, 14].map((latencyMs, at) => ({ name: `S${at}`, latencyMs })),
  STANDARD_LENGTH,
  NOISY_DEVICE,
  5,
);
const simulated = study.trials.map((trial, at) => ({
  ...trial,
  ...answered(Array.from({ length: 200 }, (_, image) => (image * 7 + at) % 23 > 2 * at)),
}));
const trials = readCsv(trialsCsv(simulated));
const samples = readCsv(samplesCsv(simulated));
const facts = simulated.map(factsOf);
const pairs = readCsv(comparisonsCsv(compareDevices(facts, 'holm', 'accuracyTop1')));

type Row = ReadonlyMap<string, string>;

const text = (row: Row | undefined, column: string): string => {
  const cell = row?.get(column);
  if (cell === undefined || cell === '') throw new Error(`nothing under ${column}`);
  return cell;
};
const number = (row: Row | undefined, column: string): number => Number(text(row, column));
const trialRow = (id: string) => trials.find((row) => row.get('trial_id') === id);

/** Cells have six digits or so. */
function expectCell(row: Row | undefined, column: string, wanted: number): void {
  const off = Math.abs(number(row, column) - wanted);
  expect(off, `${column}: ${row?.get(column)}, wanted ${wanted}`).toBeLessThan(
    2e-5 * Math.max(0.1, Math.abs(wanted)),
  );
}

const timedOf = (id: string) =>
  samples.filter(
    (row) => row.get('trial_id') === id && row.get('warm_up') === '0' && row.get('reference') === '0',
  );
const latenciesOf = (id: string) => timedOf(id).map((row) => number(row, 'compute_ms'));
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Between the two sorted values around a share of the way. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return low * (1 - at + Math.floor(at)) + high * (at - Math.floor(at));
}

/** Student's density but for its constant, integrated by Simpson's rule from t to where nothing is left. */
function studentTail(t: number, freedom: number): number {
  const mass = (from: number, to: number): number => {
    const steps = 4000;
    const width = (to - from) / steps;
    const density = (x: number) => (1 + (x * x) / freedom) ** (-(freedom + 1) / 2);
    const weighted = Array.from(
      { length: steps + 1 },
      (_, at) => (at === 0 || at === steps ? 1 : at % 2 === 1 ? 4 : 2) * density(from + at * width),
    );
    return (sum(weighted) * width) / 3;
  };
  const far = 60;
  return mass(t, far) / (2 * mass(0, far));
}

function holm(ps: readonly number[]): readonly number[] {
  const order = [...ps.keys()].sort((a, b) => (ps[a] ?? 0) - (ps[b] ?? 0));
  return ps.map((_, at) =>
    Math.max(
      ...order
        .slice(0, order.indexOf(at) + 1)
        .map((i, rank) => Math.min(1, (ps[i] ?? 0) * (ps.length - rank))),
    ),
  );
}

describe('the files of a study, read again and computed anew', () => {
  it('trials.csv says of latencies what samples.csv does', () => {
    expect(trials).toHaveLength(3);
    for (const row of trials) {
      const ms = latenciesOf(text(row, 'trial_id'));
      expect(number(row, 'samples')).toBe(ms.length);
      expectCell(row, 'latency_median_ms', quantile(ms, 0.5));
      expectCell(row, 'latency_p90_ms', quantile(ms, 0.9));
      expectCell(row, 'latency_min_ms', Math.min(...ms));
      const mean = sum(ms) / ms.length;
      expectCell(row, 'latency_mean_ms', mean);
      // Student's interval: beyond its ends lie 2.5 % each.
      const error = Math.sqrt(sum(ms.map((each) => (each - mean) ** 2)) / (ms.length - 1) / ms.length);
      for (const end of ['low', 'high']) {
        const t = Math.abs(number(row, `latency_mean_ms_${end}`) - mean) / error;
        expect(studentTail(t, ms.length - 1)).toBeCloseTo(0.025, 4);
      }
      for (const [column, part] of [
        ['decode_median_ms', 'decode_ms'],
        ['preprocess_median_ms', 'preprocess_ms'],
        ['postprocess_median_ms', 'postprocess_ms'],
        ['total_median_ms', 'total_ms'],
      ] as const)
        expectCell(
          row,
          column,
          quantile(
            timedOf(text(row, 'trial_id')).map((each) => number(each, part)),
            0.5,
          ),
        );
    }
  });
  it('intervals of medians and 90th percentiles are the samples between which 95 % lie', () => {
    for (const row of trials) {
      const sorted = latenciesOf(text(row, 'trial_id')).toSorted((a, b) => a - b);
      const n = sorted.length;
      for (const [column, share] of [
        ['latency_median_ms', 0.5],
        ['latency_p90_ms', 0.9],
      ] as const) {
        // How many of n samples lie below the quantile, with which chance.
        const terms: number[] = [(1 - share) ** n];
        for (let k = 0; k < n; k++) terms.push(((terms[k] ?? 0) * (n - k) * share) / (k + 1) / (1 - share));
        // So many below have at most 2.5 %, and so many at least 97.5 %.
        const atMost = [...terms.keys()].map((k) => sum(terms.slice(0, k + 1)));
        const low = atMost.filter((chance) => chance <= 0.025).length;
        const high = atMost.findIndex((chance) => chance >= 0.975);
        expectCell(row, `${column}_low`, sorted[low - 1] ?? Number.NaN);
        expectCell(row, `${column}_high`, sorted[high] ?? Number.NaN);
      }
    }
  });
  it('samples.csv has every inference once, in the order of execution, its parts within the whole', () => {
    expect(samples.map((row) => number(row, 'sequence'))).toEqual([...samples.keys()]);
    const starts = samples.map((row) => number(row, 'started_at_ms'));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    for (const row of samples) {
      const parts = ['decode_ms', 'preprocess_ms', 'compute_ms', 'postprocess_ms'];
      expect(Math.abs(sum(parts.map((part) => number(row, part))) - number(row, 'total_ms'))).toBeLessThan(
        1e-3,
      );
    }
  });
  it('the front is of those that none is better than in accuracy and median latency', () => {
    const costs = trials.map(
      (row) => [-number(row, 'accuracy_top1'), number(row, 'latency_median_ms')] as const,
    );
    trials.forEach((row, at) => {
      const [a, b] = costs[at] ?? [0, 0];
      const isBeaten = costs.some(([x, y]) => x <= a && y <= b && (x < a || y < b));
      expect(row.get('on_front')).toBe(isBeaten ? '0' : '1');
    });
  });
  it('comparisons.csv says of latencies what samples.csv does, by rounds and by inferences', () => {
    expect(pairs).toHaveLength(3);
    const ranks = ranksOf(trials.flatMap((row) => latenciesOf(text(row, 'trial_id'))));
    for (const row of pairs) {
      const [a, b] = [text(row, 'trial_a'), text(row, 'trial_b')];
      const [inA, inB] = [mediansByRound(a), mediansByRound(b)];
      const logs = [...inA]
        .map(([round, ms]) => Math.log((inB.get(round) ?? Number.NaN) / ms))
        .sort((x, y) => x - y);
      expect(number(row, 'rounds')).toBe(logs.length);
      const cut = Math.floor(logs.length / 5);
      const kept = logs.slice(cut, logs.length - cut);
      const mean = sum(kept) / kept.length;
      const clamped = logs.map((log) => Math.min(Math.max(log, kept[0] ?? 0), kept.at(-1) ?? 0));
      const middle = sum(clamped) / clamped.length;
      const deviation = Math.sqrt(sum(clamped.map((log) => (log - middle) ** 2)) / (logs.length - 1));
      const error = deviation / Math.sqrt(logs.length) / (kept.length / logs.length);
      expectCell(row, 'latency_ratio', Math.exp(mean));
      for (const end of ['low', 'high']) {
        const t = Math.abs(Math.log(number(row, `latency_ratio_${end}`)) - mean) / error;
        expect(studentTail(t, kept.length - 1)).toBeCloseTo(0.025, 3);
      }
      const [near, far] = [Math.abs(mean) - Math.log(1.01), Math.abs(mean) + Math.log(1.01)];
      const tail = (distance: number) => studentTail(distance / error, kept.length - 1);
      const p = near <= 0 ? 1 : tail(near) + tail(far);
      expect(Math.abs(number(row, 'latency_p') - p)).toBeLessThan(1e-4 * p + 1e-7);

      const [all, others] = [latenciesOf(a), latenciesOf(b)];
      const counted = sum(all.map((x) => sum(others.map((y) => Math.sign(x - y)))));
      expectCell(row, 'cliffs_delta', counted / (all.length * others.length));
      const groups = trials.map((each) =>
        latenciesOf(text(each, 'trial_id')).map((ms) => ranks.get(ms) ?? 0),
      );
      const total = sum(groups.map((group) => group.length));
      const mid = (total + 1) / 2;
      const between = sum(groups.map((group) => group.length * (sum(group) / group.length - mid) ** 2));
      const squares = sum(groups.flat().map((rank) => (rank - mid) ** 2));
      // Of chi-squared with two degrees of freedom.
      const kruskal = Math.exp(-((total - 1) * between) / squares / 2);
      expect(number(row, 'kruskal_p') / kruskal).toBeCloseTo(1, 4);
    }
    const flags = (column: string) => pairs.map((row) => row.get(column));
    for (const of of ['latency', 'quality']) {
      const adjusted = holm(pairs.map((row) => number(row, `${of}_p`)));
      pairs.forEach((row, at) => {
        expect(number(row, `${of}_p_adjusted`) / (adjusted[at] ?? 0)).toBeCloseTo(1, 4);
      });
      expect(flags(`${of}_different`)).toEqual(adjusted.map((p) => (p < 0.05 ? '1' : '0')));
    }
    expect(new Set([...flags('latency_different'), ...flags('quality_different')])).toEqual(
      new Set(['1', '0']),
    );
  });
  it('comparisons.csv and trials.csv say the same of accuracies and speed-ups', () => {
    for (const row of pairs) {
      const [a, b] = [trialRow(text(row, 'trial_a')), trialRow(text(row, 'trial_b'))];
      const difference = number(a, 'accuracy_top1') - number(b, 'accuracy_top1');
      expectCell(row, 'quality_difference', difference);
      expect((number(row, 'only_a') - number(row, 'only_b')) / number(row, 'images')).toBeCloseTo(
        difference,
        6,
      );
      expect(number(row, 'images')).toBe(number(a, 'images'));
      if (text(a, 'strategy') === 'S0') expectCell(b, 'speed_up', 1 / number(row, 'latency_ratio'));
    }
  });
});

function mediansByRound(id: string): ReadonlyMap<string, number> {
  const rounds = new Map<string, Row[]>();
  for (const row of timedOf(id))
    rounds.set(text(row, 'round'), [...(rounds.get(text(row, 'round')) ?? []), row]);
  return new Map(
    [...rounds].map(([round, rows]) => [
      round,
      quantile(
        rows.map((row) => number(row, 'compute_ms')),
        0.5,
      ),
    ]),
  );
}

/** Of each value the mean of the places it has among all, from 1. */
function ranksOf(values: readonly number[]): ReadonlyMap<number, number> {
  const sorted = values.toSorted((a, b) => a - b);
  return new Map(
    values.map((value) => [value, (sorted.indexOf(value) + sorted.lastIndexOf(value)) / 2 + 1] as const),
  );
}
