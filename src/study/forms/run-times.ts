import { quantileOfSorted } from '../statistics/summary.ts';

/** Median and quartiles of some runs, in milliseconds. */
export interface RunTimes {
  readonly medianMs: number;
  readonly lowMs: number;
  readonly highMs: number;
  readonly runs: number;
}

/** @param timesMs at least one */
export function runTimesOf(timesMs: readonly number[]): RunTimes {
  const sorted = Float64Array.from(timesMs).sort();
  const at = (share: number) => quantileOfSorted(sorted, share);
  return { medianMs: at(0.5), lowMs: at(0.25), highMs: at(0.75), runs: timesMs.length };
}

/** How far the median may be off, in units of itself: half its 95 % interval. */
export function uncertaintyOfRuns({ medianMs, lowMs, highMs, runs }: RunTimes): number {
  return (NOTCH * (highMs - lowMs)) / (medianMs * Math.sqrt(runs));
}

/** @source McGill, Tukey and Larsen 1978: notches of box plots */
export const NOTCH = 1.57;

/** How well medians are to be known before timing ends early. */
const WELL_KNOWN = 0.03;

export function areWellKnown(all: readonly (readonly number[])[]): boolean {
  return all.every((timesMs) => uncertaintyOfRuns(runTimesOf(timesMs)) <= WELL_KNOWN);
}
