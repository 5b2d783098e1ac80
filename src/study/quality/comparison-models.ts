import { InputError } from '../../base/result.ts';
import type { Model } from '../../onnx/model.ts';
import type { AnalysedModel } from '../../transforms/analyse-model.ts';
import { applyRecipe } from '../../transforms/apply-recipe.ts';
import { NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { foldBatchNorm } from '../../transforms/prepare/fold-batch-norm.ts';
import { precisionsOf } from '../../transforms/quantize/mixed-operator.ts';
import type { ValueRange } from '../../transforms/quantize/quantization.ts';
import type { Operator, Recipe } from '../../transforms/recipe.ts';
import { type Compared, Comparison } from './compared.ts';
import { matchValues, placeIn, withTaps } from './match-values.ts';
import { matchWeights } from './match-weights.ts';
import { recipeOfReference } from './recipe-to-compare.ts';

/** Two models whose outputs show the same values: see `CompareApi.receive`. */
export interface ComparisonModels {
  readonly original: Model;
  readonly variant: Model;
  readonly values: readonly string[];
  readonly unrounded: readonly (number | null)[];
  /** What the integers of each value can hold; null where it is not in integers. */
  readonly ranges: readonly (ValueRange | null)[];
}

/**
 * The float model of a recipe and what the recipe made of it, showing the values that both compute.
 * @param wanted values to show; null: all
 * @throws InputError `nothing-to-compare` if they have no value in common
 */
export function comparisonModels(
  original: AnalysedModel,
  recipe: Recipe,
  variant: Model,
  wanted: readonly string[] | null,
): ComparisonModels {
  const reference = referenceOf(original, recipe);
  const matched = matchValues(reference, variant).filter(({ value }) => wanted?.includes(value) ?? true);
  if (matched.length === 0) {
    throw new InputError({
      code: 'nothing-to-compare',
      message: 'The variant computes no value of the unchanged model under its own name.',
      hint: 'Compare a variant that is quantized, pruned or in half precision.',
    });
  }
  const unrounded = matched.flatMap((each) => (each.unrounded === null ? [] : [each.unrounded]));
  let next = matched.length;
  return {
    original: withTaps(
      reference.model,
      matched.map(({ value }) => placeIn(value)),
    ),
    variant: withTaps(variant, [...matched.map(({ changed }) => changed), ...unrounded]),
    values: matched.map(({ value }) => value),
    unrounded: matched.map((each) => (each.unrounded === null ? null : next++)),
    ranges: matched.map(({ range }) => range),
  };
}

/**
 * The weights that a recipe changed, weight by weight: one is in memory at a time.
 * @param wanted one weight, with its histograms; null: all, without
 */
export function* compareWeights(
  original: AnalysedModel,
  recipe: Recipe,
  variant: Model,
  wanted: string | null,
): Generator<Compared> {
  const reference = referenceOf(original, recipe).model;
  const isFolded = recipe.some(foldsBatchNorm);
  for (const weight of matchWeights(isFolded ? foldBatchNorm(reference).model : reference, variant)) {
    if (wanted !== null && weight.name !== wanted) continue;
    const comparison = new Comparison(wanted !== null);
    comparison.add(weight.original(), weight.changed());
    const compared = comparison.outcome(weight.name);
    // The bytes of most weights are only carried along.
    if (wanted !== null || compared.errors.noise !== 0) yield compared;
  }
}

/** Whether an operator quantizes weights that batch normalisations were folded into. */
function foldsBatchNorm(operator: Operator): boolean {
  if (operator.op !== 'quantize') return false;
  return operator.mode === 'static' || (operator.mode === 'mixed' && precisionsOf(operator).has('int8'));
}

function referenceOf(original: AnalysedModel, recipe: Recipe): AnalysedModel {
  const prepared = recipeOfReference(recipe);
  return prepared.length === 0 ? original : applyRecipe(original, prepared, 'build', NO_HEADS).analysed;
}
