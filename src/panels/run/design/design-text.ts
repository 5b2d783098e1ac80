import { unreachable } from '../../../base/assert.ts';
import { formatMs } from '../../../base/units.ts';
import type { TimeBasis } from '../../../study/design/expected-time.ts';
import type { Protocol } from '../../../study/trial.ts';

/** A duration in whole seconds, for people. */
export function durationText(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return formatMs(1000 * seconds).replace(/ 0 s$/, '');
}

/** Between which a time likely is, of little precision. */
export function likelyText([lowMs, highMs]: readonly [number, number]): string {
  return `Likely ${durationText(roughly(lowMs))} to ${durationText(roughly(highMs))}.`;
}

/** A duration of two digits. */
function roughly(ms: number): number {
  const step = ms < 60_000 ? 1000 : ms < 600_000 ? 15_000 : 60_000;
  return Math.max(step, Math.round(ms / step) * step);
}

/** What expected times rest on, as a sentence. */
export function basisText(basis: TimeBasis, strategies: number): string {
  const of = strategies === 1 ? 'one strategy' : `${strategies} strategies`;
  switch (basis) {
    case 'measured':
      return `The time of ${of} was measured here.`;
    case 'predicted':
      return `The time of ${of} is told from profiled nodes.`;
    case 'tried':
      return `The time of ${of} is told from trying the unchanged model here for a second.`;
    case 'scaled':
      return `The time of ${of} is told from other trials here, by multiply-accumulates.`;
    case 'assumed':
      return `The time of ${of} is assumed, at 18 GMACs a second: nothing was measured here yet.`;
    default:
      return unreachable(basis);
  }
}

/** What was changed of a preset's protocol: `rounds 5 → 1`. */
export function changesOf(before: Protocol, after: Protocol): readonly string[] {
  const names: readonly (readonly [string, (protocol: Protocol) => string | number])[] = [
    ['warm-up', ({ warmUpRuns }) => warmUpRuns],
    ['rounds', ({ rounds }) => rounds],
    [
      'inferences per round',
      ({ perRound, samplesPerRound }) => (perRound === 'all-images' ? '' : samplesPerRound),
    ],
    ['images', ({ images }) => images?.count ?? 'all'],
    ['images for accuracy', ({ accuracyImages }) => accuracyImages ?? 'all'],
    ['accuracy passes', ({ accuracyRepetitions }) => accuracyRepetitions ?? 1],
    ['minutes of timing', ({ stopping }) => (stopping ? stopping.budgetMs / 60_000 : 'no limit')],
  ];
  return names.flatMap(([name, value]) =>
    value(before) === value(after) ? [] : [`${name} ${value(before)} → ${value(after)}`],
  );
}
