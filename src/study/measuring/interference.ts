import { grouped } from '../../base/grouped.ts';
import { timedSamples } from '../metrics.ts';
import { medianOf, quantileOfSorted } from '../statistics/summary.ts';
import type { Sample, Trial } from '../trial.ts';
import { differenceNoise } from './levels.ts';

/** What the spread of a trial's computing times tells of other work on the device. */
export interface Interference {
  /** Share of inferences that took far longer than the others. */
  readonly outlierShare: number;
  /** Of two levels that times jump between: the slower to the faster; null if there is one. */
  readonly secondLevelRatio: number | null;
  /** Standard deviation of the medians of the rounds, as a share, beyond what single inferences explain. */
  readonly roundSpread: number;
}

/** Fewer inferences tell nothing of their spread. */
const FEWEST_SAMPLES = 20;

/** From here on an inference is far from the median, in robust standard deviations. */
const FAR = 6;

const FEWEST_OUTLIERS = 5;

/** Standard deviation of normally distributed values to their median absolute deviation. */
const SIGMA_PER_MAD = 1.4826022185056018;

/** Trials are facts that never change, and tables ask for each column. */
const known = new WeakMap<Trial, Interference | null>();

/**
 * Other work on the device, as far as the spread of the times shows it.
 *
 * Times are taken relative to the median of those that left at the same exit, since exits differ by nature.
 * @returns null for too few samples
 */
export function interferenceOf(trial: Trial): Interference | null {
  const kept = known.get(trial);
  if (kept !== undefined) return kept;
  const told = lookForInterference(trial);
  known.set(trial, told);
  return told;
}

function lookForInterference(trial: Trial): Interference | null {
  const samples = timedSamples(trial).filter(({ computeMs }) => computeMs > 0);
  if (samples.length < FEWEST_SAMPLES) return null;
  const logs = relativeLogs(samples);
  const spread = Math.max(SIGMA_PER_MAD * medianOf(logs.map(Math.abs)), 0.005);
  const outliers = logs.filter((log) => log > FAR * spread).length;
  const rounds = grouped(logs, (_, at) => samples[at]?.round);
  const medians = [...rounds.values()].map(medianOf);
  const perRound = samples.length / rounds.size;
  // Of the median of independent normal values.
  const expected = (differenceNoise(logs) * Math.sqrt(Math.PI / 2)) / Math.sqrt(perRound);
  const middle = medianOf(medians);
  const found = SIGMA_PER_MAD * medianOf(medians.map((value) => Math.abs(value - middle)));
  return {
    // A few may be chance.
    outlierShare: outliers < FEWEST_OUTLIERS ? 0 : outliers / logs.length,
    secondLevelRatio: secondLevel(logs),
    roundSpread: medians.length < 3 ? 0 : Math.sqrt(Math.max(0, found ** 2 - expected ** 2)),
  };
}

/** What people are told of it; empty if there is nothing to tell. */
export function interferenceWarnings(trial: Trial): readonly string[] {
  const found = interferenceOf(trial);
  if (found === null) return [];
  const { outlierShare, secondLevelRatio, roundSpread } = found;
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  return [
    ...(outlierShare > 0.05
      ? [
          `${percent(outlierShare)} of the inferences took far longer than the others: other work ran on the device.`,
        ]
      : []),
    ...(secondLevelRatio !== null
      ? [
          `Times jump between two levels, ${percent(secondLevelRatio - 1)} apart: the device changed its speed, or shared it with other work.`,
        ]
      : []),
    ...(roundSpread > 0.05
      ? [
          `From round to round the median differs by ${percent(roundSpread)}: the device was not equally fast all the time.`,
        ]
      : []),
  ];
}

/** Logarithms of computing times, relative to the median of those that left at the same exit. */
export function relativeLogs(samples: readonly Sample[]): readonly number[] {
  const medians = new Map(
    [...grouped(samples, ({ exitIndex }) => exitIndex)].map(([exit, alike]) => [
      exit,
      medianOf(alike.map(({ computeMs }) => computeMs)),
    ]),
  );
  return samples.map(({ computeMs, exitIndex }) => Math.log(computeMs / (medians.get(exitIndex) ?? 1)));
}

/** Two halves of one bell lie 2.7 apart in these units, of a flat distribution 3.5. */
const CLEARLY_APART = 5;

/**
 * The best division into two groups, if they lie clearly apart and both are frequent.
 * @source Ashman, Bird, Zepf 1994 (the distance D); the division is Otsu's, of least variance within
 */
function secondLevel(logs: readonly number[]): number | null {
  const sorted = Float64Array.from(logs).sort();
  const n = sorted.length;
  const fewest = Math.ceil(0.15 * n);
  const total = sorted.reduce((sum, value) => sum + value, 0);
  let below = 0;
  let [bestGain, cut] = [0, 0];
  for (let at = 1; at <= n - fewest; at++) {
    below += sorted[at - 1] as number;
    const gain = below ** 2 / at + (total - below) ** 2 / (n - at);
    if (at >= fewest && gain > bestGain) [bestGain, cut] = [gain, at];
  }
  if (cut === 0) return null;
  const [low, high] = [sorted.subarray(0, cut), sorted.subarray(cut)];
  const difference = quantileOfSorted(high, 0.5) - quantileOfSorted(low, 0.5);
  const within = Math.max(Math.hypot(spreadOf(low), spreadOf(high)), 0.005);
  return difference > 0.05 && (Math.SQRT2 * difference) / within > CLEARLY_APART
    ? Math.exp(difference)
    : null;
}

function spreadOf(sorted: Float64Array): number {
  return (quantileOfSorted(sorted, 0.84) - quantileOfSorted(sorted, 0.16)) / 2;
}
