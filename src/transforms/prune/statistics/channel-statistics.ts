import { normaliseRecipe } from '../../parse-recipe.ts';
import { isIdlePrune } from '../idle-prune.ts';
import type { KeptAxis } from '../channels/kept-axes.ts';
import { inOrderOfEffect, removesChannels } from '../../order-of-effect.ts';
import { looksAtImages, PRUNE_DEFAULTS, type PruneOperator } from '../prune-operator.ts';
import type { Operator, Recipe } from '../../recipe.ts';

/** Means over images and places of what a value holds, for each index of an axis. */
export interface ChannelMoments {
  readonly axis: number;
  readonly mean: Float32Array;
  /** Of absolute numbers. */
  readonly magnitude: Float32Array;
  /** Of squares. */
  readonly square: Float32Array;
}

/**
 * What a model's channels hold on some images: what ranking by activations and recalibrating need besides their
 * recipe. Kept next to the recipe, which stays small, so that running it again need not look at images again.
 */
export interface ChannelStatistics {
  /** See `GraphView.modelId`. */
  readonly modelId: string;
  readonly datasetId: string;
  /**
   * `values`: what a recipe makes of the model, as it is. `recalibration`: seen before each correction, while all
   * layers before were corrected; the recipe ends with the operator that asks for it.
   */
  readonly kind: StatisticsKind;
  /** The recipe, see `statisticsKey`; empty: the model as it is. */
  readonly of: string;
  /** How many images were asked for. */
  readonly samples: number;
  /** How many there were. */
  readonly images: number;
  /** How long it took to look at them, in milliseconds. */
  readonly elapsedMs: number;
  /** Those that held finite numbers only; of recalibrations by the output of the node that is corrected. */
  readonly values: ReadonlyMap<string, ChannelMoments>;
  readonly notFinite: readonly string[];
  /** What to know about it. */
  readonly warnings: readonly string[];
}

export type StatisticsKind = 'values' | 'recalibration';

/** Statistics by `keyOfStatistics`. */
export type Statistics = ReadonlyMap<string, ChannelStatistics>;

/** Nothing was looked at. */
export const NO_STATISTICS: Statistics = new Map();

/** Names statistics among those of one model and dataset. */
export function keyOfStatistics({
  kind,
  of,
  samples,
}: Pick<ChannelStatistics, 'kind' | 'of' | 'samples'>): string {
  return JSON.stringify([kind, of, samples]);
}

/** Those of one key: the last. */
export function statisticsByKey(all: Iterable<ChannelStatistics>): Statistics {
  return new Map([...all].map((each) => [keyOfStatistics(each), each]));
}

/** What operators do to the values that statistics are of: cuts, stops and heads do nothing. */
export function recipeOfStatistics(operators: readonly Operator[]): Recipe {
  return operators.filter(
    (operator) =>
      operator.op === 'prepare' ||
      (operator.op === 'prune' && !isIdlePrune(operator)) ||
      (operator.op === 'early-exit' && operator.kind === 'skip'),
  );
}

/** Which statistics a prune operator needs. */
export interface StatisticsNeeded {
  /** Those of the model that it prunes. */
  readonly values: string;
  /** Those of the model that recalibrating brings channels back to. */
  readonly targets: string;
  /** Those that recalibrating sees. */
  readonly recalibration: string;
}

/**
 * The keys of the statistics that a prune operator may need.
 * @param before what takes effect before it
 */
export function statisticsNeededBy(operator: PruneOperator, before: Recipe): StatisticsNeeded {
  const samples = samplesOf(operator);
  const keyOf = (kind: StatisticsKind, recipe: Recipe): string =>
    keyOfStatistics({ kind, of: recipeText(recipe), samples });
  return {
    values: keyOf('values', recipeOfStatistics(before)),
    targets: keyOf('values', recipeOfTargets(before)),
    recalibration: keyOf('recalibration', recipeOfStatistics([...before, operator])),
  };
}

/**
 * What is done to the model that recalibrating brings channels back to: weights that became zero before channels went
 * are made up for, too. Where channels went before, which of them depends on those weights.
 */
export function recipeOfTargets(before: Recipe): Recipe {
  const done = recipeOfStatistics(before);
  if (done.some(removesChannels)) return done;
  return done.filter((operator) => operator.op !== 'prune' || operator.kind !== 'unstructured');
}

export function samplesOf(operator: PruneOperator): number {
  return ('samples' in operator ? operator.samples : undefined) ?? PRUNE_DEFAULTS.samples;
}

/** As `ChannelStatistics.of` has it. */
export function recipeText(recipe: Recipe): string {
  return recipe.length === 0 ? '' : JSON.stringify(normaliseRecipe(recipe));
}

/** How many images of the training half the pruning of a recipe looks at; 0: none. */
export function imagesPrunedWith(recipe: Recipe): number {
  return recipe.reduce(
    (most, operator) =>
      operator.op === 'prune' && !isIdlePrune(operator) && looksAtImages(operator)
        ? Math.max(most, samplesOf(operator))
        : most,
    0,
  );
}

/** Those of known statistics that a recipe's pruning rests on. */
export function statisticsOfRecipe(recipe: Recipe, known: Statistics): readonly ChannelStatistics[] {
  const ordered = inOrderOfEffect(recipe);
  const keys = ordered.flatMap((operator, position) => {
    if (operator.op !== 'prune' || isIdlePrune(operator) || !looksAtImages(operator)) return [];
    const { values, targets, recalibration } = statisticsNeededBy(operator, ordered.slice(0, position));
    return [values, targets, recalibration];
  });
  return [...new Set(keys)].flatMap((key) => known.get(key) ?? []);
}

/** The moments of the indices that stay. */
export function momentsLeft(moments: ChannelMoments, axes: readonly KeptAxis[] | undefined): ChannelMoments {
  const left = axes?.find(({ axis }) => axis === moments.axis);
  if (left === undefined || left.stays.length !== moments.mean.length) return moments;
  const some = (all: Float32Array): Float32Array => all.filter((_, index) => left.stays[index] === 1);
  const { axis, mean, magnitude, square } = moments;
  return { axis, mean: some(mean), magnitude: some(magnitude), square: some(square) };
}
