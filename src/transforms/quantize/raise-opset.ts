import { InputError } from '../../base/result.ts';
import type { Model } from '../../onnx/model.ts';
import { convertOpset } from '../prepare/convert-opset.ts';

/** DynamicQuantizeLinear appeared here; it is the youngest operator that dynamic quantization needs. */
const DYNAMIC_QUANTIZATION_OPSET = 11;

/**
 * Why this model cannot be rewritten for opset 11, or null if it can.
 */
export function opsetProblem(model: Model): InputError | null {
  try {
    raiseOpset(model);
    return null;
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown;
    throw thrown;
  }
}

/**
 * The model at opset 11 or newer.
 * @throws InputError `opset-too-old`
 */
export function raiseOpset(model: Model): Model {
  return convertOpset(model, DYNAMIC_QUANTIZATION_OPSET).model;
}
