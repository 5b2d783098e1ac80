import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { resizeBilinear } from '../../../src/data/resize.ts';
import { fromBase64, golden } from '../../fixtures/data/read.ts';

interface ResizeCase {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly pixels: string;
  readonly outWidth: number;
  readonly outHeight: number;
  readonly resized: string;
}

const cases = golden<ResizeCase[]>('resize.json');

describe('resizeBilinear equals Pillow in every byte', () => {
  test.each(cases)('$width x $height x $channels to $outWidth x $outHeight', (c) => {
    const source = { width: c.width, height: c.height, channels: c.channels, data: fromBase64(c.pixels) };
    expect(resizeBilinear(source, c.outWidth, c.outHeight).data).toEqual(fromBase64(c.resized));
  });
});

const picture = fc
  .record({ width: fc.integer({ min: 1, max: 24 }), height: fc.integer({ min: 1, max: 24 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, channels: 3, data })),
  );

test('a region equals that part of the whole', () => {
  const side = fc.integer({ min: 1, max: 30 });
  fc.assert(
    fc.property(picture, side, side, fc.nat(29), fc.nat(29), side, side, (source, w, h, x, y, rw, rh) => {
      const region = {
        left: x % w,
        top: y % h,
        width: Math.min(rw, w - (x % w)),
        height: Math.min(rh, h - (y % h)),
      };
      const whole = resizeBilinear(source, w, h);
      const part = resizeBilinear(source, w, h, region);
      for (let row = 0; row < region.height; row++) {
        const from = ((region.top + row) * w + region.left) * 3;
        const expected = whole.data.slice(from, from + region.width * 3);
        expect(part.data.slice(row * region.width * 3, (row + 1) * region.width * 3)).toEqual(
          new Uint8Array(expected),
        );
      }
    }),
  );
});

test('what lies outside the image is 0', () => {
  const white = { width: 2, height: 2, channels: 1, data: new Uint8Array(4).fill(255) };
  const padded = resizeBilinear(white, 2, 2, { left: -1, top: -1, width: 4, height: 4 });
  expect([...padded.data]).toEqual([0, 0, 0, 0, 0, 255, 255, 0, 0, 255, 255, 0, 0, 0, 0, 0]);
});

test('impossible sizes are refused', () => {
  const source = { width: 2, height: 2, channels: 1, data: new Uint8Array(4) };
  for (const [w, h] of [
    [0, 5],
    [5, -1],
    [1e6, 1e6],
    [Number.NaN, 3],
  ] as const) {
    expect(() => resizeBilinear(source, w, h)).toThrow(/cannot resize/);
  }
});
