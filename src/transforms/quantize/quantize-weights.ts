import { unreachable } from '../../base/assert.ts';
import { DataType, type Tensor } from '../../onnx/model.ts';
import { tensorBytes, tensorFloats } from '../../onnx/tensor.ts';
import { type Affine, asymmetricU8, centredU8, NO_FRACTION, symmetricS8 } from './affine.ts';

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
  const layout = matrixLayout(rows, columns, perChannel ? axis : null);
  const ranges = channelRanges(values, layout);
  if (ranges === null) return null;
  const affines = Array.from(ranges.lows, (low, channel): Affine => {
    const high = ranges.highs[channel] as number;
    if (weights === 's8') return symmetricS8(Math.max(-low, high));
    return perChannel ? centredU8(Math.max(-low, high)) : asymmetricU8(low, high);
  });
  return {
    ...integersOfChannels(values, layout, affines),
    scales: Float32Array.from(affines, ({ scale }) => scale),
    zeroPoint: affines[0]?.zeroPoint ?? 0,
  };
}

/**
 * Where the channels of a row-major tensor lie: `run` neighbours belong to one channel, the next `run` to the next
 * one, and after `channels` of them it starts over.
 */
export interface ChannelLayout {
  readonly channels: number;
  readonly run: number;
}

/** Of a matrix, row-major; null: all of it is one channel. */
export function matrixLayout(rows: number, columns: number, axis: ChannelAxis | null): ChannelLayout {
  switch (axis) {
    case null:
      return { channels: 1, run: rows * columns };
    case 'rows':
      return { channels: rows, run: columns };
    case 'columns':
      return { channels: columns, run: 1 };
    default:
      return unreachable(axis);
  }
}

/** The values of a tensor, to look at only: float32 numbers that lie where they can be read are not copied. */
export function floatsToRead(tensor: Tensor): Float32Array {
  if (tensor.dataType !== DataType.float) return tensorFloats(tensor);
  const bytes = tensorBytes(tensor);
  return bytes.byteOffset % 4 === 0
    ? new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4)
    : new Float32Array(new Uint8Array(bytes).buffer);
}

/** Least and greatest value of each channel, both widened to contain 0; null if a value is not finite. */
export function channelRanges(
  values: Float32Array,
  { channels, run }: ChannelLayout,
): { readonly lows: Float32Array; readonly highs: Float32Array } | null {
  const lows = new Float32Array(channels);
  const highs = new Float32Array(channels);
  let notFinite = 0;
  for (let at = 0; at < values.length; ) {
    for (let channel = 0; channel < channels; channel++) {
      let low = lows[channel] as number;
      let high = highs[channel] as number;
      for (const end = at + run; at < end; at++) {
        const value = values[at] as number;
        // Infinity - Infinity and anything with NaN is NaN, which then stays.
        notFinite += value - value;
        if (value < low) low = value;
        if (value > high) high = value;
      }
      lows[channel] = low;
      highs[channel] = high;
    }
  }
  return notFinite === 0 ? { lows, highs } : null;
}

/** The integers of all values; int8 in two's complement. */
export function integersOfChannels(
  values: Float32Array,
  { channels, run }: ChannelLayout,
  affines: readonly Affine[],
): Pick<QuantizedWeights, 'bytes' | 'nonZero'> {
  const bytes = new Uint8Array(values.length);
  // `quantized` written out: a large model has a hundred million weights.
  const noFraction = NO_FRACTION;
  let nonZero = 0;
  for (let at = 0; at < values.length; ) {
    for (let channel = 0; channel < channels; channel++) {
      const { scale, zeroPoint, min, max } = affines[channel] as Affine;
      for (const end = at + run; at < end; at++) {
        const rounded = Math.fround((values[at] as number) / scale) + noFraction - noFraction;
        let integer = rounded + zeroPoint;
        if (integer < min) integer = min;
        else if (integer > max) integer = max;
        if (integer !== zeroPoint) nonZero++;
        bytes[at] = integer;
      }
    }
  }
  return { bytes, nonZero };
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
