import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DecodedImage } from '../../../src/data/dataset.ts';
import { halfBits, preprocess } from '../../../src/data/preprocess.ts';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import { float16ToNumber } from '../../../src/onnx/float16.ts';
import { fromBase64, golden } from '../../fixtures/data/read.ts';

interface Golden {
  readonly photos: readonly {
    readonly width: number;
    readonly height: number;
    readonly pixels: string;
    readonly shorterSide: number;
    readonly crop: number;
    readonly tensor: string;
  }[];
  readonly grey: {
    readonly width: number;
    readonly height: number;
    readonly pixels: string;
    readonly grey: string;
  };
}

const facts = golden<Golden>('preprocess.json');

const plain: Preprocessing = {
  inputName: 'input',
  layout: 'NCHW',
  height: 2,
  width: 2,
  channels: 3,
  channelOrder: 'RGB',
  fit: { kind: 'stretch' },
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  dataType: 'float32',
  invert: false,
  classOffset: 0,
};

function fromRgb(width: number, height: number, rgb: Uint8Array): DecodedImage {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    rgba.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
    rgba[4 * i + 3] = 255;
  }
  return { width, height, rgba };
}

/** Pixels 0, 1, 2 … in reading order, channels interleaved. */
const counting = fromRgb(
  2,
  2,
  Uint8Array.from({ length: 12 }, (_, i) => i),
);

describe("torchvision's evaluation transform", () => {
  test.each(facts.photos)('$width x $height: shorter side $shorterSide, crop $crop', (photo) => {
    const image = fromRgb(photo.width, photo.height, fromBase64(photo.pixels));
    const { data, dims } = preprocess(image, {
      ...plain,
      height: photo.crop,
      width: photo.crop,
      fit: { kind: 'crop', shorterSide: photo.shorterSide },
      scale: 1 / 255,
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    });
    const expected = new Float32Array(fromBase64(photo.tensor).buffer);
    expect(dims).toEqual([1, 3, photo.crop, photo.crop]);
    expect(data).toHaveLength(expected.length);
    // Same pixels; only the last bits of the division differ.
    const worst = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (data[i] as number))),
      0,
    );
    expect(worst).toBeLessThan(1e-6);
  });
});

test("grey equals Pillow's convert('L')", () => {
  const { width, height, pixels, grey } = facts.grey;
  const image = fromRgb(width, height, fromBase64(pixels));
  const { data } = preprocess(image, { ...plain, width, height, channels: 1, dataType: 'uint8' });
  expect(data).toEqual(fromBase64(grey));
});

describe('layout, order and type', () => {
  test('NCHW separates the channels', () => {
    const { data, dims } = preprocess(counting, plain);
    expect(dims).toEqual([1, 3, 2, 2]);
    expect([...data]).toEqual([0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
  });

  test('NHWC interleaves them', () => {
    const { data, dims } = preprocess(counting, { ...plain, layout: 'NHWC' });
    expect(dims).toEqual([1, 2, 2, 3]);
    expect([...data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  test('BGR reverses the pixels but not mean and deviation', () => {
    const { data } = preprocess(counting, { ...plain, channelOrder: 'BGR', mean: [100, 0, 0] });
    expect([...data]).toEqual([-98, -95, -92, -89, 1, 4, 7, 10, 0, 3, 6, 9]);
  });

  test('inversion comes before normalisation', () => {
    const { data } = preprocess(counting, { ...plain, invert: true, scale: 1 / 255 });
    expect(data[0]).toBe(1);
  });

  test('int8 takes pixels less 128', () => {
    const { data } = preprocess(counting, { ...plain, dataType: 'int8', mean: [128, 128, 128] });
    expect(data).toBeInstanceOf(Int8Array);
    expect(data[0]).toBe(-128);
  });

  test('uint8 clamps instead of wrapping', () => {
    const { data } = preprocess(counting, { ...plain, dataType: 'uint8', scale: 100 });
    expect(Array.from(data.slice(0, 4))).toEqual([0, 255, 255, 255]);
  });
});

describe('halfBits', () => {
  test('every half is its own nearest half', () => {
    const changed: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = float16ToNumber(bits);
      if (!Number.isNaN(value) && halfBits(value) !== bits) changed.push(bits);
    }
    expect(changed).toEqual([]);
  });

  test('other numbers go to the nearest, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ min: -70000, max: 70000, noNaN: true }), (value) => {
        const bits = halfBits(value);
        const found = float16ToNumber(bits);
        if (!Number.isFinite(found)) {
          expect(Math.abs(value)).toBeGreaterThanOrEqual(65520);
          return;
        }
        const error = Math.abs(found - value);
        for (const other of [bits - 1, bits + 1]) {
          const neighbour = float16ToNumber(other & 0xffff);
          if (!Number.isFinite(neighbour)) continue;
          const otherError = Math.abs(neighbour - value);
          expect(error < otherError || (error === otherError && bits % 2 === 0)).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
    expect(halfBits(Number.NaN) & 0x7c00).toBe(0x7c00);
    expect(float16ToNumber(halfBits(Number.NaN))).toBeNaN();
  });
});
