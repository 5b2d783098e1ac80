import { speedUps } from '../compare/speed-up.ts';
import { batterySharePerHour } from '../measuring/battery-use.ts';
import { driftByDevice } from '../measuring/drift.ts';
import { defaultQualityAxis } from '../metrics.ts';
import { frontOfTrials } from '../pareto.ts';
import type { Trial } from '../trial.ts';
import { tableCsv } from './column.ts';
import { SAMPLE_COLUMNS, segmentColumn } from './sample-columns.ts';
import { TRIAL_COLUMNS } from './trial-columns.ts';

/** trials.csv as text: UTF-8, RFC 4180, decimal points, one header line. */
export function trialsCsv(trials: readonly Trial[]): string {
  const front = new Set(frontOfTrials(trials, ['latencyMedianMs', defaultQualityAxis(trials)]));
  const sharePerHour = batterySharePerHour(trials);
  const fasterBy = speedUps(trials);
  return tableCsv(
    TRIAL_COLUMNS,
    trials.map((trial) => ({
      trial,
      isOnFront: front.has(trial),
      batterySharePerHour: sharePerHour,
      speedUp: fasterBy.get(trial),
    })),
  );
}

/** samples.csv as text, in order of execution. */
export function samplesCsv(trials: readonly Trial[]): string {
  const driftOf = driftByDevice(trials);
  const rows = trials
    .flatMap((trial) => {
      const drift = driftOf(trial);
      return trial.samples.map((sample) => ({ trial, sample, drift }));
    })
    .sort((a, b) => a.sample.sequence - b.sample.sequence);
  const segments = rows.reduce((most, { sample }) => Math.max(most, sample.segmentMs.length), 1);
  const columns = [
    ...SAMPLE_COLUMNS,
    ...Array.from({ length: segments }, (_, index) => segmentColumn(index)),
  ];
  return tableCsv(columns, rows);
}
