import { speedUps } from './compare/speed-up.ts';
import { type AxisId, type Measure, timedSamples, trialMetrics } from './metrics.ts';
import { summarise } from './statistics/summary.ts';
import type { Trial } from './trial.ts';

/** What the table of results can show of a trial: its metrics, and what others or the placement add. */
export type TableColumn = AxisId | OtherColumn;
export type OtherColumn = 'predicted' | 'speedUp' | 'compressionMs' | 'transferBytes';

/** What a column tells of each trial; null where that is not known. @param trials those of the study */
export function columnMeasure(
  column: TableColumn,
  trials: readonly Trial[],
): (trial: Trial) => Measure | null {
  switch (column) {
    case 'predicted':
      return ({ predicted }) => exactly(predicted?.latencyMeanMs ?? null);
    case 'compressionMs':
      return (trial) => exactly(compressionMs(trial));
    case 'transferBytes':
      return (trial) => exactly(transferBytes(trial));
    case 'speedUp': {
      const all = speedUps(trials);
      return (trial) => all.get(trial)?.measure ?? null;
    }
    default:
      return (trial) => trialMetrics(trial)[column];
  }
}

/** Making the files, and learning what that needs; null if they were not made. */
export function compressionMs({
  buildMs,
  calibrationMs,
  trainingMs,
}: Pick<Trial, 'buildMs' | 'calibrationMs' | 'trainingMs'>): number | null {
  return buildMs === null ? null : buildMs + (calibrationMs ?? 0) + (trainingMs ?? 0);
}

/** Median of what an inference sends between tiers; null if nothing is emulated. */
export function transferBytes(trial: Trial): number | null {
  const sent = timedSamples(trial).flatMap(({ emulated }) => emulated?.transferBytes ?? []);
  return summarise(sent)?.median ?? null;
}

function exactly(value: number | null): Measure | null {
  return value === null ? null : { value, low: value, high: value };
}
