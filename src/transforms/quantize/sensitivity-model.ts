import { defined } from '../../base/assert.ts';
import type { Model } from '../../onnx/model.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { applyRecipe } from '../apply-recipe.ts';
import type { Heads } from '../exits/trained-head.ts';
import { foldBatchNorm } from '../prepare/fold-batch-norm.ts';
import type { Recipe } from '../recipe.ts';
import { recipeToCalibrate, staticOperatorOf } from './calibrate/calibration.ts';
import { type MixedQuantizeOperator, staticFrom } from './mixed-operator.ts';
import type { StaticQuantizeOperator } from './quantize-operator.ts';
import { type StaticForm, staticFormOf } from './static/static-form.ts';

/** What a sensitivity scan of a recipe quantizes piece by piece. */
export interface SensitivityModel {
  /** With batch normalizations folded. */
  readonly model: Model;
  readonly form: Omit<StaticForm, 'exclude'>;
  /** The final output. */
  readonly scores: string;
}

/**
 * What stands before a recipe's quantize operator, and that operator in int8 for all layers: what a scan of the recipe
 * is about, so that recipes that differ in what they keep in float, or in what comes later, share one.
 */
export function recipeToScan(recipe: Recipe): Recipe {
  return [...recipeToCalibrate(recipe), staticPartOf(recipe)];
}

/**
 * What must be calibrated besides `recipeToScan`: a layer whose neighbours stay float has values of its own to
 * quantize, which in a model all of int8 take their scale from others.
 */
export function recipeOfLayersAlone(recipe: Recipe): Recipe {
  const nodes = ['Conv', 'ConvTranspose', 'Gemm', 'MatMul', 'Relu', 'Clip'];
  const { op, mode: _mode, format, ...form } = staticPartOf(recipe);
  const layers = [{ nodes, precision: 'int8' }] as const;
  const fixed = format !== undefined && format !== 'auto' ? { format } : {};
  return [...recipeToCalibrate(recipe), { ...form, ...fixed, op, mode: 'mixed', default: 'float32', layers }];
}

/** The quantize operator for all layers; the usual form where the recipe has none. */
export function staticPartOf(recipe: Recipe): StaticQuantizeOperator {
  const operator = recipe.find(
    (each): each is StaticQuantizeOperator | MixedQuantizeOperator =>
      each.op === 'quantize' && (each.mode === 'static' || each.mode === 'mixed'),
  );
  if (operator === undefined) return { op: 'quantize', mode: 'static' };
  if (operator.mode === 'mixed') return staticFrom(operator);
  const { exclude: _exclude, ...form } = operator;
  return form;
}

/**
 * The float model that a scan starts from.
 * @param recipe as `recipeToScan` gives it
 * @throws InputError as `applyRecipe`
 */
export function sensitivityModel(original: AnalysedModel, recipe: Recipe, heads: Heads): SensitivityModel {
  const { analysed } = applyRecipe(original, recipeToCalibrate(recipe), 'build', heads);
  return {
    model: foldBatchNorm(analysed.model).model,
    form: staticFormOf(defined(staticOperatorOf(recipe), 'a static operator'), []),
    scores: defined(analysed.exits.at(-1), 'final output').output,
  };
}
