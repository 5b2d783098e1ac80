import { finish } from '../../base/finish.ts';
import { latencyMsOf } from '../metrics.ts';
import { medianOf } from '../statistics/summary.ts';
import type { Environment, Sample, Study, Trial } from '../trial.ts';
import { differenceNoise, type Level, leastStep, levelsInParts } from './levels.ts';
import { isSameDevice, referenceTrial } from './reference.ts';

/** What the reference took when it was visited. */
export interface ReferenceVisit {
  readonly round: number;
  /** Unix time in milliseconds; never before that of the visit before, whatever the clock did. */
  readonly atMs: number;
  readonly medianMs: number;
  /** To the median of all visits; 1.1: the device was 10 % slower. */
  readonly ratio: number;
  /** The same without the noise of single visits. */
  readonly smoothRatio: number;
}

/** A stretch of time in which the device was equally fast. */
export interface DeviceLevel {
  readonly fromMs: number;
  readonly toMs: number;
  readonly ratio: number;
  readonly visits: number;
}

/** How fast the device was over the time of a study, told by a strategy that was visited throughout. */
export interface Drift {
  /** The trial that tells. */
  readonly reference: Trial;
  readonly visits: readonly ReferenceVisit[];
  /** One: no change that is more than noise. */
  readonly levels: readonly DeviceLevel[];
  /** Change of latency in an hour, as a share: 0.1 for 10 % slower. Median of the slopes of all pairs of visits. */
  readonly slopePerHour: number;
  /** Since when the device has been slower to the end, and how much slower than at its fastest level. */
  readonly throttled: { readonly fromMs: number; readonly ratio: number } | null;
  /** A lasting change by less than this share would not have been told. */
  readonly leastChange: number;
  /** `unknown`: too few visits to tell; `restless`: they differ too much to tell. */
  readonly state: 'unknown' | 'restless' | 'steady' | 'drifting' | 'throttled';
}

/** Fewer visits tell no levels. */
const FEWEST_VISITS = 6;

/** A slow-down that lasts to the end is called throttling from here on. */
const THROTTLED_RATIO = 1.1;

/** A level of fewer visits may be a disturbance. */
const LASTING_VISITS = 3;

/** Smaller changes than this are noise of the clock and the caches. */
const LEAST_NOISE = 0.01;

/** Who would not see a change by this share cannot call the device steady. */
const SEEN_CHANGE = 0.15;

/** Studies are facts that never change, and charts ask often. */
const known = new WeakMap<readonly Trial[], Drift | null>();

/**
 * How fast the device was while it measured.
 * @returns null if nothing was visited that tells
 */
export function driftOfStudy(study: Pick<Study, 'trials'>): Drift | null {
  return finish(driftInParts(study));
}

/** The same in parts, between which others may have their turn: a reference may have been visited thousands of times. */
export function* driftInParts({ trials }: Pick<Study, 'trials'>): Generator<void, Drift | null, void> {
  const kept = known.get(trials);
  if (kept !== undefined) return kept;
  const environment = trials.find(({ samples }) => samples.length > 0)?.environment;
  const reference = environment ? referenceTrial(trials, environment) : null;
  const drift = reference && (yield* driftToldBy(reference));
  known.set(trials, drift);
  return drift;
}

/** What tells the drift of each trial's device, where studies of several are together; in parts, as above. */
export function* driftByDevice(
  trials: readonly Trial[],
): Generator<void, (trial: Trial) => Drift | null, void> {
  const devices: { readonly environment: Environment; readonly drift: Drift | null }[] = [];
  const deviceOf = ({ environment }: Trial) =>
    devices.find((each) => isSameDevice(each.environment, environment));
  for (const trial of trials) {
    if (deviceOf(trial)) continue;
    const { environment } = trial;
    const alike = trials.filter((other) => isSameDevice(other.environment, environment));
    devices.push({ environment, drift: yield* driftInParts({ trials: alike }) });
  }
  return (trial) => deviceOf(trial)?.drift ?? null;
}

/** The same, told by one trial alone. */
function* driftToldBy(reference: Trial): Generator<void, Drift | null, void> {
  const raw = referenceVisits(reference);
  if (raw.length === 0) return null;
  yield;
  const logs = raw.map(({ medianMs }) => Math.log(Math.max(medianMs, 1e-3)));
  const base = medianOf(logs);
  const smooth = runningMedian(logs);
  yield;
  const visits = raw.map((visit, at) => ({
    ...visit,
    ratio: Math.exp((logs[at] as number) - base),
    smoothRatio: Math.exp((smooth[at] as number) - base),
  }));
  const noise = Math.max(LEAST_NOISE, differenceNoise(logs));
  const leastChange = Math.expm1(leastStep(raw.length, noise));
  const found = raw.length < FEWEST_VISITS ? [] : yield* levelsInParts(logs, noise);
  const levels = found.map((level) => deviceLevel(level, visits, base));
  const throttled = throttledFrom(levels);
  return {
    reference,
    visits,
    levels,
    slopePerHour: slopePerHour(visits, logs),
    throttled,
    leastChange,
    state: stateOf(levels, throttled, leastChange),
  };
}

