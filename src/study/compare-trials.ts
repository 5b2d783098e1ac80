import { formatShare } from '../base/units.ts';
import {
  axisBesideExpected,
  type AxisId,
  axisOf,
  formatMetric,
  type Measure,
  trialMetrics,
} from './metrics.ts';
import type { Trial } from './trial.ts';

/** What is compared of two trials, in the order in which it is told. */
export const COMPARED_AXES: readonly AxisId[] = [
  'latencyMedianMs',
  'latencyP90Ms',
  'totalMedianMs',
  'accuracyTop1',
  'accuracyTop5',
  'miou',
  'pixelAccuracy',
  'agreement',
  'rawBytes',
  'gzipBytes',
  'sparseBytes',
  'macs',
  'nonZeroParams',
  'heapBytes',
  'buildMs',
];

/** Whether two intervals have a value in common; unknown bounds are no bounds. */
export function overlap(a: Measure, b: Measure): boolean {
  const [low, high] = [
    Math.max(a.low ?? -Infinity, b.low ?? -Infinity),
    Math.min(a.high ?? Infinity, b.high ?? Infinity),
  ];
  return low <= high;
}

/** How the second differs from the first, for people: `1.83 × as fast`, `−2.1 points`, `+12 %`; null if unknown. */
export function differenceText(axisId: AxisId, from: Measure | null, to: Measure | null): string | null {
  if (from === null || to === null) return null;
  const { unit } = axisOf(axisId);
  if (unit === 'share') return signed(100 * (to.value - from.value), 1, 'points');
  if (from.value === 0) return null;
  if (unit === 'ms' && axisId !== 'buildMs' && to.value > 0) {
    const ratio = from.value / to.value;
    return ratio >= 1 ? `${ratio.toFixed(2)} × as fast` : `${(1 / ratio).toFixed(2)} × as slow`;
  }
  return signed(100 * (to.value / from.value - 1), 1, '%');
}

/** The comparison in a sentence or two; what the intervals cannot tell apart is said to be so. */
export function comparisonText(from: Trial, to: Trial, quality: AxisId): string {
  const [a, b] = [trialMetrics(from), trialMetrics(to)];
  const name = to.strategy.name;
  const [slow, fast] = [a.latencyMedianMs, b.latencyMedianMs];
  const sentences: string[] = [];
  if (slow && fast) {
    sentences.push(
      overlap(slow, fast)
        ? `${name} is about as fast as ${from.strategy.name}: the 95 % intervals of their medians overlap.`
        : `${name} is ${differenceText('latencyMedianMs', slow, fast)} as ${from.strategy.name}.`,
    );
  }
  const [before, after] = [a[quality], b[quality]];
  if (before && after) {
    const points = 100 * (after.value - before.value);
    const label = axisOf(quality).label;
    sentences.push(
      points === 0
        ? `Both have ${formatShare(after.value)} ${label}.`
        : `Its ${label} is ${Math.abs(points).toFixed(1)} points ${points > 0 ? 'higher' : 'lower'}${overlap(before, after) ? '; the intervals overlap, so this may be chance' : ''}.`,
    );
  }
  const answers = answersText(from, to);
  return [...sentences, ...(answers === null ? [] : [answers])].join(' ');
}

/** On how many images two trials answer alike, and leave alike where both have exits; null if that is not known. */
function answersText({ predictions: from }: Trial, { predictions: to }: Trial): string | null {
  if (!from || !to) return null;
  const places = new Map(from.imageIndices.map((image, at) => [image, at]));
  const both = to.imageIndices.flatMap((image, at) => {
    const before = places.get(image);
    return before === undefined ? [] : [[before, at] as const];
  });
  const images = both.length;
  if (images === 0) return null;
  const share = (same: number): string =>
    same === images ? `all ${images} images` : `${same} of ${images} images`;
  const answers = both.filter(([a, b]) => from.top1[a] === to.top1[b]).length;
  const haveExits = [from, to].every(({ exitIndex }) => exitIndex.some((exit) => exit !== null));
  if (!haveExits) return `They give the same answer for ${share(answers)}.`;
  const exits = both.filter(([a, b]) => from.exitIndex[a] === to.exitIndex[b]).length;
  return `They give the same answer for ${share(answers)}, and take the same exit for ${share(exits)}.`;
}

/** What was expected of a trial beside what came out: `mean latency: 12.1 ms expected, 12.6 ms measured (+4.1 %)`. */
export function expectationTexts(trial: Trial): readonly string[] {
  const { predicted } = trial;
  if (!predicted) return [];
  const metrics = trialMetrics(trial);
  const told: readonly (readonly [AxisId, number | null])[] = [
    [axisBesideExpected(trial), predicted.latencyMeanMs],
    ['accuracyTop1', predicted.accuracyTop1],
    ['agreement', predicted.agreement],
  ];
  return told.flatMap(([axisId, expected]) => {
    const found = metrics[axisId];
    if (expected === null || found === null) return [];
    const axis = axisOf(axisId);
    const exact = { value: expected, low: expected, high: expected };
    const off =
      axis.unit === 'share'
        ? differenceText(axisId, exact, found)
        : signed(100 * (found.value / expected - 1), 1, '%');
    return [
      `${axis.label}: ${formatMetric(axis, expected)} expected, ${formatMetric(axis, found.value)} measured (${off})`,
    ];
  });
}

function signed(value: number, digits: number, unit: string): string {
  const rounded = Number(value.toFixed(digits));
  const sign = rounded > 0 ? '+' : rounded < 0 ? '−' : '±';
  return `${sign}${Math.abs(rounded).toFixed(digits)} ${unit}`;
}
