import { formatBytes, formatCount, formatShare } from '../base/units.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { differenceText, overlap } from './compare-trials.ts';
import { isEmulatedTrial, trialMetrics } from './metrics.ts';
import type { Trial } from './trial.ts';

/**
 * What zeros among the weights of a trial's recipe brought, in sentences: how many there are, how small the files can
 * be packed, and that latency stays, beside what was measured. None for recipes that set no single weights to zero.
 * @param trials those of the study, to find the same recipe without zeros
 */
export function sparsityTexts(trial: Trial, trials: readonly Trial[]): readonly string[] {
  const { recipe } = trial.strategy;
  const dense = recipe.filter((operator) => operator.op !== 'prune' || operator.kind !== 'unstructured');
  const { size } = trial;
  if (dense.length === recipe.length || size === null) return [];
  const { params, nonZeroParams, rawBytes, gzipBytes, sparseBytes } = size;
  const packed = [
    ...(gzipBytes === null ? [] : [`${formatBytes(gzipBytes)} gzipped`]),
    ...(sparseBytes === undefined ? [] : [`${formatBytes(sparseBytes)} in a sparse encoding`]),
  ];
  return [
    `${formatCount(nonZeroParams)} of ${formatCount(params)} parameters are not zero (${formatShare(nonZeroParams / Math.max(1, params))}); the files have ${[formatBytes(rawBytes), ...packed].join(', ')}.`,
    `Zeros alone do not speed up dense kernels: expected as fast as without them${measuredText(trial, sameWith(dense, trial, trials))}.`,
  ];
}

/** The trial that differs from another by its recipe only, and is done. */
function sameWith(recipe: Recipe, trial: Trial, trials: readonly Trial[]): Trial | undefined {
  const condition = ({ modelId, provider, threads, placement }: Trial['strategy']): string =>
    JSON.stringify([modelId, provider, threads, placement ?? null]);
  const key = JSON.stringify(normaliseRecipe(recipe));
  return trials.find(
    ({ state, strategy }) =>
      state.kind === 'done' &&
      condition(strategy) === condition(trial.strategy) &&
      JSON.stringify(normaliseRecipe(strategy.recipe)) === key,
  );
}

function measuredText(trial: Trial, dense: Trial | undefined): string {
  const [before, after] = [dense && trialMetrics(dense).latencyMedianMs, trialMetrics(trial).latencyMedianMs];
  if (!dense || !before || !after) return '';
  const difference = differenceText('latencyMedianMs', before, after);
  const how = isEmulatedTrial(trial) ? 'calculated' : 'measured';
  const chance = overlap(before, after) ? ' (the 95 % intervals overlap, so this may be chance)' : '';
  return `, ${how} ${difference} as ${dense.strategy.name}${chance}`;
}
