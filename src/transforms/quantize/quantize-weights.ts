import { type Affine, asymmetricU8, centredU8, quantized, symmetricS8 } from './affine.ts';

/** How weights become integers. u8 is the fast form on wasm; s8 weights are up to nine times slower there. */
export interface WeightForm {
  readonly weights: 'u8' | 's8';
  readonly perChannel: boolean;
}

/** Where the output channels of a weight matrix lie: its rows (Conv, Gemm with transB) or its columns (MatMul). */
export type ChannelAxis = 'rows' | 'columns';

export interface QuantizedWeights {
  /** Same order as the values; int8 in two's complement. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** One scale, or one for each channel. */
  readonly scales: Float32Array;
  /** One for all channels: the runtime's ConvInteger takes no other. */
  readonly zeroPoint: number;
  /** Integers that stand for something else than 0. */
  readonly nonZero: number;
}

/**
 * Quantizes a matrix of weights to 8 bits. Per tensor, u8 covers min..max (asymmetric, as onnxruntime's
 * quantize_dynamic with QUInt8); per channel every scale is symmetric about the zero point 128 (u8) or 0 (s8).
 * @param values row-major, shape [rows, columns]
 * @returns null if a value is not finite
 */
export function quantizeWeights(
  values: Float32Array,
  rows: number,
  columns: number,
  axis: ChannelAxis,
  { weights, perChannel }: WeightForm,
): QuantizedWeights | null {
  const bytes = new Uint8Array(values.length);
  const channels = perChannel ? (axis === 'rows' ? rows : columns) : 1;
  const channelLength = values.length / Math.max(1, channels);
  const channelStride = axis === 'rows' ? channelLength : 1;
  const elementStride = !perChannel || axis === 'rows' ? 1 : channels;
  const scales = new Float32Array(channels);
  let zeroPoint = 0;
  let nonZero = 0;
  for (let channel = 0; channel < channels; channel++) {
    const start = channel * channelStride;
    const affine = affineOf(values, start, elementStride, channelLength, weights, perChannel);
    if (affine === null) return null;
    scales[channel] = affine.scale;
    zeroPoint = affine.zeroPoint;
    for (let i = 0, at = start; i < channelLength; i++, at += elementStride) {
      const integer = quantized(values[at] as number, affine);
      if (integer !== affine.zeroPoint) nonZero++;
      bytes[at] = integer;
    }
  }
  return { bytes, scales, zeroPoint, nonZero };
}

function affineOf(
  values: Float32Array,
  start: number,
  stride: number,
  length: number,
  weights: 'u8' | 's8',
  perChannel: boolean,
): Affine | null {
  let low = 0;
  let high = 0;
  let notFinite = 0;
  for (let i = 0, at = start; i < length; i++, at += stride) {
    const value = values[at] as number;
    // Infinity - Infinity and anything with NaN is NaN, which then stays.
    notFinite += value - value;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (notFinite !== 0) return null;
  if (weights === 's8') return symmetricS8(Math.max(-low, high));
  return perChannel ? centredU8(Math.max(-low, high)) : asymmetricU8(low, high);
}

/** [rows, columns] to [columns, rows]. */
export function transposed(bytes: Uint8Array, rows: number, columns: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(bytes.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      result[column * rows + row] = bytes[at] as number;
    }
  }
  return result;
}
