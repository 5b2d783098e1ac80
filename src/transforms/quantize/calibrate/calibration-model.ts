import { InputError } from '../../../base/result.ts';
import { tensorInfo } from '../../../onnx/make-model.ts';
import { DataType, type Model, type ValueName } from '../../../onnx/model.ts';
import { type AnalysedModel } from '../../analyse-model.ts';
import { applyRecipe } from '../../apply-recipe.ts';
import type { Heads } from '../../exits/trained-head.ts';
import { subModel } from '../../extract.ts';
import type { Recipe } from '../../recipe.ts';
import { valuesToCalibrate } from '../static/quantize-static.ts';
import type { StaticForm } from '../static/static-form.ts';
import { recipeToCalibrate } from './calibration.ts';

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
 * @throws InputError `nothing-to-calibrate`, or as `applyRecipe` and `valuesToCalibrate`
 */
export function calibrationModel(
  original: AnalysedModel,
  recipe: Recipe,
  form: StaticForm,
  heads: Heads,
): CalibrationModel {
  const { analysed, segments } = applyRecipe(original, recipe, 'check', heads);
  const needed = new Set(
    segments.flatMap((segment) =>
      valuesToCalibrate(subModel(analysed, segment.nodes, segment.inputs, segment.outputs), form),
    ),
  );
  const before = applyRecipe(original, recipeToCalibrate(recipe), 'build', heads).analysed;
  const inputs = before.inputs.filter((name) => needed.has(name));
  const values = [...needed].filter((name) => {
    const producer = before.index.producer.get(name);
    const { dataType = DataType.float } = before.shapes.get(name) ?? {};
    return producer !== undefined && producer >= 0 && dataType === DataType.float;
  });
  if (values.length === 0) {
    throw new InputError({
      code: 'nothing-to-calibrate',
      message: 'quantize: no value of this model is quantized in this form, so there is nothing to calibrate',
      hint: 'Exclude fewer nodes.',
    });
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
