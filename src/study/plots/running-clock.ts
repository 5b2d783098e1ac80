import type { Trial } from '../trial.ts';

/** The time of a study that ran, without its pauses. */
export interface RunningClock {
  readonly minutes: number;
  /** Where it was interrupted, in minutes of running. */
  readonly pauses: readonly number[];
  /** Minutes of running until a Unix time in milliseconds. */
  readonly minutesAt: (atMs: number) => number;
}

/** Longer than this without any inference, and the time does not count as running. */
const pauseMs = 60_000;

/** Minutes of running since the first inference of any of these trials, which have some. */
export function* runningClock(trials: readonly Trial[]): Generator<void, RunningClock> {
  const starts = new Float64Array(trials.reduce((sum, { samples }) => sum + samples.length, 0));
  let filled = 0;
  for (const { samples } of trials) {
    for (const { startedAtMs } of samples) starts[filled++] = startedAtMs;
    yield;
  }
  starts.sort();
  yield;
  const first = starts[0] as number;
  const pauses: { readonly fromMs: number; readonly lostMs: number }[] = [];
  for (let at = 1; at < starts.length; at++) {
    const [before, after] = [starts[at - 1] as number, starts[at] as number];
    if (after - before > pauseMs) pauses.push({ fromMs: before, lostMs: after - before });
  }
  const minutesAt = (atMs: number): number => {
    let ranMs = atMs - first;
    for (const { fromMs, lostMs } of pauses) if (atMs > fromMs) ranMs -= Math.min(lostMs, atMs - fromMs);
    return Math.max(0, ranMs) / 60_000;
  };
  return {
    minutes: minutesAt(starts.at(-1) as number),
    pauses: pauses.map(({ fromMs }) => minutesAt(fromMs)),
    minutesAt,
  };
}
