import { unreachable } from '../../base/assert.ts';
import { formatMs } from '../../base/units.ts';
import type { Run } from '../../store/study-slice.ts';
import type { StudyProgress } from '../../study/progress.ts';

/** What a run is doing, in a few words: `int8 · round 2 of 5`. */
export function runText({ progress, isPaused }: Run): string {
  if (progress === null) return 'Preparing';
  const step = stepText(progress);
  return isPaused && progress.step !== 'paused' ? `${step} · pausing` : step;
}

function stepText({ step, strategy, round, rounds, images, share }: StudyProgress): string {
  switch (step) {
    case 'preparing':
      return 'Preparing';
    case 'comparing-forms':
      return `${strategy} · comparing forms on this device, ${Math.round(100 * (share ?? 0))} %`;
    case 'calibrating':
      return `${strategy} · calibrating${images ? `, ${images.done} of ${images.total} images` : ''}`;
    case 'looking-at-channels':
      return `${strategy} · looking at channels${images ? `, ${images.done} of ${images.total} images` : ''}`;
    case 'training-exits':
      return `${strategy} · training exits${images ? `, ${images.done} of ${images.total} images` : ''}`;
    case 'building':
      return `Building ${strategy}`;
    case 'loading':
      return `Loading ${strategy}`;
    case 'warming-up':
      return `Warming up ${strategy}`;
    case 'predicting':
      return `${strategy} · accuracy`;
    case 'measuring':
      return `${strategy} · round ${(round ?? 0) + 1} of ${rounds}`;
    case 'compressing':
      return `${strategy} · compressing to learn the gzipped size`;
    case 'paused':
      return 'Paused';
    default:
      return unreachable(step);
  }
}

/** Time left for people; empty while unknown. */
export function timeLeftText({ progress }: Run): string {
  if (progress?.remainingMs == null) return '';
  const seconds = Math.round(progress.remainingMs / 1000);
  if (seconds < 1) return 'less than a second left';
  return `${seconds < 60 ? `${seconds} s` : formatMs(1000 * seconds)} left`;
}

/** Share of the work that is done; null at the start. */
export function runShare({ progress }: Run): number | null {
  if (progress === null || progress.totalInferences === 0) return null;
  return progress.doneInferences / progress.totalInferences;
}
