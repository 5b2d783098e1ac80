import { NO_FRACTION, roundHalfEven } from './affine.ts';
import { type ChannelAxis, transposed } from './quantize-weights.ts';

/** How the numbers of a matrix become small integers, a block of a channel at a time. */
export interface BlockForm {
  readonly bits: 4 | 8;
  /** Numbers of a channel that share a scale; the last block of a channel may be shorter. */
  readonly blockLength: number;
  /** The zero point is in the middle; otherwise where zero falls in min..max. */
  readonly symmetric: boolean;
  /**
   * `even`: symmetric scales have as many steps to both sides; halves are rounded to even. `n-bits` and `away`: one
   * step more on the side of the largest number, which is exact then, while numbers near the other end are cut off
   * by up to a step; halves are rounded up or away from zero.
   */
  readonly rule: 'even' | 'n-bits' | 'away';
}

export interface BlockQuantized {
  /** Unsigned, in the order of the values: real = scale * (integer - zeroPoint). */
  readonly integers: Uint8Array<ArrayBuffer>;
  /** [channels, blocks] where channels are rows, [blocks, channels] where they are columns. */
  readonly scales: Float32Array<ArrayBuffer>;
  /** As `scales`. */
  readonly zeroPoints: Uint8Array<ArrayBuffer>;
  /** Blocks of a channel. */
  readonly blocks: number;
  /** Integers that stand for something else than 0. */
  readonly nonZero: number;
}

/**
 * Quantizes a matrix, channels along `axis`, in blocks along the other dimension.
 * @param values row-major, shape [rows, columns]
 * @returns null if a value is not finite
 * @source equal to the last bit to onnxruntime's `quantize_matmul_4bits` and `quantize_matmul_8bits` (`n-bits`) and
 *   `quantize_qdq_matmul_4bits` (`away`)
 */
export function quantizeBlocks(
  values: Float32Array,
  rows: number,
  columns: number,
  axis: ChannelAxis,
  form: BlockForm,
): BlockQuantized | null {
  const [channels, length] = axis === 'rows' ? [rows, columns] : [columns, rows];
  const [channelStride, stride] = axis === 'rows' ? [length, 1] : [1, columns];
  const blockLength = Math.min(form.blockLength, Math.max(1, length));
  const blocks = Math.ceil(length / blockLength);
  const integers = new Uint8Array(values.length);
  const scales = new Float32Array(channels * blocks);
  const zeroPoints = new Uint8Array(channels * blocks);
  const write = WRITERS[form.rule];
  const most = 2 ** form.bits - 1;
  let nonZero = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let block = 0; block < blocks; block++) {
      const first = channel * channelStride + block * blockLength * stride;
      const count = Math.min(blockLength, length - block * blockLength);
      const end = first + count * stride;
      let low = 0;
      let high = 0;
      let notFinite = 0;
      for (let at = first; at < end; at += stride) {
        const value = values[at] as number;
        // Infinity - Infinity and anything with NaN is NaN, which then stays.
        notFinite += value - value;
        if (value < low) low = value;
        else if (value > high) high = value;
      }
      if (notFinite !== 0) return null;
      const { scale, zeroPoint } = scaleOf(low, high, form, most);
      const place = axis === 'rows' ? channel * blocks + block : block * channels + channel;
      scales[place] = scale;
      zeroPoints[place] = zeroPoint;
      nonZero += write(values, integers, first, end, stride, scale, zeroPoint, most);
    }
  }
  return { integers, scales, zeroPoints, blocks, nonZero };
}

function scaleOf(
  low: number,
  high: number,
  { symmetric, rule }: BlockForm,
  most: number,
): { scale: number; zeroPoint: number } {
  if (symmetric) {
    const middle = (most + 1) / 2;
    const extreme = Math.abs(high) > Math.abs(low) ? high : low;
    const scale =
      rule === 'even' ? Math.fround(Math.abs(extreme) / (middle - 1)) : Math.fround(extreme / -middle);
    return { scale: usable(scale, rule), zeroPoint: middle };
  }
  // In float32 like the original; a range as wide as float32 itself would overflow there.
  const range = Math.fround(high - low);
  const exact = Number.isFinite(range) ? range / most : high / most - low / most;
  const scale = usable(Math.fround(exact), rule);
  const zero = scale === 0 ? 0 : Math.min(most, Math.max(0, Math.fround(-low / scale)));
  return { scale, zeroPoint: rule === 'even' ? roundHalfEven(zero) : Math.floor(zero + 0.5) };
}

/** Below this a float32 scale loses digits, and its inverse may be infinite; values that small are zero here. */
const SMALLEST_NORMAL = 2 ** -126;

/** Blocks of zeros have the scale 0 in the runtime's own tool, and 1 where the scale itself divides. */
function usable(scale: number, rule: BlockForm['rule']): number {
  if (Math.abs(scale) >= SMALLEST_NORMAL) return scale;
  return rule === 'even' ? 1 : scale * 0;
}

type Write = (
  values: Float32Array,
  integers: Uint8Array,
  first: number,
  end: number,
  stride: number,
  scale: number,
  zeroPoint: number,
  most: number,
) => number;

