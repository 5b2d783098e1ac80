import type { AnalysedModel } from '../../analyse-model.ts';
import { InputError } from '../../../base/result.ts';
import { applyRecipe } from '../../apply-recipe.ts';
import { NO_HEADS } from '../../exits/trained-head.ts';
import { inOrderOfEffect } from '../../order-of-effect.ts';
import { type Model, valueName } from '../../../onnx/model.ts';
import { elementCount } from '../../../onnx/tensor.ts';
import type { Recipe } from '../../recipe.ts';
import { recalibratingModel } from '../recalibrate/recalibrating-model.ts';
import { recalibrationPoints, targetsAt } from '../recalibrate/recalibration-points.ts';
import { isIdlePrune } from '../idle-prune.ts';
import { looksAtImages, type PruneOperator, type StructuredPruneOperator } from '../prune-operator.ts';
import { pruneChannels, type SeenOnImages } from '../channels/prune-channels.ts';
import {
  momentsLeft,
  recipeOfStatistics,
  recipeOfTargets,
  recipeText,
  samplesOf,
  type Statistics,
  type StatisticsKind,
  statisticsNeededBy,
} from './channel-statistics.ts';
import { batchedModel } from './batched-model.ts';
import { layerValues } from './layer-values.ts';
import { type ObservedModel, observedModel, type ObservedValue } from './observed-model.ts';

/** What is to be learnt next for a recipe, and the model that tells it. */
export interface MissingStatistics {
  readonly kind: StatisticsKind;
  readonly of: string;
  readonly samples: number;
  /** With one output: see `momentsIn`. */
  readonly model: Model;
  readonly observed: readonly ObservedValue[];
  /** How many images go through it at once, at most. */
  readonly batch: number;
}

/**
 * What has to be looked at on images before a recipe can be built, one thing after another: later statistics rest on
 * earlier ones. Reads weights only to say what channels are left.
 * @returns null if all is known, or nothing is needed
 * @throws InputError as `applyRecipe`
 */
export function missingStatistics(
  original: AnalysedModel,
  recipe: Recipe,
  statistics: Statistics,
): MissingStatistics | null {
  const ordered = inOrderOfEffect(recipe);
  for (const [position, operator] of ordered.entries()) {
    if (operator.op !== 'prune' || operator.kind === 'block') continue;
    if (isIdlePrune(operator) || !looksAtImages(operator)) continue;
    const before = recipeOfStatistics(ordered.slice(0, position));
    const keys = statisticsNeededBy(operator, before);
    const samples = samplesOf(operator);
    const { analysed } = applyRecipe(original, before, 'build', NO_HEADS, statistics);
    if (!statistics.has(keys.values) && ranksOnImages(operator))
      return { ...valuesOf(analysed), of: recipeText(before), samples };
    if (!statistics.has(keys.targets) && needsTargets(analysed, operator)) {
      const target = recipeOfTargets(before);
      const whole = applyRecipe(original, target, 'build', NO_HEADS, statistics).analysed;
      return { ...valuesOf(whole), of: recipeText(target), samples };
    }
    if (operator.kind === 'unstructured' || statistics.has(keys.recalibration)) continue;
    const { recalibrate = [] } = operator;
    if (recalibrate.length === 0) continue;
    const of = recipeText(recipeOfStatistics([...before, operator]));
    const [values, targets] = [keys.values, keys.targets].map((key) => statistics.get(key) ?? null);
    const seen = { values: values ?? null, targets: targets ?? null, recalibration: null };
    return {
      kind: 'recalibration',
      of,
      samples,
      batch: batchFor(analysed),
      ...recalibration(analysed, operator, seen),
    };
  }
  return null;
}

function ranksOnImages(operator: PruneOperator): boolean {
  if (operator.kind !== 'structured') return looksAtImages(operator);
  return operator.importance === 'activation' || operator.importance === 'wanda';
}

function needsTargets(analysed: AnalysedModel, operator: PruneOperator): boolean {
  if (operator.kind !== 'structured') return false;
  const { recalibrate = [] } = operator;
  return recalibrationPoints(analysed, recalibrate).some(({ kind }) => kind !== 'normalization');
}

/** A pass over a model as it is. */
function valuesOf(analysed: AnalysedModel): Omit<MissingStatistics, 'of' | 'samples'> {
  return { kind: 'values', batch: 1, ...observedModel(analysed.model, valuesOfLayers(analysed)) };
}

/** All that layers read and make, each value once. */
function valuesOfLayers(analysed: AnalysedModel): readonly ObservedValue[] {
  const all = layerValues(analysed).flatMap(({ input, output }) => [input, output]);
  return [...new Map(all.flatMap((each) => (each === null ? [] : [[each.key, each]]))).values()];
}

function recalibration(
  analysed: AnalysedModel,
  { recalibrate = [], ...operator }: StructuredPruneOperator,
  seen: SeenOnImages,
): ObservedModel {
  const pruned = pruneChannels(analysed, operator, 'build', seen);
  const aimed = recalibrationPoints(pruned.analysed, recalibrate).flatMap((point) => {
    const target = targetsAt(pruned.analysed, point, (value) => {
      const moments = seen.targets?.values.get(value);
      return moments === undefined ? null : momentsLeft(moments, pruned.left.get(value));
    });
    return target === null ? [] : [{ point, target }];
  });
  if (aimed.length === 0) throw nothingToRecalibrate();
  const needed = aimed.map(({ point }) => valueName(point.observed.value));
  const { model, observed } = recalibratingModel(batchedModel(pruned.analysed, needed), aimed);
  return observedModel(model, observed);
}

/** As many as keep the largest value at a size that phones have room for. */
function batchFor({ counted, index }: AnalysedModel): number {
  let largest = 1;
  for (const name of index.producer.keys()) {
    const shape = counted.get(name)?.shape ?? [];
    largest = Math.max(largest, elementCount(shape.map((size) => (typeof size === 'number' ? size : 1))));
  }
  return Math.min(MOST_IMAGES, Math.max(LEAST_IMAGES, Math.floor(LARGEST_VALUE_BYTES / (4 * largest))));
}

const LARGEST_VALUE_BYTES = 32e6;
/** Fewer show too little of channels with few places; more add nothing but memory. */
const LEAST_IMAGES = 8;
const MOST_IMAGES = 64;

function nothingToRecalibrate(): InputError {
  return new InputError({
    code: 'nothing-to-recalibrate',
    message:
      'prune: found no layer that "recalibrate" can correct: no batch normalization, and no layer with constant float32 weights whose channels are known',
    where: 'recalibrate',
    hint: 'Leave "recalibrate" out, or add "bias" to it.',
  });
}
