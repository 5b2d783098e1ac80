import { isEmulatedTrial, latencyMsOf, timedSamples } from '../metrics.ts';
import { quantileOfSorted, summarise } from '../statistics/summary.ts';
import type { Trial } from '../trial.ts';

/** The latencies of a trial's timed inferences; all times in milliseconds. */
export interface Distribution {
  /** From the least to the greatest. */
  readonly sorted: Float64Array;
  readonly q1: number;
  readonly median: number;
  readonly q3: number;
  /** The last samples within one and a half times the box beyond it. */
  readonly whiskerLow: number;
  readonly whiskerHigh: number;
  readonly mean: number;
  /** Exact 95 % interval of the median; null if there are too few samples. */
  readonly medianLow: number | null;
  readonly medianHigh: number | null;
}

/** Trials are facts that never change, and every picture asks. */
const known = new WeakMap<Trial, Distribution | null>();

/**
 * How a trial's latencies lie.
 * @returns null if nothing was timed
 * @source Tukey 1977 (whiskers); quartiles by linear interpolation (Hyndman and Fan's type 7)
 */
export function distributionOf(trial: Trial): Distribution | null {
  const kept = known.get(trial);
  if (kept !== undefined) return kept;
  const found = describe(timedSamples(trial).map(latencyMsOf));
  known.set(trial, found);
  return found;
}

function describe(latencies: readonly number[]): Distribution | null {
  const summary = summarise(latencies);
  if (!summary) return null;
  const sorted = Float64Array.from(latencies).sort();
  const [q1, q3] = [quantileOfSorted(sorted, 0.25), quantileOfSorted(sorted, 0.75)];
  const reach = 1.5 * (q3 - q1);
  return {
    sorted,
    q1,
    median: summary.median,
    q3,
    whiskerLow: sorted.find((ms) => ms >= q1 - reach) ?? q1,
    whiskerHigh: sorted.findLast((ms) => ms <= q3 + reach) ?? q3,
    mean: summary.mean,
    medianLow: summary.medianInterval95?.[0] ?? null,
    medianHigh: summary.medianInterval95?.[1] ?? null,
  };
}

/** A trial as pictures name it. */
export interface NamedTrial {
  readonly trial: Trial;
  /** The strategy's name, with what tells it from others of that name. */
  readonly name: string;
}

/** Trials that have timed samples, the fastest first, and those that have none; trial by trial, as pictures are made. */
export function* gatherTimed(
  trials: readonly Trial[],
): Generator<void, { readonly timed: readonly NamedTrial[]; readonly untimed: readonly NamedTrial[] }> {
  for (const trial of trials) {
    distributionOf(trial);
    yield;
  }
  const named = nameTrials(trials);
  const isTimed = ({ trial }: NamedTrial) => distributionOf(trial) !== null;
  const medianMs = ({ trial }: NamedTrial) => distributionOf(trial)?.median ?? 0;
  return {
    timed: named.filter(isTimed).sort((a, b) => medianMs(a) - medianMs(b)),
    untimed: named.filter((each) => !isTimed(each)),
  };
}

/** Names that tell trials apart: strategies of one name also say their model, provider and threads. */
export function nameTrials(trials: readonly Trial[]): readonly NamedTrial[] {
  const counts = new Map<string, number>();
  for (const { strategy } of trials) counts.set(strategy.name, (counts.get(strategy.name) ?? 0) + 1);
  return trials.map((trial) => {
    const { name, provider, threads } = trial.strategy;
    const full = counts.get(name) === 1 ? name : `${name} · ${trial.modelName} · ${provider} ×${threads}`;
    return { trial, name: isEmulatedTrial(trial) ? `${full} (emulated)` : full };
  });
}

/** A density: `y` at evenly spaced places, of values or of their logarithms. */
export interface Density {
  /** Values, in milliseconds, ascending. */
  readonly ms: readonly number[];
  /** Relative to the highest. */
  readonly height: readonly number[];
}

/** Places of the grid on which a density is told. */
const gridPlaces = 160;

/**
 * Gaussian kernel density on a grid, from counts of its cells, so that the time hardly grows with the samples.
 * @param sorted ascending
 * @param isLog over logarithms, which a logarithmic axis shows undistorted
 * @returns null of constant samples, which have none
 * @source Silverman 1986, rule of thumb (3.31)
 */
export function densityOf(sorted: Float64Array, isLog: boolean): Density | null {
  const toPlace = (ms: number): number => (isLog ? Math.log(ms) : ms);
  const n = sorted.length;
  const [first, last] = [toPlace(sorted[0] as number), toPlace(sorted[n - 1] as number)];
  if (!(last > first)) return null;
  const mean = sorted.reduce((sum, ms) => sum + toPlace(ms), 0) / n;
  const deviation = Math.sqrt(
    sorted.reduce((sum, ms) => sum + (toPlace(ms) - mean) ** 2, 0) / Math.max(1, n - 1),
  );
  const quartiles = toPlace(quantileOfSorted(sorted, 0.75)) - toPlace(quantileOfSorted(sorted, 0.25));
  const spread = quartiles > 0 ? Math.min(deviation, quartiles / 1.34) : deviation;
  const bandwidth = Math.max(0.9 * spread * n ** -0.2, (last - first) / gridPlaces);
  const [from, to] = [first - 2 * bandwidth, last + 2 * bandwidth];
  const step = (to - from) / (gridPlaces - 1);
  const counts = new Float64Array(gridPlaces);
  for (const ms of sorted) {
    const cell = Math.round((toPlace(ms) - from) / step);
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  const reach = Math.ceil((4 * bandwidth) / step);
  const kernel = Array.from({ length: reach + 1 }, (_, cells) =>
    Math.exp(-0.5 * ((cells * step) / bandwidth) ** 2),
  );
  const height = Array.from({ length: gridPlaces }, (_, at) => {
    let sum = 0;
    for (let other = Math.max(0, at - reach); other <= Math.min(gridPlaces - 1, at + reach); other++)
      sum += (counts[other] as number) * (kernel[Math.abs(other - at)] as number);
    return sum;
  });
  const highest = Math.max(...height);
  const valueAt = (at: number): number => (isLog ? Math.exp(from + at * step) : from + at * step);
  return {
    ms: height.map((_, at) => valueAt(at)),
    height: height.map((each) => each / highest),
  };
}
