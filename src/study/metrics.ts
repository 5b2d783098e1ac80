import { formatBytes, formatCount, formatMs, formatShare } from '../base/units.ts';
import { isEmulated } from './placement/tiers.ts';
import { maskQuality } from './segmentation/class-pixels.ts';
import { wilsonInterval95 } from './statistics/binomial.ts';
import { type Interval, type Summary, summarise } from './statistics/summary.ts';
import type { Sample, Trial } from './trial.ts';

/** One value with its 95 % interval; exact quantities have `low === high`, and null bounds mean: too few samples. */
export interface Measure {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

export interface Axis {
  readonly id: AxisId;
  /** For people, e.g. `median latency`. */
  readonly label: string;
  readonly unit: 'share' | 'ms' | 'bytes' | 'count';
  readonly better: 'lower' | 'higher';
}

export type AxisId =
  | 'accuracyTop1'
  | 'accuracyTop5'
  | 'miou'
  | 'pixelAccuracy'
  | 'agreement'
  | 'latencyMedianMs'
  | 'latencyMeanMs'
  | 'latencyP90Ms'
  | 'totalMedianMs'
  | 'rawBytes'
  | 'gzipBytes'
  | 'sparseBytes'
  | 'params'
  | 'nonZeroParams'
  | 'macs'
  | 'heapBytes'
  | 'buildMs';

export type TrialMetrics = Readonly<Record<AxisId, Measure | null>>;

/** Everything a front can be drawn over. */
export const AXES: readonly Axis[] = [
  { id: 'accuracyTop1', label: 'top-1 accuracy', unit: 'share', better: 'higher' },
  { id: 'accuracyTop5', label: 'top-5 accuracy', unit: 'share', better: 'higher' },
  { id: 'miou', label: 'mean IoU', unit: 'share', better: 'higher' },
  { id: 'pixelAccuracy', label: 'pixel accuracy', unit: 'share', better: 'higher' },
  { id: 'agreement', label: 'agreement with the original', unit: 'share', better: 'higher' },
  { id: 'latencyMedianMs', label: 'median latency', unit: 'ms', better: 'lower' },
  { id: 'latencyMeanMs', label: 'mean latency', unit: 'ms', better: 'lower' },
  { id: 'latencyP90Ms', label: 'p90 latency', unit: 'ms', better: 'lower' },
  { id: 'totalMedianMs', label: 'median decode to answer', unit: 'ms', better: 'lower' },
  { id: 'rawBytes', label: 'size', unit: 'bytes', better: 'lower' },
  { id: 'gzipBytes', label: 'size gzipped', unit: 'bytes', better: 'lower' },
  { id: 'sparseBytes', label: 'size in a sparse encoding', unit: 'bytes', better: 'lower' },
  { id: 'params', label: 'parameters', unit: 'count', better: 'lower' },
  { id: 'nonZeroParams', label: 'non-zero parameters', unit: 'count', better: 'lower' },
  { id: 'macs', label: 'expected MACs', unit: 'count', better: 'lower' },
  { id: 'heapBytes', label: 'heap', unit: 'bytes', better: 'lower' },
  { id: 'buildMs', label: 'compression time', unit: 'ms', better: 'lower' },
];

/** The axis of this id. */
export function axisOf(id: AxisId): Axis {
  return AXES.find((axis) => axis.id === id) as Axis;
}

/** A value of an axis for people, with its unit: `82.5 %`, `1.42 ms`. */
export function formatMetric(axis: Axis, value: number): string {
  switch (axis.unit) {
    case 'share':
      return formatShare(value);
    case 'ms':
      return formatMs(value);
    case 'bytes':
      return formatBytes(value);
    case 'count':
      return formatCount(value);
  }
}

/** The y axis that means something for these trials: accuracy where there are labels, else agreement. */
export function defaultQualityAxis(trials: readonly Trial[]): QualityAxis {
  const told = (['accuracyTop1', 'miou'] as const).find((id) =>
    trials.some((trial) => trialMetrics(trial)[id] !== null),
  );
  return told ?? 'agreement';
}

/** What tells how right answers are: of images, of their pixels, or without labels. */
export type QualityAxis = 'accuracyTop1' | 'miou' | 'agreement';

/** What to draw against latency; of trials on random inputs, whose answers mean nothing, the size. */
export function defaultVerticalAxis(trials: readonly Trial[]): AxisId {
  return trials[0]?.preprocessing.random ? 'rawBytes' : defaultQualityAxis(trials);
}

/** Trials are facts that never change, and charts ask often. */
const known = new WeakMap<Trial, TrialMetrics>();

/** Everything derived from a trial; null where it was not measured. */
export function trialMetrics(trial: Trial): TrialMetrics {
  const kept = known.get(trial);
  if (kept) return kept;
  const metrics = deriveMetrics(trial);
  known.set(trial, metrics);
  return metrics;
}

function deriveMetrics(trial: Trial): TrialMetrics {
  const { accuracy, maskAnswers, size } = trial;
  const quality = maskAnswers ? maskQuality(maskAnswers.counts) : null;
  const samples = timedSamples(trial);
  const compute = summarise(samples.map(latencyMsOf));
  const total = summarise(samples.map(totalMsOf));
  return {
    accuracyTop1: accuracy && shareOf(accuracy.top1Correct, accuracy.labelledImages),
    accuracyTop5: accuracy && shareOf(accuracy.top5Correct, accuracy.labelledImages),
    miou: quality && quality.miou,
    pixelAccuracy: quality && quality.pixelAccuracy,
    agreement:
      (maskAnswers?.agreement && maskQuality(maskAnswers.agreement)?.pixelAccuracy) ??
      (accuracy && shareOf(accuracy.agreeing, accuracy.images)),
    latencyMedianMs: measured(compute, 'median', compute?.medianInterval95),
    latencyMeanMs: measured(compute, 'mean', compute?.meanInterval95),
    latencyP90Ms: measured(compute, 'p90', compute?.p90Interval95),
    totalMedianMs: measured(total, 'median', total?.medianInterval95),
    rawBytes: size && exactly(size.rawBytes),
    gzipBytes: size && exactly(size.gzipBytes),
    sparseBytes: exactly(size?.sparseBytes ?? null),
    params: size && exactly(size.params),
    nonZeroParams: size && exactly(size.nonZeroParams),
    macs: expectedMacs(trial),
    heapBytes: exactly(trial.heapBytes),
    buildMs: exactly(trial.buildMs),
  };
}

/** The samples that count: without the warm-up and visits that only show how the device changes. */
export function timedSamples(trial: Trial): readonly Sample[] {
  return trial.samples.filter((sample) => !sample.warmUp && !sample.reference);
}

/** Input tensor to output: computing, and sending where a placement is emulated. */
export function latencyMsOf({ computeMs, emulated }: Sample): number {
  return emulated ? emulated.computeMs + emulated.transferMs : computeMs;
}

/** Decode to answer, sending included. */
export function totalMsOf({ totalMs, emulated }: Sample): number {
  return emulated?.totalMs ?? totalMs;
}

/** Whether a trial's times are calculated for other devices and links instead of measured. */
export function isEmulatedTrial({ strategy }: Trial): boolean {
  return strategy.placement !== undefined && isEmulated(strategy.placement);
}

/**
 * Share of the images that left at each exit, by exit index; empty for models with one output.
 * From the accuracy pass; from the timed samples where there was none.
 */
export function exitShares(trial: Trial): ReadonlyMap<number, number> {
  const taken = exitsTaken(trial);
  const counts = new Map<number, number>();
  for (const exitIndex of taken) counts.set(exitIndex, (counts.get(exitIndex) ?? 0) + 1);
  return new Map(
    [...counts].sort(([a], [b]) => a - b).map(([exitIndex, count]) => [exitIndex, count / taken.length]),
  );
}

function exitsTaken(trial: Trial): readonly number[] {
  const exits =
    (trial.predictions ?? trial.maskAnswers)?.exitIndex ??
    timedSamples(trial).map((sample) => sample.exitIndex);
  return exits.filter((exitIndex) => exitIndex !== null);
}

/**
 * The axis that stands beside an expected latency. Expected is what an inference takes that nothing disturbs: its
 * median where all take the same way, the mean where some leave early.
 */
export function axisBesideExpected(trial: Trial): AxisId {
  return exitShares(trial).size > 1 ? 'latencyMeanMs' : 'latencyMedianMs';
}

/**
 * Decode to answer of an inference that nothing disturbs: the median of those that left at the same exit, averaged over
 * the exits by how many left there; null if nothing was timed.
 */
export function undisturbedTotalMs(trial: Trial): number | null {
  const samples = timedSamples(trial);
  if (samples.length === 0) return null;
  return [...new Set(samples.map(({ exitIndex }) => exitIndex))].reduce<number>((sum, exit) => {
    const some = samples.filter(({ exitIndex }) => exitIndex === exit);
    return sum + (some.length / samples.length) * (summarise(some.map(totalMsOf))?.median ?? 0);
  }, 0);
}

/** Mean work of an inference: the MACs to each exit weighted by how often it is taken. */
function expectedMacs(trial: Trial): Measure | null {
  if (!trial.size) return null;
  const macsByExit = new Map(trial.size.macsToExit.map((exit) => [exit.exitIndex, exit.macs]));
  const taken = exitsTaken(trial).map((exitIndex) => macsByExit.get(exitIndex));
  const work = taken.filter((macs) => macs !== undefined);
  const summary = work.length === taken.length ? summarise(work) : null;
  if (!summary) return exactly(trial.size.macs);
  // Where every image left at the same exit nothing was estimated.
  return summary.min === summary.max
    ? exactly(summary.min)
    : measured(summary, 'mean', summary.meanInterval95);
}

function shareOf(count: number | null, outOf: number): Measure | null {
  if (count === null || outOf === 0) return null;
  const [low, high] = wilsonInterval95(count, outOf);
  return { value: count / outOf, low, high };
}

function measured(
  summary: Summary | null,
  which: 'median' | 'mean' | 'p90',
  interval: Interval | undefined,
): Measure | null {
  return summary && { value: summary[which], low: interval?.[0] ?? null, high: interval?.[1] ?? null };
}

function exactly(value: number | null): Measure | null {
  return value === null ? null : { value, low: value, high: value };
}