/** 1 if two small integers differ, else 0: without a branch, which small integers make unpredictable. */
function isOther(a: number, b: number): number {
  const difference = (a - b) | 0;
  return (difference | -difference) >>> 31;
}

/** Divides, rounds half to even and adds the zero point. */
const writeEven: Write = (values, integers, first, end, stride, scale, zeroPoint, most) => {
  let nonZero = 0;
  const noFraction = NO_FRACTION;
  for (let at = first; at < end; at += stride) {
    // `roundHalfEven` written out: this is where the time goes.
    const integer = Math.fround((values[at] as number) / scale) + noFraction - noFraction + zeroPoint;
    const clamped = integer < 0 ? 0 : integer > most ? most : integer | 0;
    nonZero += isOther(clamped, zeroPoint);
    integers[at] = clamped;
  }
  return nonZero;
};

/** Multiplies with the inverse, adds the zero point and rounds half up. */
const writeUp: Write = (values, integers, first, end, stride, scale, zeroPoint, most) => {
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  let nonZero = 0;
  for (let at = first; at < end; at += stride) {
    const moved = Math.fround(Math.fround((values[at] as number) * inverse) + zeroPoint);
    // Cut off instead of rounded down: they differ below 0, which is clamped anyway.
    const integer = (moved + 0.5) | 0;
    const clamped = integer < 0 ? 0 : integer > most ? most : integer | 0;
    nonZero += isOther(clamped, zeroPoint);
    integers[at] = clamped;
  }
  return nonZero;
};

/** Multiplies with the inverse, rounds half away from zero and adds the zero point. */
const writeAway: Write = (values, integers, first, end, stride, scale, zeroPoint, most) => {
  const inverse = scale === 0 ? 0 : Math.fround(1 / scale);
  let nonZero = 0;
  for (let at = first; at < end; at += stride) {
    const exact = Math.fround((values[at] as number) * inverse);
    const above = exact + 0.5;
    let integer = Math.floor(above);
    // Signs are random, so a processor guesses them wrongly half of the time; halves are rare.
    if (integer === above && exact < 0) integer--;
    integer += zeroPoint;
    const clamped = integer < 0 ? 0 : integer > most ? most : integer | 0;
    nonZero += isOther(clamped, zeroPoint);
    integers[at] = clamped;
  }
  return nonZero;
};

const WRITERS: Readonly<Record<BlockForm['rule'], Write>> = {
  even: writeEven,
  'n-bits': writeUp,
  away: writeAway,
};

/**
 * 4-bit integers two to a byte, the first in the low half, as ONNX stores them.
 * @param flip 8 turns unsigned integers with the zero point 8 into signed ones in two's complement
 */
export function packedNibbles(integers: Uint8Array, flip: 0 | 8): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(Math.ceil(integers.length / 2));
  for (let at = 0; at < packed.length; at++) {
    const low = (integers[2 * at] as number) ^ flip;
    const high = 2 * at + 1 < integers.length ? (integers[2 * at + 1] as number) ^ flip : 0;
    packed[at] = low | (high << 4);
  }
  return packed;
}

/** The same, with all that belongs to a channel together: integers [channels, length], scales [channels, blocks]. */
export function channelMajor(
  quantized: BlockQuantized,
  rows: number,
  columns: number,
  axis: ChannelAxis,
): BlockQuantized {
  if (axis === 'rows') return quantized;
  const { integers, scales, zeroPoints, blocks } = quantized;
  const ordered = new Float32Array(scales.length);
  for (let block = 0, at = 0; block < blocks; block++) {
    for (let channel = 0; channel < columns; channel++, at++)
      ordered[channel * blocks + block] = scales[at] as number;
  }
  return {
    ...quantized,
    integers: transposed(integers, rows, columns),
    scales: ordered,
    zeroPoints: transposed(zeroPoints, blocks, columns),
  };
}

/**
 * Rows of integers, each in `rowBytes` bytes of its own.
 * @param integers [rows, any], fewer than the bytes hold
 * @param filler what half bytes without an integer hold in the last byte that has one; all behind is 0
 */
export function packedRows(
  integers: Uint8Array,
  rows: number,
  rowBytes: number,
  bits: 4 | 8,
  filler: number,
): Uint8Array<ArrayBuffer> {
  const packed = new Uint8Array(rows * rowBytes);
  const length = integers.length / Math.max(1, rows);
  for (let row = 0; row < rows; row++) {
    const [from, to] = [row * length, row * rowBytes];
    if (bits === 8) {
      packed.set(integers.subarray(from, from + length), to);
      continue;
    }
    for (let at = 0; at < length; at += 2) {
      const high = at + 1 < length ? (integers[from + at + 1] as number) : filler;
      packed[to + (at >> 1)] = (integers[from + at] as number) | (high << 4);
    }
  }
  return packed;
}

/** Unsigned integers with the zero point 128 as signed ones in two's complement. */
export function signed(unsigned: Uint8Array): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(unsigned.length);
  for (let at = 0; at < result.length; at++) result[at] = (unsigned[at] as number) ^ 0x80;
  return result;
}
