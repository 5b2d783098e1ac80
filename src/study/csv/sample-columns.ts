import { correctedLatencyMs, deviceRatioAt, type Drift } from '../measuring/drift.ts';
import { tierMsOf } from '../placement/tier-sources.ts';
import { TIERS } from '../placement/tiers.ts';
import type { Sample, Trial } from '../trial.ts';
import { type Column, ms, rounded } from './column.ts';

export interface SampleRow {
  readonly trial: Trial;
  readonly sample: Sample;
  /** Of the device that ran it; null or left out: not told. */
  readonly drift?: Drift | null;
}

/** samples.csv: a row per timed inference; columns of segments follow these, see `samplesCsv`. */
export const SAMPLE_COLUMNS: readonly Column<SampleRow>[] = [
  { name: 'trial_id', description: 'The trial, as in trials.csv', cell: ({ trial }) => trial.id },
  { name: 'strategy', description: 'Name of the strategy', cell: ({ trial }) => trial.strategy.name },
  {
    name: 'sequence',
    description: 'Order of execution over the whole study, from 0',
    cell: ({ sample }) => sample.sequence,
  },
  { name: 'round', description: 'Round, from 0', cell: ({ sample }) => sample.round },
  {
    name: 'warm_up',
    description: 'Whether it belongs to the warm-up, which no statistic uses',
    cell: ({ sample }) => sample.warmUp,
  },
  {
    name: 'reference',
    description: 'Whether it only shows how the device changes; no statistic of the trial uses it',
    cell: ({ sample }) => sample.reference === true,
  },
  {
    name: 'started_at_ms',
    description: 'Unix time of the start, in milliseconds',
    cell: ({ sample }) => ms(sample.startedAtMs),
  },
  {
    name: 'image_index',
    description: 'Image, by its position in the dataset, from 0',
    cell: ({ sample }) => sample.imageIndex,
  },
  {
    name: 'exit_index',
    description: 'Exit taken, from 0; empty for models with one output',
    cell: ({ sample }) => sample.exitIndex,
  },
  { name: 'decode_ms', description: 'Decoding the image', cell: ({ sample }) => ms(sample.decodeMs) },
  {
    name: 'preprocess_ms',
    description: 'From pixels to the input tensor',
    cell: ({ sample }) => ms(sample.preprocessMs),
  },
  {
    name: 'compute_ms',
    description: 'All segments that ran and the decisions between them: the latency of the front',
    cell: ({ sample }) => ms(sample.computeMs),
  },
  {
    name: 'postprocess_ms',
    description: 'From the output tensor to classes',
    cell: ({ sample }) => ms(sample.postprocessMs),
  },
  { name: 'total_ms', description: 'From decode to classes', cell: ({ sample }) => ms(sample.totalMs) },
  {
    name: 'emulated_decode_ms',
    description:
      'Decoding where the image is prepared, calculated; empty, as the next ones, if nothing is emulated',
    cell: ({ sample }) => ms(sample.emulated?.decodeMs ?? null),
  },
  {
    name: 'emulated_preprocess_ms',
    description: 'Preparing the input there, calculated',
    cell: ({ sample }) => ms(sample.emulated?.preprocessMs ?? null),
  },
  {
    name: 'emulated_compute_ms',
    description: "Compute on the placement's tiers, calculated",
    cell: ({ sample }) => ms(sample.emulated?.computeMs ?? null),
  },
  ...TIERS.map((tier) => ({
    name: `emulated_${tier}_ms`,
    description: `Compute on the ${tier} tier`,
    cell: ({ trial, sample }: SampleRow) => ms(tierMsOf(trial.strategy, sample, tier) ?? null),
  })),
  {
    name: 'emulated_transfer_bytes',
    description: 'Bytes sent between tiers',
    cell: ({ sample }) => sample.emulated?.transferBytes ?? null,
  },
  {
    name: 'emulated_transfer_ms',
    description: 'Time of sending them, jitter included, calculated',
    cell: ({ sample }) => ms(sample.emulated?.transferMs ?? null),
  },
  {
    name: 'emulated_postprocess_ms',
    description: 'From the output tensor to classes where the answer is made, calculated',
    cell: ({ sample }) => ms(sample.emulated?.postprocessMs ?? null),
  },
  {
    name: 'emulated_total_ms',
    description: 'From decode to classes on the placement, calculated',
    cell: ({ sample }) => ms(sample.emulated?.totalMs ?? null),
  },
  {
    name: 'device_ratio',
    description:
      'How much slower the device was then than in the middle of the study, told by the reference; 1: no change, empty: not told',
    cell: ({ sample, drift }) => (drift ? rounded(deviceRatioAt(drift, sample.startedAtMs), 6) : null),
  },
  {
    name: 'corrected_latency_ms',
    description:
      'Latency (compute, emulated where a placement is, with what is sent) had the device not changed; empty if that is not told',
    cell: ({ sample, drift }) => (drift ? ms(correctedLatencyMs(drift, sample)) : null),
  },
];

/** The columns after `SAMPLE_COLUMNS`, one for each segment of the longest variant. */
export function segmentColumn(segment: number): Column<SampleRow> {
  return {
    name: `segment_${segment}_ms`,
    description: `Compute of segment ${segment}; empty if an earlier exit was taken`,
    cell: ({ sample }) => ms(sample.segmentMs[segment] ?? null),
  };
}
