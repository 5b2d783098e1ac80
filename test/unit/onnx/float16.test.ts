import { describe, expect, it } from 'vitest';
import { countOutsideFloat16, float16ToNumber, writeFloat16 } from '../../../src/onnx/float16.ts';

function halfOf(value: number): number {
  const halves = new Uint16Array(1);
  writeFloat16(new Uint32Array(Float32Array.of(value).buffer), halves);
  return halves[0] ?? 0;
}

describe('half precision', () => {
  it('keeps every half that float32 holds, and rounds halfway between two to the even one', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [float16ToNumber(bits), float16ToNumber(bits + 1)];
      // Below the smallest half nothing is rounded to zero: it is a limit.
      const isRight =
        halfOf(low) === bits &&
        halfOf(-high) === (0x8000 | (bits + 1)) &&
        (bits === 0 || halfOf((low + high) / 2) === bits + (bits & 1));
      if (!isRight) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it.each([
    ['too large', 65504.1, 0x7bff],
    ['far too large', -3.4e38, 0xfbff],
    ['too small', 1e-30, 1],
    ['too small and negative', -5e-8, 0x8001],
    ['infinite', -Infinity, 0xfc00],
    ['zero', 0, 0],
    ['negative zero', -0, 0x8000],
  ])('keeps the sign and finiteness of what is %s', (_, value, bits) => {
    expect(halfOf(value)).toBe(bits);
  });

  it('keeps what is not a number, and counts what half precision cannot hold', () => {
    expect(float16ToNumber(halfOf(Number.NaN))).toBeNaN();
    const values = Float32Array.of(1, 65504, 65520, -1e9, 0, -0, 1e-9, 6e-8, Number.NaN, Infinity);
    expect(countOutsideFloat16(new Uint32Array(values.buffer))).toEqual({
      tooLarge: 2,
      tooSmall: 1,
      notFinite: 2,
    });
  });
});
