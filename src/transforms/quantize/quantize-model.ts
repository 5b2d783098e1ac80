import { unreachable } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import { DataType, type Model } from '../../onnx/model.ts';
import { convertOpset } from '../prepare/convert-opset.ts';
import { foldBatchNorm } from '../prepare/fold-batch-norm.ts';
import { countQuantizable, nothingToQuantize, quantizeDynamic } from './dynamic.ts';
import { type Float16Conversion, toFloat16 } from './float16.ts';
import type { Quantization, Ranges } from './quantization.ts';
import { mixedValuesToCalibrate, quantizeMixed } from './mixed.ts';
import { precisionsOf } from './mixed-operator.ts';
import {
  type CalibratedOperator,
  DEFAULT_BLOCK_SIZE,
  type QuantizeOperator,
  STATIC_DEFAULTS,
} from './quantize-operator.ts';
import { opsetProblem } from './raise-opset.ts';
import { quantizeStatic, valuesToCalibrate } from './static/quantize-static.ts';
import { staticFormOf } from './static/static-form.ts';
import { quantizeWeightsOnly } from './weight-only.ts';

/**
 * A model, or the part of one that a segment is, in the form that an operator asks for.
 * @param ranges of values, for `static`
 * @throws InputError `not-calibrated` where ranges are needed and none are given; as the forms' own functions
 */
export function quantizeModel(
  model: Model,
  operator: QuantizeOperator,
  ranges: Ranges | null,
): Quantization & Partial<Pick<Float16Conversion, 'clamped'>> {
  switch (operator.mode) {
    case 'dynamic': {
      const { weights = 'u8', perChannel = false } = operator;
      return quantizeDynamic(model, { weights, perChannel });
    }
    case 'static':
      if (ranges === null) throw notCalibrated();
      return quantizeStatic(
        foldBatchNorm(model).model,
        staticFormOf(operator, operator.exclude ?? []),
        ranges,
      );
    case 'mixed':
      if (ranges === null && precisionsOf(operator).has('int8')) throw notCalibrated();
      return quantizeMixed(model, operator, ranges ?? new Map());
    case 'weight-only': {
      const { bits, blockSize = DEFAULT_BLOCK_SIZE, symmetric = true, exclude = [] } = operator;
      return quantizeWeightsOnly(
        model,
        bits === 8
          ? { bits, form: 'dequantize', blockSize: null, symmetric, exclude }
          : { bits, form: 'matmul-nbits', blockSize, symmetric, shortIn8Bits: true, exclude },
      );
    }
    case 'float16':
      return toFloat16(model, operator);
    default:
      return unreachable(operator);
  }
}

/** The values of a model, or of a part of one, whose ranges a static operator needs; reads no weights. */
export function valuesNeeded(model: Model, operator: CalibratedOperator): readonly string[] {
  return operator.mode === 'mixed'
    ? mixedValuesToCalibrate(model, operator)
    : valuesToCalibrate(foldBatchNorm(model).model, staticFormOf(operator, operator.exclude ?? []));
}

/**
 * Whether there is something to quantize; reads no weights.
 * @throws InputError `nothing-to-quantize`, `opset-too-old`
 */
export function checkQuantizable(model: Model, operator: QuantizeOperator): void {
  switch (operator.mode) {
    case 'float16':
      if (model.graph.initializers.some(({ dataType }) => dataType === DataType.float)) return;
      throw nothingToQuantize();
    case 'weight-only':
      if (countQuantizable(model.graph) === 0) throw nothingToQuantize();
      return;
    case 'dynamic': {
      if (countQuantizable(model.graph) === 0) throw nothingToQuantize();
      const problem = opsetProblem(model);
      if (problem !== null) throw problem;
      return;
    }
    case 'static':
      if (countQuantizable(model.graph) === 0) throw nothingToQuantize();
      // Scales along an axis came with opset 13.
      convertOpset(model, (operator.perChannel ?? STATIC_DEFAULTS.perChannel) ? 13 : 11);
      return;
    case 'mixed': {
      if (countQuantizable(model.graph) === 0) throw nothingToQuantize();
      const problem = precisionsOf(operator).has('int8') ? opsetProblem(model) : null;
      if (problem !== null) throw problem;
      return;
    }
    default:
      unreachable(operator);
  }
}

function notCalibrated(): InputError {
  return new InputError({
    code: 'not-calibrated',
    message: 'quantize: static int8 needs the ranges of values on images, and none were calibrated',
    hint: 'Open images and measure, or give calibration.json of an earlier study.',
  });
}
