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

/** How a range of values is laid over integers. */
export interface Spread {
  readonly type: 'u8' | 's8';
  /** The range is widened to -m..m, and the zero point stands in the middle of the integers. */
  readonly isSymmetric: boolean;
  /** 7 bits: products of two of them do not saturate the 16-bit sums of older x86 processors. */
  readonly isReduced: boolean;
}

/** Below this a float32 scale loses digits; values that small are zero for every purpose. */
const SMALLEST_NORMAL = 2 ** -126;

/**
 * Scale and zero point for values within `low` and `high` (widened to contain 0, which is represented exactly).
 * Equal to onnxruntime's to the last bit, but for ranges as wide as float32 itself, whose difference overflows
 * there, and for symmetric u8 ranges of zeros, whose zero point is in the middle like that of other channels:
 * the runtime refuses convolutions whose channels differ in it.
 * @source onnxruntime 1.30, compute_scale_zp
 */
export function affineOver(low: number, high: number, { type, isSymmetric, isReduced }: Spread): Affine {
  const [min, max] = type === 'u8' ? [0, 255] : [-128, 127];
  const [first, last] = integersOf(type, isSymmetric, isReduced);
  const lowest = Math.min(Math.fround(low), 0);
  const highest = Math.max(Math.fround(high), 0);
  const magnitude = Math.max(-lowest, highest);
  const [from, to] = isSymmetric ? [-magnitude, magnitude] : [lowest, highest];
  const width = Math.fround(to - from);
  const scale = (Number.isFinite(width) ? width : to - from) / (last - first);
  const middle = roundHalfEven((first + last) / 2);
  if (scale < SMALLEST_NORMAL) return { scale: 1, zeroPoint: isSymmetric ? middle : 0, min, max };
  const zeroPoint = isSymmetric ? middle : clamp(roundHalfEven(first - from / scale), min, max);
  return { scale: Math.fround(scale), zeroPoint, min, max };
}

function integersOf(type: 'u8' | 's8', isSymmetric: boolean, isReduced: boolean): readonly [number, number] {
  if (type === 'u8') return isReduced ? [0, 127] : [0, 255];
  if (isReduced) return [-64, 64];
  return isSymmetric ? [-127, 127] : [-128, 127];
}

/**
 * Unsigned, over the range of the values widened to contain 0: at most half a scale of error everywhere, and
 * zero (padding, pruned weights) stays exactly zero.
 */
export function asymmetricU8(lowest: number, highest: number): Affine {
  return affineOver(lowest, highest, { type: 'u8', isSymmetric: false, isReduced: false });
}

/** Unsigned with the zero point in the middle: what per-channel scales need, since the runtime takes one zero point. */
export function centredU8(largestMagnitude: number): Affine {
  return { ...symmetricS8(largestMagnitude), zeroPoint: 128, min: 1, max: 255 };
}

/** Signed and symmetric; -128 stays unused so that both signs have the same range. */
export function symmetricS8(largestMagnitude: number): Affine {
  const spread = { type: 's8', isSymmetric: true, isReduced: false } as const;
  return { ...affineOver(-largestMagnitude, largestMagnitude, spread), min: -127 };
}

/** The integer of one value. */
export function quantized(value: number, { scale, zeroPoint, min, max }: Affine): number {
  return clamp(roundHalfEven(Math.fround(value / scale)) + zeroPoint, min, max);
}

/** The value an integer stands for. */
export function dequantized(integer: number, { scale, zeroPoint }: Affine): number {
  return scale * (integer - zeroPoint);
}

/** 1.5 * 2^52: next to it a float64 has no room for a fraction, so the hardware rounds half to even. */
export const NO_FRACTION = 6755399441055744;

/** Of numbers within 2^51. */
export function roundHalfEven(value: number): number {
  return value + NO_FRACTION - NO_FRACTION;
}

function clamp(value: number, min: number, max: number): number {
  return value < min ? min : value > max ? max : value;
}
