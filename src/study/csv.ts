import { type Cell, csvText } from './csv-text.ts';
import {
  defaultQualityAxis,
  exitShares,
  isEmulatedTrial,
  latencyMsOf,
  type Measure,
  timedSamples,
  trialMetrics,
} from './metrics.ts';
import { frontOfTrials } from './pareto.ts';
import { recipeLetters } from '../transforms/recipe-name.ts';
import { tierMsOf, tierSources } from './placement/tier-sources.ts';
import { TIERS, tiersOfPlacement } from './placement/tiers.ts';
import { summarise } from './statistics/summary.ts';
import type { Sample, Trial } from './trial.ts';

/** One documented column. */
export interface Column<Row> {
  readonly name: string;
  /** For the README. */
  readonly description: string;
  readonly cell: (row: Row) => Cell;
}

interface TrialRow {
  readonly trial: Trial;
  readonly isOnFront: boolean;
}

interface SampleRow {
  readonly trial: Trial;
  readonly sample: Sample;
}

/** trials.csv: a row per trial. */
export const TRIAL_COLUMNS: readonly Column<TrialRow>[] = [
  {
    name: 'trial_id',
    description: 'Identifies the trial; samples.csv refers to it',
    cell: ({ trial }) => trial.id,
  },
  { name: 'strategy', description: 'Name of the strategy', cell: ({ trial }) => trial.strategy.name },
  {
    name: 'combination',
    description: 'What it combines: Q quantized, E early exit, P partition, pruned; or identity',
    cell: ({ trial }) => recipeLetters(trial.strategy.recipe),
  },
  {
    name: 'recipe',
    description: 'The recipe as JSON',
    cell: ({ trial }) => JSON.stringify(trial.strategy.recipe),
  },
  {
    name: 'provider',
    description: 'Where it ran: wasm, webgpu or webnn',
    cell: ({ trial }) => trial.strategy.provider,
  },
  { name: 'threads', description: 'CPU threads asked for', cell: ({ trial }) => trial.strategy.threads },
  {
    name: 'placement',
    description: 'Tiers that run it, in order of its parts; empty: this device alone',
    cell: ({ trial }) => trial.strategy.placement?.name ?? null,
  },
  {
    name: 'head_tier',
    description: 'Tier of the first part',
    cell: ({ trial }) => placedTiers(trial)[0] ?? null,
  },
  {
    name: 'tail_tier',
    description: 'Tier of the last part; empty if one tier runs all',
    cell: ({ trial }) => placedTiers(trial).slice(1).at(-1) ?? null,
  },
  {
    name: 'emulated',
    description:
      'Whether latencies and total are calculated from what was measured here (speed factors, links) instead of measured',
    cell: ({ trial }) => isEmulatedTrial(trial),
  },
  {
    name: 'transfer_bytes',
    description: 'Median bytes sent between tiers for an inference; empty if nothing is emulated',
    cell: ({ trial }) => medianOf(trial, ({ emulated }) => emulated?.transferBytes),
  },
  {
    name: 'transfer_ms',
    description: 'Median time of sending, emulated; part of the latency',
    cell: ({ trial }) => ms(medianOf(trial, ({ emulated }) => emulated?.transferMs)),
  },
  {
    name: 'tier_times',
    description:
      'Where the computing times of the tiers come from: this device, this device divided by a speed factor, or another device that ran the recipe or the nodes; empty if nothing is emulated',
    cell: ({ trial }) => (isEmulatedTrial(trial) ? tierSources(trial.strategy) : null),
  },
  ...TIERS.map((tier) => ({
    name: `compute_${tier}_ms`,
    description: `Median computing time on the ${tier} tier, emulated; part of the latency`,
    cell: ({ trial }: TrialRow) => ms(medianOf(trial, (sample) => tierMsOf(trial.strategy, sample, tier))),
  })),
  { name: 'model', description: 'File name of the model', cell: ({ trial }) => trial.modelName },
  {
    name: 'model_id',
    description: 'Fingerprint of the model',
    cell: ({ trial }) => trial.strategy.modelId,
  },
  {
    name: 'input_size',
    description: 'Height x width of the input that images become',
    cell: ({ trial: { preprocessing } }) => `${preprocessing.height}x${preprocessing.width}`,
  },
  { name: 'dataset', description: 'Name of the images', cell: ({ trial }) => trial.datasetName },
  { name: 'dataset_id', description: 'Hash of the images', cell: ({ trial }) => trial.datasetId },
  {
    name: 'protocol',
    description: 'How it was measured: quick, standard or custom',
    cell: ({ trial }) => trial.protocol.name,
  },
  {
    name: 'state',
    description: 'queued, running (unfinished), done or failed',
    cell: ({ trial }) => trial.state.kind,
  },
  {
    name: 'failure',
    description: 'Why it failed',
    cell: ({ trial }) => (trial.state.kind === 'failed' ? trial.state.message : null),
  },
  {
    name: 'on_front',
    description: 'Whether it is on the front of accuracy (agreement without labels) against median latency',
    cell: ({ isOnFront }) => isOnFront,
  },
  {
    name: 'started_at',
    description: 'Start, ISO 8601 in UTC',
    cell: ({ trial }) => isoTime(trial.startedAtMs),
  },
  {
    name: 'finished_at',
    description: 'End, ISO 8601 in UTC; empty if unfinished',
    cell: ({ trial }) => isoTime(trial.finishedAtMs),
  },
  {
    name: 'samples',
    description: 'Timed inferences, without the warm-up',
    cell: ({ trial }) => timedSamples(trial).length,
  },
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
  {
    name: 'images',
    description: 'Images of the accuracy pass',
    cell: ({ trial }) => trial.accuracy?.images ?? null,
  },
  {
    name: 'labelled_images',
    description: 'Images of these with a label',
    cell: ({ trial }) => trial.accuracy?.labelledImages ?? null,
  },
  ...measureColumns('accuracy_top1', 'Share of labelled images whose best class is right', 'accuracyTop1'),
  ...measureColumns(
    'accuracy_top5',
    'Share of labelled images with the right class in the best five',
    'accuracyTop5',
  ),
  ...measureColumns('agreement', 'Share of images classified as the unchanged model does', 'agreement'),
  {
    name: 'exit_shares',
    description:
      'Share of images that left at each exit, as `exit:share` separated by spaces; empty for models with one output',
    cell: ({ trial }) =>
      [...exitShares(trial)].map(([exitIndex, share]) => `${exitIndex}:${rounded(share, 4)}`).join(' '),
  },
  {
    name: 'macs',
    description: 'Multiply-accumulates of an inference that takes no early exit',
    cell: ({ trial }) => trial.size?.macs ?? null,
  },
  {
    name: 'expected_macs',
    description: 'Mean multiply-accumulates with the exits taken as in exit_shares',
    cell: ({ trial }) => {
      const macs = trialMetrics(trial).macs;
      return macs && Math.round(macs.value);
    },
  },
  { name: 'params', description: 'Parameters', cell: ({ trial }) => trial.size?.params ?? null },
  {
    name: 'non_zero_params',
    description: 'Parameters that are not zero',
    cell: ({ trial }) => trial.size?.nonZeroParams ?? null,
  },
  {
    name: 'raw_bytes',
    description: 'Size of the ONNX files',
    cell: ({ trial }) => trial.size?.rawBytes ?? null,
  },
  {
    name: 'gzip_bytes',
    description: 'Size of the ONNX files, each gzipped at level 6; empty if that was not measured',
    cell: ({ trial }) => trial.size?.gzipBytes ?? null,
  },
  {
    name: 'sparse_bytes',
    description:
      'Size of the ONNX files with each tensor in the smallest of: all numbers, a bitmap and the non-zero ones, 16-bit places and the non-zero ones; empty if that was not counted',
    cell: ({ trial }) => trial.size?.sparseBytes ?? null,
  },
  {
    name: 'build_ms',
    description: 'Compression time: making the files from the model',
    cell: ({ trial }) => ms(trial.buildMs),
  },
  {
    name: 'calibration_ms',
    description:
      'What looking at images to calibrate, rank or recalibrate added to it; shared by strategies that need the same. Empty if that was not needed',
    cell: ({ trial }) => ms(trial.calibrationMs ?? null),
  },
  {
    name: 'session_create_ms',
    description: 'Time to load the files into the runtime',
    cell: ({ trial }) => ms(trial.sessionCreateMs),
  },
  {
    name: 'heap_bytes',
    description: 'Largest WASM heap of the worker that ran it',
    cell: ({ trial }) => trial.heapBytes,
  },
  {
    name: 'user_agent',
    description: 'Browser and system',
    cell: ({ trial }) => trial.environment.userAgent,
  },
  {
    name: 'cores',
    description: 'Logical cores of the device',
    cell: ({ trial }) => trial.environment.hardwareConcurrency,
  },
  {
    name: 'cross_origin_isolated',
    description: 'Whether threads and the fine timer were available',
    cell: ({ trial }) => trial.environment.crossOriginIsolated,
  },
  {
    name: 'timer_resolution_us',
    description: 'Resolution of the timer, in microseconds',
    cell: ({ trial }) => trial.environment.timerResolutionUs,
  },
  {
    name: 'runtime_version',
    description: 'Version of onnxruntime-web',
    cell: ({ trial }) => trial.environment.runtimeVersion,
  },
  { name: 'warnings', description: 'What to know about it', cell: ({ trial }) => trial.warnings.join(' | ') },
];

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
];

