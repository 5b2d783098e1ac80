import { type DeviceReport, paperPairOf } from '../compare/compare-devices.ts';
import type { Comparison, LatencyComparison, QualityComparison } from '../compare/compare-strategies.ts';
import { comparisonSentence } from '../compare/comparison-text.ts';
import type { PaperPair } from '../compare/paper-tests.ts';
import type { Cell } from '../csv-text.ts';
import { type Column, rounded, tableCsv } from './column.ts';

interface ComparisonRow {
  readonly comparison: Comparison;
  readonly report: DeviceReport;
  readonly paper: PaperPair | null;
}

/** comparisons.csv: a row per pair of strategies of one device. */
export const COMPARISON_COLUMNS: readonly Column<ComparisonRow>[] = [
  { name: 'device', description: 'Where both were measured', cell: ({ report }) => report.deviceName },
  {
    name: 'strategy_a',
    description: 'The faster strategy, where that is known',
    cell: ({ comparison }) => comparison.a.name,
  },
  { name: 'strategy_b', description: 'The other one', cell: ({ comparison }) => comparison.b.name },
  {
    name: 'trial_a',
    description: 'Its trial, as in trials.csv',
    cell: ({ comparison }) => comparison.a.trialId,
  },
  { name: 'trial_b', description: 'The same of the other', cell: ({ comparison }) => comparison.b.trialId },
  latency('latency_ratio', 'How many times as fast the first is: trimmed mean over rounds', ({ ratio }) =>
    rounded(ratio, 6),
  ),
  latency('latency_ratio_low', 'Lower end of its 95 % interval', ({ low }) => rounded(low, 6)),
  latency('latency_ratio_high', 'Upper end of its 95 % interval', ({ high }) => rounded(high, 6)),
  latency('rounds', 'Rounds that both ran in, which differences are told of', ({ rounds }) => rounds),
  latency(
    'latency_test',
    'Of log ratios by round: trimmed `t`, or `sign` where all are equal',
    ({ method }) => method,
  ),
  latency('latency_p', 'Chance of such a difference if they differ by 1 % at most', ({ p }) => digits(p)),
  latency('latency_p_adjusted', 'The same, adjusted over all pairs', ({ adjustedP }) => digits(adjustedP)),
  latency('latency_different', 'Whether it is called real: below 0.05', ({ isDifferent }) => isDifferent),
  quality(
    'quality',
    'What answers are compared by: accuracy, mean IoU (miou), or without labels agreement or pixel-agreement with the unchanged model',
    ({ measure }) => measure,
  ),
  quality(
    'quality_difference',
    'Of the first less that of the second: a share of images or, of masks, mean IoU or a share of pixels',
    ({ difference }) => rounded(difference, 6),
  ),
  quality('quality_difference_low', 'Lower end of its 95 % interval', ({ low }) => rounded(low, 6)),
  quality('quality_difference_high', 'Upper end of its 95 % interval', ({ high }) => rounded(high, 6)),
  quality('images', 'Images that both were evaluated on', ({ images }) => images),
  quality(
    'only_a',
    'Images that only the first gets right; of masks: that it gets more pixels right of',
    ({ onlyA }) => onlyA,
  ),
  quality('only_b', 'The same of the second', ({ onlyB }) => onlyB),
  quality(
    'quality_p',
    "McNemar's exact test; of masks: the share of ways to swap both answers of images that differ as much",
    ({ p }) => digits(p),
  ),
  quality('quality_p_adjusted', 'The same, adjusted over all pairs', ({ adjustedP }) => digits(adjustedP)),
  quality('quality_different', 'Whether it is called real: below 0.05', ({ isDifferent }) => isDifferent),
  {
    name: 'adjustment',
    description: 'How p-values are adjusted: holm, bonferroni or benjamini-hochberg',
    cell: ({ report }) => report.compared.adjustment,
  },
  {
    name: 'kruskal_p',
    description:
      'Kruskal-Wallis over all strategies of the device; this and the next take every inference as independent, which they are not',
    cell: ({ report: { papers } }) => (papers.kruskal.ok ? digits(papers.kruskal.value.p) : null),
  },
  paper('conover_p', "Conover's post-hoc test on raw latencies", ({ p }) => digits(p)),
  paper('conover_p_adjusted', 'The same, adjusted over all pairs', ({ adjustedP }) => digits(adjustedP)),
  paper('cliffs_delta', "Cliff's delta of raw latencies, below 0 where the first takes less", ({ cliff }) =>
    rounded(cliff?.delta ?? null, 6),
  ),
  paper('cliffs_delta_low', 'Lower end of its 95 % interval', ({ cliff }) => rounded(cliff?.low ?? null, 6)),
  paper('cliffs_delta_high', 'Upper end of its 95 % interval', ({ cliff }) =>
    rounded(cliff?.high ?? null, 6),
  ),
  paper('cliffs_magnitude', 'negligible, small, medium or large', ({ cliff }) => cliff?.magnitude ?? null),
  {
    name: 'sentence',
    description: 'The comparison in words',
    cell: ({ comparison, report }) => comparisonSentence(comparison, report.compared),
  },
  {
    name: 'caveats',
    description: 'What to know about it',
    cell: ({ comparison }) => comparison.caveats.join(' '),
  },
];

/** comparisons.csv as text. */
export function comparisonsCsv(reports: readonly DeviceReport[]): string {
  const rows = reports.flatMap((report) =>
    report.compared.comparisons.map((comparison) => ({
      comparison,
      report,
      paper: paperPairOf(comparison, report.papers),
    })),
  );
  return tableCsv(COMPARISON_COLUMNS, rows);
}

function latency(
  name: string,
  description: string,
  cell: (latency: LatencyComparison & { kind: 'compared' }) => Cell,
): Column<ComparisonRow> {
  return {
    name,
    description,
    cell: ({ comparison }) => (comparison.latency.kind === 'compared' ? cell(comparison.latency) : null),
  };
}

function quality(
  name: string,
  description: string,
  cell: (quality: QualityComparison & { kind: 'compared' }) => Cell,
): Column<ComparisonRow> {
  return {
    name,
    description,
    cell: ({ comparison }) => (comparison.quality.kind === 'compared' ? cell(comparison.quality) : null),
  };
}

function paper(name: string, description: string, cell: (pair: PaperPair) => Cell): Column<ComparisonRow> {
  return { name, description, cell: ({ paper: pair }) => pair && cell(pair) };
}

/** P-values may be tiny; their last digits differ between browsers. */
function digits(p: number): number {
  return Number(p.toPrecision(10));
}
