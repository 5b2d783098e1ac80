import { latencyMsOf, timedSamples } from '../metrics.ts';
import { summarise } from '../statistics/summary.ts';
import type { Trial } from '../trial.ts';
import { roundMedians } from './rounds.ts';

interface Precision {
  readonly rounds: number;
  readonly halfWidth: number;
}

/** Trials are facts that never change, and progress asks often. */
const known = new WeakMap<Trial, Precision>();

/**
 * Rounds after which the interval is likely to be that narrow, as it shrinks with the root of their number; at most
 * those it has where it is.
 */
export function roundsToSettle(trial: Trial, wanted: number): number {
  const { rounds, halfWidth: width } = precisionOf(trial);
  if (width <= wanted) return rounds;
  const expected = width === Infinity ? 0 : Math.ceil(rounds * (width / wanted) ** 2);
  return Math.max(rounds + 1, expected);
}

/**
 * How far the 95 % interval of the median latency reaches to its wider side, as a share of the median; Infinity where
 * the samples are too few to tell.
 *
 * Samples of one visit are alike, so an interval over all samples is too narrow: that of the medians of the rounds is
 * looked at, too, and the wider one counts.
 */
function precisionOf(trial: Trial): Precision {
  const kept = known.get(trial);
  if (kept) return kept;
  const medians = roundMedians(trial).map(({ medianMs }) => medianMs);
  const halfWidth = Math.max(halfWidthOf(timedSamples(trial).map(latencyMsOf)), halfWidthOf(medians));
  const precision = { rounds: medians.length, halfWidth };
  known.set(trial, precision);
  return precision;
}

function halfWidthOf(values: readonly number[]): number {
  const summary = summarise(values);
  if (!summary?.medianInterval95) return Infinity;
  const { median, medianInterval95: interval } = summary;
  // Where the clock is coarse all times may be the same, zero included.
  if (interval[0] === interval[1]) return 0;
  return Math.max(interval[1] - median, median - interval[0]) / median;
}
