import { latencyMsOf, timedSamples, trialMetrics } from '../metrics.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample, Trial } from '../trial.ts';
import { type Column, ms, rounded } from './column.ts';
import { measureColumns } from './measure-columns.ts';
import type { TrialRow } from './trial-columns.ts';

/** How long an inference takes, its parts, and what had been expected. */
export const TIMING_COLUMNS: readonly Column<TrialRow>[] = [
  ...measureColumns(
    'latency_median_ms',
    'Median compute time of an inference, with what it sends',
    'latencyMedianMs',
  ),
  ...measureColumns(
    'latency_mean_ms',
    'Mean compute time of an inference, with what it sends',
    'latencyMeanMs',
  ),
  {
    name: 'predicted_latency_mean_ms',
    description: 'Mean compute time expected before it ran; empty if nothing was expected',
    cell: ({ trial }) => ms(trial.predicted?.latencyMeanMs ?? null),
  },
  {
    name: 'predicted_total_mean_ms',
    description: 'Mean time from decode to classes expected before it ran',
    cell: ({ trial }) => ms(trial.predicted?.totalMeanMs ?? null),
  },
  {
    name: 'predicted_from',
    description:
      'What the expected times rest on: `nodes` (each node measured on this device), `whole-model` (its time shared out by MACs) or `exit-pass` (all exits run once)',
    cell: ({ trial: { predicted } }) => (predicted ? (predicted.basis ?? 'exit-pass') : null),
  },
  {
    name: 'predicted_top1',
    description: 'Top-1 accuracy expected before it ran',
    cell: ({ trial }) => rounded(trial.predicted?.accuracyTop1 ?? null, 6),
  },
  {
    name: 'predicted_agreement',
    description: 'Agreement with the final exit expected before it ran',
    cell: ({ trial }) => rounded(trial.predicted?.agreement ?? null, 6),
  },
  ...measureColumns('latency_p90_ms', '90th percentile of the same', 'latencyP90Ms'),
  {
    name: 'latency_min_ms',
    description: 'The least of them',
    cell: ({ trial }) => ms(summarise(timedSamples(trial).map(latencyMsOf))?.min ?? null),
  },
  {
    name: 'speed_up',
    description:
      'How many times as fast as the unchanged model, told as in comparisons.csv; 1 for that, empty where it was not measured',
    cell: ({ speedUp }) => rounded(speedUp?.measure.value ?? null, 6),
  },
  {
    name: 'speed_up_low',
    description: 'Lower end of its 95 % interval',
    cell: ({ speedUp }) => rounded(speedUp?.measure.low ?? null, 6),
  },
  {
    name: 'speed_up_high',
    description: 'Upper end of its 95 % interval',
    cell: ({ speedUp }) => rounded(speedUp?.measure.high ?? null, 6),
  },
  {
    name: 'speed_up_over',
    description:
      'The unchanged model that speed_up is over: at the same place, else where its first part runs, else on this device alone',
    cell: ({ speedUp }) => speedUp?.over.strategy.name ?? null,
  },
  {
    name: 'decode_median_ms',
    description: 'Median time to decode an image',
    cell: ({ trial }) => medianMs(trial, (sample) => sample.decodeMs),
  },
  {
    name: 'preprocess_median_ms',
    description: 'Median time from pixels to the input tensor',
    cell: ({ trial }) => medianMs(trial, (sample) => sample.preprocessMs),
  },
  {
    name: 'postprocess_median_ms',
    description: 'Median time from the output tensor to classes',
    cell: ({ trial }) => medianMs(trial, (sample) => sample.postprocessMs),
  },
  {
    name: 'total_median_ms',
    description: 'Median time from decode to classes',
    cell: ({ trial }) => ms(trialMetrics(trial).totalMedianMs?.value ?? null),
  },
];

function medianMs(trial: Trial, timing: (sample: Sample) => number): number | null {
  return ms(summarise(timedSamples(trial).map(timing))?.median ?? null);
}
