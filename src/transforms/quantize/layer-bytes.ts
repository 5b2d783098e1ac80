import { elementCount } from '../../onnx/tensor.ts';
import type { Precision } from './mixed-operator.ts';
import { DEFAULT_BLOCK_SIZE } from './quantize-operator.ts';
import type { StaticForm } from './static/static-form.ts';
import type { ProductWeight } from './weight-only-plan.ts';

/** What the constants of a layer take in a file, in each precision: weights, scales, zero points and bias. */
export type LayerBytes = Readonly<Record<Precision, number>>;

/** The form that a layer's bytes in int8 depend on. */
export type BytesForm = Pick<StaticForm, 'format' | 'perChannel'>;

const FLOAT32 = 4;
const INT8_ZERO_POINT = 1;

/**
 * @param biasNumbers of the layer's bias; 0: it has none
 * @source what `quantizeMixed` writes
 */
export function layerBytes(
  { weight, rows, columns, axis, isProduct }: ProductWeight,
  biasNumbers: number,
  { format, perChannel }: BytesForm,
): LayerBytes {
  const numbers = elementCount(weight.dims);
  const bias = FLOAT32 * biasNumbers;
  const [channels, length] = axis === 'rows' ? [rows, columns] : [columns, rows];
  // Of a ConvTranspose the channels of a scale are the second dimension, that of a matrix its columns.
  const scales = perChannel ? (axis === 'rows' ? rows : (weight.dims[1] ?? 1)) : 1;
  // Whoever dequantizes a bias needs its scales; integer operators take them from input and weights.
  const biasScales = biasNumbers > 0 && format === 'qdq' ? FLOAT32 * scales : 0;
  const blocks = Math.ceil(length / DEFAULT_BLOCK_SIZE);
  // MatMulNBits fills the last block of a channel up.
  const nibbles = isProduct ? channels * blocks * DEFAULT_BLOCK_SIZE : numbers;
  return {
    float32: FLOAT32 * numbers + bias,
    float16: (FLOAT32 * numbers + bias) / 2,
    int8: numbers + scales * (FLOAT32 + INT8_ZERO_POINT) + bias + biasScales,
    'int8-weights': numbers + FLOAT32 * channels + bias,
    'int4-weights': Math.ceil(nibbles / 2) + FLOAT32 * channels * blocks + bias,
  };
}
