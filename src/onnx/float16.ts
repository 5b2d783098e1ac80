/** IEEE 754 half precision (its 16 bits) as a number. */
export function float16ToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >>> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** The bits of |x| from which float32 numbers are beyond 65504, infinity and NaN. */
const [BEYOND, INFINITE] = [0x477fe001, 0x7f800000];
/** The bits of 2^-14, the smallest normal half; of 5.96e-8, just below the smallest half of all. */
const [NORMAL, SMALLEST] = [0x38800000, 0x337ffae5];

/**
 * float32 to half precision, rounding half to even, without making finite numbers infinite or others zero: what is
 * beyond 65504 becomes 65504, and what is smaller than the smallest half becomes that.
 * @param words the bits of the float32 numbers
 * @param halves where the bits of the halves go, as many
 * @source `convert_np_to_float16` of onnxruntime's transformers/float16.py
 */
export function writeFloat16(words: Uint32Array, halves: Uint16Array): void {
  for (let i = 0; i < words.length; i++) {
    const word = words[i] as number;
    const magnitude = word & 0x7fffffff;
    let half: number;
    if (magnitude >= NORMAL && magnitude < BEYOND) {
      half = (magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else if (magnitude === 0) {
      half = 0;
    } else if (magnitude < SMALLEST) {
      half = 1;
    } else if (magnitude < NORMAL) {
      // A fraction of 2^-24: shift the 24 significant bits to that place, half to even.
      const shift = 126 - (magnitude >>> 23);
      const significand = (magnitude & 0x7fffff) | 0x800000;
      const below = (1 << (shift - 1)) - 1;
      half = (significand + below + ((significand >>> shift) & 1)) >>> shift;
    } else if (magnitude < INFINITE) {
      half = 0x7bff;
    } else {
      half = magnitude === INFINITE ? 0x7c00 : 0x7e00 | ((magnitude >>> 13) & 0x3ff);
    }
    halves[i] = ((word >>> 16) & 0x8000) | half;
  }
}

/** Numbers that half precision cannot hold. */
export interface OutsideFloat16 {
  /** Finite, beyond 65504. */
  readonly tooLarge: number;
  /** Not zero, below the smallest half. */
  readonly tooSmall: number;
  readonly notFinite: number;
}

/** How many of these float32 numbers (their bits) half precision cannot hold. */
export function countOutsideFloat16(words: Uint32Array): OutsideFloat16 {
  let tooLarge = 0;
  let tooSmall = 0;
  let notFinite = 0;
  for (let i = 0; i < words.length; i++) {
    const magnitude = (words[i] as number) & 0x7fffffff;
    if (magnitude >= BEYOND) {
      if (magnitude < INFINITE) tooLarge++;
      else notFinite++;
    } else if (magnitude < SMALLEST && magnitude !== 0) tooSmall++;
  }
  return { tooLarge, tooSmall, notFinite };
}

const floatBits = new Float32Array(1);
const wordBits = new Uint32Array(floatBits.buffer);

/** bfloat16 (the upper half of a float32) as a number. */
export function bfloat16ToNumber(bits: number): number {
  wordBits[0] = bits << 16;
  return floatBits[0] as number;
}
