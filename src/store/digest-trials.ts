import { trialMetrics } from '../study/metrics.ts';
import type { Trial } from '../study/trial.ts';
import { inSlices } from './in-slices.ts';

/** Derives what every view asks of trials before they are shown: of many samples that takes long. */
export async function digestTrials(trials: readonly Trial[]): Promise<void> {
  await inSlices(digesting(trials));
}

function* digesting(trials: readonly Trial[]): Generator<void, void, void> {
  for (const trial of trials) {
    // Kept with the trial.
    trialMetrics(trial);
    yield;
  }
}
