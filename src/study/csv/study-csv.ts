import { speedUpsInParts } from '../compare/speed-up.ts';
import { batterySharePerHour } from '../measuring/battery-use.ts';
import { type Drift, driftByDevice } from '../measuring/drift.ts';
import { defaultQualityAxis } from '../metrics.ts';
import { frontOfTrials } from '../pareto.ts';
import type { Sample, Trial } from '../trial.ts';
import { tableCsvInParts } from './column.ts';
import { SAMPLE_COLUMNS, type SampleRow, segmentColumn } from './sample-columns.ts';
import { TRIAL_COLUMNS } from './trial-columns.ts';

/** trials.csv as text: UTF-8, RFC 4180, decimal points, one header line. */
export function trialsCsv(trials: readonly Trial[]): string {
  return [...trialsCsvInParts(trials)].join('');
}

/** The same in parts, one after the other the whole text: of many samples it takes long. */
export function* trialsCsvInParts(trials: readonly Trial[]): Generator<string, void, void> {
  const front = new Set(frontOfTrials(trials, ['latencyMedianMs', defaultQualityAxis(trials)]));
  yield '';
  const sharePerHour = batterySharePerHour(trials);
  const fasterBy = yield* silently(speedUpsInParts(trials));
  const rows = trials.map((trial) => ({
    trial,
    isOnFront: front.has(trial),
    batterySharePerHour: sharePerHour,
    speedUp: fasterBy.get(trial),
  }));
  yield* tableCsvInParts(TRIAL_COLUMNS, rows, 1);
}

/** samples.csv as text, in order of execution. */
export function samplesCsv(trials: readonly Trial[]): string {
  return [...samplesCsvInParts(trials)].join('');
}

/** The same in parts, one after the other the whole text: there may be hundreds of thousands of samples. */
export function* samplesCsvInParts(trials: readonly Trial[]): Generator<string, void, void> {
  const driftOf = yield* silently(driftByDevice(trials));
  const segments = trials.reduce(
    (most, { samples }) => samples.reduce((more, { segmentMs }) => Math.max(more, segmentMs.length), most),
    1,
  );
  const columns = [
    ...SAMPLE_COLUMNS,
    ...Array.from({ length: segments }, (_, index) => segmentColumn(index)),
  ];
  yield* tableCsvInParts(columns, inOrder(trials, driftOf), 200);
}

/** Rows of all trials as they were executed; the samples of each one are in order already, or nearly. */
function* inOrder(
  trials: readonly Trial[],
  driftOf: (trial: Trial) => Drift | null,
): Generator<SampleRow, void, void> {
  const queues = trials.map((trial) => ({
    trial,
    drift: driftOf(trial),
    samples: trial.samples.toSorted((a, b) => a.sequence - b.sequence),
    next: 0,
  }));
  for (;;) {
    let first: (typeof queues)[number] | null = null;
    let sequence = Infinity;
    for (const queue of queues) {
      const sample = queue.samples[queue.next];
      if (!sample || sample.sequence >= sequence) continue;
      [first, sequence] = [queue, sample.sequence];
    }
    if (first === null) return;
    yield { trial: first.trial, drift: first.drift, sample: first.samples[first.next++] as Sample };
  }
}

/** Work as parts of a text that it adds nothing to. */
function* silently<T>(work: Generator<void, T, void>): Generator<string, T, void> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    yield '';
  }
}
