import type { TableColumn } from '../table-columns.ts';

/** Something that a preset tells of each strategy, and where it is found. */
export interface PresetMetric {
  /** For people. */
  readonly label: string;
  /** Shown in the table of the results, beside what that has anyway; left out: nothing more. */
  readonly columns?: readonly TableColumn[];
  /** Columns of trials.csv. */
  readonly csv: readonly string[];
}

const withInterval = (name: string): readonly string[] => [name, `${name}_low`, `${name}_high`];

/** What presets tell, each once. */
export const METRICS = {
  median: { label: 'median latency with its 95 % interval', csv: withInterval('latency_median_ms') },
  mean: {
    label: 'mean latency: total time divided by inferences',
    columns: ['latencyMeanMs'],
    csv: withInterval('latency_mean_ms'),
  },
  p90: {
    label: 'p90 latency with its 95 % interval',
    columns: ['latencyP90Ms'],
    csv: withInterval('latency_p90_ms'),
  },
  wholeWay: {
    label: 'latency from decode to answer',
    columns: ['totalMedianMs'],
    csv: ['total_median_ms'],
  },
  parts: {
    label: 'its parts',
    csv: [
      'decode_median_ms',
      'preprocess_median_ms',
      'compute_mobile_ms',
      'compute_edge_ms',
      'compute_cloud_ms',
      'transfer_ms',
      'postprocess_median_ms',
    ],
  },
  sent: { label: 'bytes sent between tiers', columns: ['transferBytes'], csv: ['transfer_bytes'] },
  speedUp: {
    label: 'speed-up over the original, with its 95 % interval',
    columns: ['speedUp'],
    csv: withInterval('speed_up'),
  },
  quality: { label: 'accuracy, or agreement without labels', csv: ['accuracy_top1', 'miou', 'agreement'] },
  repeatedAccuracy: {
    label: 'accuracy of each pass, and their mean',
    csv: ['accuracy_runs', 'accuracy_runs_mean'],
  },
  compression: {
    label: 'compression time, with calibration and without',
    columns: ['compressionMs', 'buildMs'],
    csv: ['compression_ms', 'build_ms', 'calibration_ms'],
  },
  preparing: {
    label: 'time of compressing, calibrating and training exits',
    columns: ['compressionMs'],
    csv: ['compression_ms', 'build_ms', 'calibration_ms', 'exit_training_ms'],
  },
  size: { label: 'size', csv: ['raw_bytes'] },
  gzipped: { label: 'size gzipped', columns: ['gzipBytes'], csv: ['gzip_bytes'] },
  sparse: { label: 'size in a sparse encoding', columns: ['sparseBytes'], csv: ['sparse_bytes'] },
  params: { label: 'parameters', columns: ['params'], csv: ['params'] },
  nonZero: { label: 'non-zero parameters', columns: ['nonZeroParams'], csv: ['non_zero_params'] },
  macs: { label: 'MACs', columns: ['macs'], csv: ['macs', 'expected_macs'] },
  memory: { label: 'memory', columns: ['heapBytes'], csv: ['heap_bytes'] },
  exits: { label: 'where images leave', csv: ['exit_shares'] },
  battery: { label: 'battery, where the browser tells it', csv: ['battery_percent_per_1000'] },
} as const satisfies Readonly<Record<string, PresetMetric>>;
