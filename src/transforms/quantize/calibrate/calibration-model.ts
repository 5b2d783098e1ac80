import { InputError } from '../../../base/result.ts';
import { tensorInfo } from '../../../onnx/make-model.ts';
import { DataType, type Model, type ValueName, valueName } from '../../../onnx/model.ts';
import { type AnalysedModel } from '../../analyse-model.ts';
import { applyRecipe } from '../../apply-recipe.ts';
import type { Heads } from '../../exits/trained-head.ts';
import { subModel } from '../../extract.ts';
import { NO_STATISTICS, type Statistics } from '../../prune/statistics/channel-statistics.ts';
import type { Recipe } from '../../recipe.ts';
import { valuesNeeded } from '../quantize-model.ts';
import { type Calibration, recipeToCalibrate, staticOperatorOf } from './calibration.ts';

/** A model that shows the values whose ranges are asked for. */
export interface CalibrationModel {
  /** Its outputs are `values`, in order. */
  readonly model: Model;
  readonly values: readonly ValueName[];
  /** Inputs whose ranges are needed, too. */
  readonly inputs: readonly ValueName[];
}

/**
 * The float model that a recipe calibrates, with the values that static quantization of its segments needs as
 * outputs. What only later operators bring, such as heads of exits trained after quantizing, is not among them and
 * stays float.
 * @param others recipes that need the same model, whose values are looked at in the same pass
 * @param statistics what pruning on images needs
 * @throws InputError `nothing-to-calibrate`, or as `applyRecipe` and `valuesNeeded`
 */
export function calibrationModel(
  original: AnalysedModel,
  recipe: Recipe,
  heads: Heads,
  others: readonly Recipe[] = [],
  statistics: Statistics = NO_STATISTICS,
): CalibrationModel {
  const before = applyRecipe(original, recipeToCalibrate(recipe), 'build', heads, statistics).analysed;
  const all = [recipe, ...others].map((each) => valuesToLookAt(original, before, each, heads));
  const inputs = [...new Set(all.flatMap((each) => each.inputs))];
  const values = [...new Set(all.flatMap((each) => each.values))];
  if (values.length === 0) {
    throw nothingToCalibrate('no value that is quantized in this form', 'Exclude fewer nodes.');
  }
  const { graph } = before.model;
  return {
    inputs,
    values,
    model: {
      ...before.model,
      graph: {
        ...graph,
        outputs: values.map((name) => tensorInfo(name, before.shapes.get(name)?.shape ?? null)),
      },
    },
  };
}

/**
 * Whether the ranges of all values that a recipe quantizes are known; true for a recipe that needs none. Reads no
 * weights.
 * @throws InputError as `applyRecipe`
 */
export function isCalibrated(
  original: AnalysedModel,
  recipe: Recipe,
  heads: Heads,
  calibration: Calibration | null,
): boolean {
  if (staticOperatorOf(recipe) === null) return true;
  if (calibration === null) return false;
  const before = applyRecipe(original, recipeToCalibrate(recipe), 'check', heads).analysed;
  const { values, inputs } = valuesToLookAt(original, before, recipe, heads);
  const known = new Set([...calibration.ranges.keys(), ...calibration.notFinite]);
  return [...values, ...inputs].every((name) => known.has(name));
}

function valuesToLookAt(
  original: AnalysedModel,
  before: AnalysedModel,
  recipe: Recipe,
  heads: Heads,
): Pick<CalibrationModel, 'values' | 'inputs'> {
  const operator = staticOperatorOf(recipe);
  if (operator === null)
    throw nothingToCalibrate('no static quantize operator', 'Add one with "mode": "static".');
  const { analysed, segments } = applyRecipe(original, recipe, 'check', heads);
  const needed = new Set<string>(
    segments.flatMap((segment) =>
      valuesNeeded(subModel(analysed, segment.nodes, segment.inputs, segment.outputs), operator),
    ),
  );
  return {
    inputs: before.inputs.filter((name) => needed.has(name)),
    values: [...needed].map(valueName).filter((name) => {
      const producer = before.index.producer.get(name);
      const { dataType = DataType.float } = before.shapes.get(name) ?? {};
      return producer !== undefined && producer >= 0 && dataType === DataType.float;
    }),
  };
}

function nothingToCalibrate(found: string, hint: string): InputError {
  return new InputError({
    code: 'nothing-to-calibrate',
    message: `quantize: found ${found}, so there is nothing to calibrate`,
    hint,
  });
}
