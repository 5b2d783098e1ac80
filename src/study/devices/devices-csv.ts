import { type Column, ms, rounded, tableCsv } from '../csv/column.ts';
import type { Cell } from '../csv-text.ts';
import { type AxisId, isEmulatedTrial, timedSamples, trialMetrics } from '../metrics.ts';
import { frontOfTrials } from '../pareto.ts';
import type { Trial } from '../trial.ts';
import type { AcrossDevices, DeviceRow, DeviceTable } from './device-table.ts';
import type { DeviceRun } from './device-runs.ts';
import { qualityAxisOf } from './quality-axis.ts';

interface DevicesRow {
  readonly comparison: number;
  readonly row: DeviceRow;
  readonly run: DeviceRun;
  readonly trial: Trial;
  /** Among the strategies that all devices of the comparison have; null for others. */
  readonly rank: number | null;
  readonly isOnFront: boolean;
}

/** devices.csv: a row per strategy and device. */
export const DEVICES_COLUMNS: readonly Column<DevicesRow>[] = [
  {
    name: 'comparison',
    description:
      'Counts from 1; rows of different ones have other images or another protocol, and do not compare',
    cell: ({ comparison }) => comparison,
  },
  {
    name: 'strategy',
    description:
      'Name of the strategy on the first device; the same name: the same model, recipe and placement',
    cell: ({ row }) => row.name,
  },
  { name: 'device', description: 'Name of the device', cell: ({ run }) => run.name },
  { name: 'study', description: 'Name of its study', cell: ({ run }) => run.study.name },
  { name: 'study_id', description: 'Identifies the study', cell: ({ run }) => run.study.id },
  {
    name: 'trial_id',
    description: 'The trial, as in trials.csv of that study',
    cell: ({ trial }) => trial.id,
  },
  { name: 'model', description: 'File name of the model', cell: ({ trial }) => trial.modelName },
  { name: 'model_id', description: 'Fingerprint of the model', cell: ({ trial }) => trial.strategy.modelId },
  {
    name: 'recipe',
    description: 'The recipe as JSON',
    cell: ({ trial }) => JSON.stringify(trial.strategy.recipe),
  },
  {
    name: 'placement',
    description: 'Tiers that run it; empty: this device alone',
    cell: ({ trial }) => trial.strategy.placement?.name ?? null,
  },
  { name: 'dataset', description: 'Name of the images', cell: ({ trial }) => trial.datasetName },
  { name: 'dataset_id', description: 'Hash of the images', cell: ({ trial }) => trial.datasetId },
  { name: 'provider', description: 'Where it ran there', cell: ({ trial }) => trial.strategy.provider },
  {
    name: 'threads',
    description: 'CPU threads asked for there',
    cell: ({ trial }) => trial.strategy.threads,
  },
  {
    name: 'emulated',
    description: 'Whether latencies are calculated for a placement instead of measured',
    cell: ({ trial }) => isEmulatedTrial(trial),
  },
  { name: 'samples', description: 'Timed inferences', cell: ({ trial }) => timedSamples(trial).length },
  ...measureColumns('latencyMedianMs', 'latency_median_ms', 'Median latency', ms),
  metric('latencyP90Ms', 'latency_p90_ms', '90th percentile of the latency', ms),
  {
    name: 'latency_rank',
    description:
      'Place by median latency among the strategies that every device of the comparison has, from 1; empty for others',
    cell: ({ rank }) => rank,
  },
  {
    name: 'on_front',
    description:
      'Whether it is on the front of its device: accuracy (agreement without labels) against latency',
    cell: ({ isOnFront }) => isOnFront,
  },
  ...measureColumns('accuracyTop1', 'accuracy_top1', 'Top-1 accuracy', share),
  metric('agreement', 'agreement', 'Share of images classified as the unchanged model does', share),
  {
    name: 'images_answered',
    description: 'Images that all devices with this strategy answered; empty where fewer than two did',
    cell: ({ row }) => row.answers?.images ?? null,
  },
  {
    name: 'images_differing',
    description: 'Of these, images on which devices name different classes',
    cell: ({ row }) => row.answers?.differing ?? null,
  },
  metric('rawBytes', 'raw_bytes', 'Size of the ONNX files'),
  metric('heapBytes', 'heap_bytes', 'Largest WASM heap of the worker that ran it'),
  { name: 'user_agent', description: 'Browser and system', cell: ({ run }) => run.environment.userAgent },
  {
    name: 'cores',
    description: 'Logical cores of the device',
    cell: ({ run }) => run.environment.hardwareConcurrency,
  },
  {
    name: 'runtime_version',
    description: 'Version of onnxruntime-web',
    cell: ({ run }) => run.environment.runtimeVersion,
  },
];

/** devices.csv as text. */
export function devicesCsv({ tables }: AcrossDevices): string {
  return tableCsv(
    DEVICES_COLUMNS,
    tables.flatMap((table, at) => rowsOf(table, at + 1)),
  );
}

function rowsOf(table: DeviceTable, comparison: number): readonly DevicesRow[] {
  const { rows, runs } = table;
  const quality = qualityAxisOf(table);
  const columns = runs.map((run, column) => ({
    run,
    column,
    ranks: ranksOf(table, column),
    front: new Set(
      frontOfTrials(
        rows.flatMap(({ trials }) => trials[column] ?? []),
        ['latencyMedianMs', quality],
      ),
    ),
  }));
  return rows.flatMap((row) =>
    columns.flatMap(({ run, column, ranks, front }) => {
      const trial = row.trials[column];
      if (!trial) return [];
      return [{ comparison, row, run, trial, rank: ranks.get(row) ?? null, isOnFront: front.has(trial) }];
    }),
  );
}

/** Places of the strategies that all devices have, on one of them; equals share the better place. */
export function ranksOf({ rows }: DeviceTable, column: number): ReadonlyMap<DeviceRow, number> {
  const common = rows.flatMap((row) => {
    const trial = row.trials[column];
    const latency = trial && trialMetrics(trial).latencyMedianMs;
    return latency && row.trials.every((each) => each !== null) ? [{ row, latencyMs: latency.value }] : [];
  });
  return new Map(
    common.map(({ row, latencyMs }) => [
      row,
      1 + common.filter((other) => other.latencyMs < latencyMs).length,
    ]),
  );
}

type Rounding = (value: number | null) => Cell;

function metric(
  axis: AxisId,
  name: string,
  description: string,
  round: Rounding = (value) => value,
): Column<DevicesRow> {
  return { name, description, cell: ({ trial }) => round(trialMetrics(trial)[axis]?.value ?? null) };
}

function measureColumns(
  axis: AxisId,
  name: string,
  description: string,
  round: Rounding,
): readonly Column<DevicesRow>[] {
  return [
    metric(axis, name, description, round),
    {
      name: `${name}_low`,
      description: 'Lower end of its 95 % interval',
      cell: ({ trial }) => round(trialMetrics(trial)[axis]?.low ?? null),
    },
    {
      name: `${name}_high`,
      description: 'Upper end of its 95 % interval',
      cell: ({ trial }) => round(trialMetrics(trial)[axis]?.high ?? null),
    },
  ];
}

function share(value: number | null): number | null {
  return rounded(value, 6);
}