/** The columns after `SAMPLE_COLUMNS`, one for each segment of the longest variant. */
export function segmentColumn(segment: number): Column<SampleRow> {
  return {
    name: `segment_${segment}_ms`,
    description: `Compute of segment ${segment}; empty if an earlier exit was taken`,
    cell: ({ sample }) => ms(sample.segmentMs[segment] ?? null),
  };
}

/** trials.csv as text: UTF-8, RFC 4180, decimal points, one header line. */
export function trialsCsv(trials: readonly Trial[]): string {
  const front = new Set(frontOfTrials(trials, ['latencyMedianMs', defaultQualityAxis(trials)]));
  return csv(
    TRIAL_COLUMNS,
    trials.map((trial) => ({ trial, isOnFront: front.has(trial) })),
  );
}

/** samples.csv as text, in order of execution. */
export function samplesCsv(trials: readonly Trial[]): string {
  const rows = trials
    .flatMap((trial) => trial.samples.map((sample) => ({ trial, sample })))
    .sort((a, b) => a.sample.sequence - b.sample.sequence);
  const segments = rows.reduce((most, { sample }) => Math.max(most, sample.segmentMs.length), 1);
  const columns = [
    ...SAMPLE_COLUMNS,
    ...Array.from({ length: segments }, (_, index) => segmentColumn(index)),
  ];
  return csv(columns, rows);
}