function stateOf(
  levels: readonly DeviceLevel[],
  throttled: Drift['throttled'],
  leastChange: number,
): Drift['state'] {
  if (levels.length === 0) return 'unknown';
  if (throttled) return 'throttled';
  if (levels.length > 1) return 'drifting';
  return leastChange > SEEN_CHANGE ? 'restless' : 'steady';
}

/**
 * How much slower the device was at a time than in the middle of all times: 1 where it did not change, else the ratio
 * of the reference around then.
 */
export function deviceRatioAt({ visits, levels }: Drift, atMs: number): number {
  const [first, last] = [visits[0], visits.at(-1)];
  if (levels.length < 2 || !first || !last) return 1;
  if (atMs <= first.atMs) return first.smoothRatio;
  if (atMs >= last.atMs) return last.smoothRatio;
  let [low, high] = [0, visits.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((visits[middle] as ReferenceVisit).atMs <= atMs) low = middle;
    else high = middle;
  }
  const [before, after] = [visits[low] as ReferenceVisit, visits[high] as ReferenceVisit];
  const share = (atMs - before.atMs) / (after.atMs - before.atMs);
  return before.smoothRatio * (after.smoothRatio / before.smoothRatio) ** share;
}

/** The latency of a sample as it would have been had the device been as fast all the time; what was sent stays. */
export function correctedLatencyMs(drift: Drift | null, sample: Sample): number {
  const latencyMs = latencyMsOf(sample);
  if (drift === null) return latencyMs;
  const computeMs = sample.emulated?.computeMs ?? sample.computeMs;
  return latencyMs - computeMs + computeMs / deviceRatioAt(drift, sample.startedAtMs);
}

function referenceVisits(trial: Trial): readonly Omit<ReferenceVisit, 'ratio' | 'smoothRatio'>[] {
  const { referenceSamples, sustained } = trial.protocol;
  const samples = trial.samples.filter(({ warmUp }) => !warmUp).toSorted((a, b) => a.sequence - b.sequence);
  // Exits take different times: only one of them tells of the device.
  const exit = mostFrequent(samples.map(({ exitIndex }) => exitIndex));
  const visits: Sample[][] = [];
  let last: Sample | null = null;
  for (const sample of samples) {
    const isSame =
      last?.round === sample.round &&
      last.reference === sample.reference &&
      (sustained !== undefined || sample.sequence === last.sequence + 1);
    if (isSame) visits.at(-1)?.push(sample);
    else visits.push([sample]);
    last = sample;
  }
  let latestMs = 0;
  return visits.flatMap((all) => {
    // The first runs of a visit find cold caches: of longer visits as many are taken as short ones have.
    const alike = sustained ? all : all.slice(0, referenceSamples || all.length);
    const taken = alike.filter(({ exitIndex }) => exitIndex === exit);
    const [first] = taken;
    if (!first) return [];
    latestMs = Math.max(latestMs, first.startedAtMs);
    return [
      { round: first.round, atMs: latestMs, medianMs: medianOf(taken.map(({ computeMs }) => computeMs)) },
    ];
  });
}

function deviceLevel(
  { from, to, mean }: Level,
  visits: readonly ReferenceVisit[],
  base: number,
): DeviceLevel {
  return {
    fromMs: visits[from]?.atMs ?? 0,
    toMs: visits[Math.min(to, visits.length - 1)]?.atMs ?? 0,
    ratio: Math.exp(mean - base),
    visits: to - from,
  };
}

/** The earliest of the last levels that are all slower than the fastest one before them. */
function throttledFrom(levels: readonly DeviceLevel[]): Drift['throttled'] {
  const lasting = levels.filter(({ visits }) => visits >= LASTING_VISITS);
  const fastest = Math.min(...lasting.map(({ ratio }) => ratio));
  const isSlow = ({ ratio }: DeviceLevel): boolean => ratio >= THROTTLED_RATIO * fastest;
  const start = levels.findLastIndex((level) => !isSlow(level)) + 1;
  const slow = levels.slice(start);
  const first = slow[0];
  if (start === 0 || !first || slow.reduce((sum, { visits }) => sum + visits, 0) < LASTING_VISITS)
    return null;
  return { fromMs: first.fromMs, ratio: (levels.at(-1)?.ratio ?? 1) / fastest };
}

/** @source Theil 1950, Sen 1968 */
function slopePerHour(visits: readonly ReferenceVisit[], logs: readonly number[]): number {
  const hourMs = 3_600_000;
  // All pairs of very many visits would take long; every n-th tells the same.
  const step = Math.ceil(visits.length / 400);
  const slopes: number[] = [];
  for (let a = 0; a < visits.length; a += step) {
    for (let b = a + step; b < visits.length; b += step) {
      const hours = ((visits[b] as ReferenceVisit).atMs - (visits[a] as ReferenceVisit).atMs) / hourMs;
      if (hours > 0) slopes.push(((logs[b] as number) - (logs[a] as number)) / hours);
    }
  }
  return slopes.length === 0 ? 0 : Math.expm1(medianOf(slopes));
}

/** Of five, fewer at the ends: keeps sudden changes, drops single visits. */
function runningMedian(values: readonly number[]): readonly number[] {
  return values.map((_, at) => {
    const reach = Math.min(2, at, values.length - 1 - at);
    return medianOf(values.slice(at - reach, at + reach + 1));
  });
}

function mostFrequent<T>(values: readonly T[]): T | undefined {
  const counts = new Map<T, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}
