import { formatShare } from '../../base/units.ts';
import type { DeviceEvent, Trial } from '../trial.ts';
import type { Drift } from './drift.ts';
import { interferenceWarnings } from './interference.ts';

/** What was odd about measuring a trial, in sentences; empty if nothing was. */
export function measuringNotes(trial: Trial): readonly string[] {
  return [...warmUpNotes(trial), ...interferenceWarnings(trial), ...eventNotes(trial.events ?? [])];
}

function warmUpNotes({ warmUps = [] }: Trial): readonly string[] {
  const restless = warmUps.filter(({ state }) => state === 'never-steady');
  if (restless.length === 0) return [];
  const runs = Math.max(...restless.map((warmUp) => warmUp.runs));
  return [
    warmUps.length === 1
      ? `Latency never got steady in ${runs} warm-up runs: its first rounds may be slower or faster than the rest.`
      : `Latency never got steady in ${restless.length} of ${warmUps.length} warm-ups of up to ${runs} runs.`,
  ];
}

function eventNotes(events: readonly DeviceEvent[]): readonly string[] {
  const notes: string[] = [];
  const pressed = events.filter(
    (event) => event.kind === 'pressure' && (event.state === 'serious' || event.state === 'critical'),
  );
  if (pressed.length > 0)
    notes.push(`The browser called the CPU overloaded ${timesText(pressed.length)} while this ran.`);
  const battery = events.filter((event) => event.kind === 'battery');
  const changes = battery.filter((event, at) => at > 0 && event.charging !== battery[at - 1]?.charging);
  if (changes.length > 0)
    notes.push('The charger was plugged in or out while this ran; many devices change their speed then.');
  const low = battery.find(({ level, charging }) => level <= 0.2 && !charging);
  if (low)
    notes.push(`The battery was at ${formatShare(low.level)} and not charging; many devices slow down then.`);
  return notes;
}

function timesText(count: number): string {
  return count === 1 ? 'once' : `${count} times`;
}

/** What the reference tells of the device over the time of a study, in one sentence. */
export function driftSentence(drift: Drift): string {
  const { reference, visits, levels, throttled, slopePerHour, leastChange, state } = drift;
  const name = reference.strategy.name;
  switch (state) {
    case 'unknown':
      return `${name} was visited ${timesText(visits.length)}: too few to tell whether the device changed.`;
    case 'restless':
      return `Other work disturbed the device: times of ${name}, visited ${timesText(visits.length)}, went up and down so much that only a lasting change by more than ${formatShare(leastChange)} could be told from that.`;
    case 'steady':
      return `The device was equally fast all the time: ${name} was visited ${timesText(visits.length)}, without a change that is more than noise; one by ${formatShare(leastChange)} would have been told.`;
    case 'drifting': {
      const ratios = levels.map(({ ratio }) => ratio);
      const range = Math.max(...ratios) / Math.min(...ratios) - 1;
      return `The device changed by ${formatShare(range)} while it was measured, over ${levels.length} levels of ${name}${trendText(slopePerHour)}; times corrected for that stand beside the raw ones.`;
    }
    case 'throttled':
      return `The device was throttled, or other work went on to the end: at last ${name} took ${formatShare((throttled?.ratio ?? 1) - 1)} longer than at its fastest; times corrected for that stand beside the raw ones.`;
  }
}

function trendText(slopePerHour: number): string {
  return Math.abs(slopePerHour) < 0.01
    ? ''
    : `, ${formatShare(Math.abs(slopePerHour))} ${slopePerHour > 0 ? 'slower' : 'faster'} per hour`;
}
