import type { SpeedUp } from '../compare/speed-up.ts';
import type { Trial } from '../trial.ts';
import type { Column } from './column.ts';
import { DEVICE_COLUMNS } from './device-columns.ts';
import { MEASURING_COLUMNS } from './measuring-columns.ts';
import { OUTCOME_COLUMNS } from './outcome-columns.ts';
import { STRATEGY_COLUMNS } from './strategy-columns.ts';
import { TIMING_COLUMNS } from './timing-columns.ts';

export interface TrialRow {
  readonly trial: Trial;
  readonly isOnFront: boolean;
  /** Of the study; null or left out: not told. */
  readonly batterySharePerHour?: number | null;
  /** Over the unchanged model; left out: not told. */
  readonly speedUp?: SpeedUp | undefined;
}

/** trials.csv: a row per trial. */
export const TRIAL_COLUMNS: readonly Column<TrialRow>[] = [
  ...STRATEGY_COLUMNS,
  ...TIMING_COLUMNS,
  ...OUTCOME_COLUMNS,
  ...MEASURING_COLUMNS,
  ...DEVICE_COLUMNS,
];
