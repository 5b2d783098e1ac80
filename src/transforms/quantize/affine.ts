/**
 * 8-bit affine quantization: real = scale * (integer - zeroPoint).
 * @source ONNX QuantizeLinear / DynamicQuantizeLinear, opset 11; scales as in onnxruntime's quantize_dynamic
 */
export interface Affine {
  /** A float32. */
  readonly scale: number;
  readonly zeroPoint: number;
  readonly min: number;
  readonly max: number;
}

/** Below this a float32 scale loses digits; values that small are zero for every purpose. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * Unsigned, over the range of the values widened to contain 0: at most half a scale of error everywhere, and
 * zero (padding, pruned weights) stays exactly zero.
 */
export function asymmetricU8(lowest: number, highest: number): Affine {
  const low = Math.min(lowest, 0);
  const high = Math.max(highest, 0);
  // In float32 like the original, to the last bit; a range as wide as float32 itself would overflow there.
  const range = Math.fround(high - low);
  const scale = Number.isFinite(range) ? Math.fround(range / 255) : Math.fround(high / 255 - low / 255);
  if (scale < SMALLEST_NORMAL) return { scale: 1, zeroPoint: 0, min: 0, max: 255 };
  return { scale, zeroPoint: clamp(roundHalfEven(Math.fround(-low / scale)), 0, 255), min: 0, max: 255 };
}

/** Unsigned with the zero point in the middle: what per-channel scales need, since the runtime takes one zero point. */
export function centredU8(largestMagnitude: number): Affine {
  return { ...symmetricS8(largestMagnitude), zeroPoint: 128, min: 1, max: 255 };
}

/** Signed and symmetric; -128 stays unused so that both signs have the same range. */
export function symmetricS8(largestMagnitude: number): Affine {
  const scale = Math.fround(largestMagnitude / 127);
  return { scale: scale < SMALLEST_NORMAL ? 1 : scale, zeroPoint: 0, min: -127, max: 127 };
}

/** The integer of one value. */
export function quantized(value: number, { scale, zeroPoint, min, max }: Affine): number {
  return clamp(roundHalfEven(Math.fround(value / scale)) + zeroPoint, min, max);
}

/** The value an integer stands for. */
export function dequantized(integer: number, { scale, zeroPoint }: Affine): number {
  return scale * (integer - zeroPoint);
}

/** Adding and subtracting 1.5 * 2^52 leaves no room for a fraction, so the hardware rounds half to even. */
export function roundHalfEven(value: number): number {
  const noFraction = 6755399441055744;
  return value + noFraction - noFraction;
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
