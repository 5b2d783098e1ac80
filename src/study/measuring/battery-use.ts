import type { DeviceEvent, Trial } from '../trial.ts';

/** The charge is told in steps of a hundredth: less than two of them is nothing but rounding. */
const LEAST_DROP = 0.02;

/**
 * Share of the battery's charge that went in an hour while a study ran and the device was not charging; coarse, since
 * it holds the screen and all else that ran.
 * @returns null where the browser told nothing, or too little charge went
 */
export function batterySharePerHour(trials: readonly Trial[]): number | null {
  const told = trials
    .flatMap(({ events }) => events ?? [])
    .filter((event): event is Extract<DeviceEvent, { kind: 'battery' }> => event.kind === 'battery')
    .sort((a, b) => a.atMs - b.atMs);
  let [drop, spentMs] = [0, 0];
  for (const [at, event] of told.entries()) {
    const before = told[at - 1];
    if (!before || before.charging || event.level > before.level) continue;
    drop += before.level - event.level;
    spentMs += event.atMs - before.atMs;
  }
  // Sums of hundredths are a little less than they should be.
  return drop > LEAST_DROP - 1e-9 && spentMs > 0 ? (drop * 3_600_000) / spentMs : null;
}

/**
 * Percent of the battery for a thousand inferences that follow each other without rest, from what an hour takes: coarse,
 * as it takes all strategies to draw the same power.
 * @param totalMs of one inference, decode to answer
 */
export function batteryPercentPerThousand(sharePerHour: number, totalMs: number): number {
  return (100 * sharePerHour * 1000 * totalMs) / 3_600_000;
}