function csv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const header = columns.map(({ name }) => name);
  return csvText([header, ...rows.map((row) => columns.map(({ cell }) => cell(row)))]);
}

function measureColumns(
  name: string,
  description: string,
  axis: keyof ReturnType<typeof trialMetrics>,
): readonly Column<TrialRow>[] {
  const column = (suffix: string, what: string, part: keyof Measure): Column<TrialRow> => ({
    name: name + suffix,
    description: what,
    cell: ({ trial }) => rounded(trialMetrics(trial)[axis]?.[part] ?? null, 6),
  });
  return [
    column('', description, 'value'),
    column('_low', `Lower end of its 95 % interval`, 'low'),
    column('_high', `Upper end of its 95 % interval`, 'high'),
  ];
}

function placedTiers({ strategy }: Trial): readonly string[] {
  return strategy.placement ? tiersOfPlacement(strategy.placement.name) : [];
}

/** Null if no sample has it. */
function medianOf(trial: Trial, part: (sample: Sample) => number | undefined): number | null {
  const values = timedSamples(trial)
    .map(part)
    .filter((value) => value !== undefined);
  return summarise(values)?.median ?? null;
}

function medianMs(trial: Trial, timing: (sample: Sample) => number): number | null {
  return ms(summarise(timedSamples(trial).map(timing))?.median ?? null);
}

/** The timer resolves 5 µs at best: more digits would be noise. */
function ms(value: number | null): number | null {
  return rounded(value, 4);
}

function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}

function isoTime(unixMs: number | null): string | null {
  return unixMs === null ? null : new Date(unixMs).toISOString();
}
