import type { Recipe } from '../recipe.ts';
import { recipeToCalibrate } from './calibrate/calibration.ts';
import { type MixedQuantizeOperator, staticFrom } from './mixed-operator.ts';
import type { StaticQuantizeOperator } from './quantize-operator.ts';

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

/** For each image the power of the final scores, and the position of the best; then `UNIT_OUTPUTS` of each unit. */
export const TRUNK_OUTPUTS = 2;
/** Power of the unit's output, that of its error, that of the final scores' error, the best score's position. */
export const UNIT_OUTPUTS = 4;
