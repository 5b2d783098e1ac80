import { recipeLetters } from '../../transforms/recipe-name.ts';
import { isEmulatedTrial, timedSamples } from '../metrics.ts';
import { tierMsOf, tierSources } from '../placement/tier-sources.ts';
import { TIERS, tiersOfPlacement } from '../placement/tiers.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample, Trial } from '../trial.ts';
import { type Column, ms } from './column.ts';
import type { TrialRow } from './trial-columns.ts';

/** What was measured, where, on what, and how far it got. */
export const STRATEGY_COLUMNS: readonly Column<TrialRow>[] = [
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
];

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

function isoTime(unixMs: number | null): string | null {
  return unixMs === null ? null : new Date(unixMs).toISOString();
}
