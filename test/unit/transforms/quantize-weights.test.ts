import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asymmetricU8,
  dequantized,
  quantized,
  roundHalfEven,
} from '../../../src/transforms/quantize/affine.ts';
import { quantizeWeights, transposed } from '../../../src/transforms/quantize/quantize-weights.ts';

const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });
const matrix = fc
  .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 9 }))
  .chain(([rows, columns]) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(columns),
      values: fc.float32Array({
        minLength: rows * columns,
        maxLength: rows * columns,
        noNaN: true,
        noDefaultInfinity: true,
        min: -1e6,
        max: 1e6,
      }),
    }),
  );
const form = fc.record({ weights: fc.constantFrom('u8' as const, 's8' as const), perChannel: fc.boolean() });
const axis = fc.constantFrom('rows' as const, 'columns' as const);

describe('affine quantization', () => {
  it('rounds half to even', () => {
    expect([0.5, 1.5, 2.5, -0.5, -1.5, 2.4999].map(roundHalfEven)).toEqual([0, 2, 2, 0, -2, 2]);
  });

  it('asymmetric u8 errs by at most half a scale and keeps zero exact', () => {
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 50 }), (values) => {
        const affine = asymmetricU8(Math.min(...values), Math.max(...values));
        for (const value of values) {
          const error = Math.abs(dequantized(quantized(value, affine), affine) - value);
          // The scale itself is rounded to float32: 255 of them may be off by 255 * 2^-24.
          expect(error).toBeLessThanOrEqual(affine.scale * (0.5 + 4e-5));
        }
        expect(dequantized(quantized(0, affine), affine)).toBe(0);
      }),
    );
  });
});

describe('quantizeWeights', () => {
  it('errs by at most half of the channel scale, whatever the form', () => {
    fc.assert(
      fc.property(matrix, form, axis, ({ rows, columns, values }, weightForm, channelAxis) => {
        const result = quantizeWeights(values, rows, columns, channelAxis, weightForm);
        if (result === null) throw new Error('finite weights were refused');
        const integers = weightForm.weights === 's8' ? new Int8Array(result.bytes.buffer) : result.bytes;
        let nonZero = 0;
        values.forEach((value, at) => {
          const channel = channelAxis === 'rows' ? Math.floor(at / columns) : at % columns;
          const scale = result.scales[result.scales.length === 1 ? 0 : channel] as number;
          const real = scale * ((integers[at] as number) - result.zeroPoint);
          expect(Math.abs(real - value)).toBeLessThanOrEqual(scale * (0.5 + 4e-5));
          if (value === 0) expect(real).toBe(0);
          if (real !== 0) nonZero++;
        });
        expect(result.nonZero).toBe(nonZero);
        expect(result.scales.length).toBe(
          weightForm.perChannel ? (channelAxis === 'rows' ? rows : columns) : 1,
        );
      }),
    );
  });

  it('refuses what is not finite', () => {
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      const values = Float32Array.of(1, bad, 2, 3);
      expect(quantizeWeights(values, 2, 2, 'rows', { weights: 'u8', perChannel: true })).toBeNull();
    }
  });

  it('transposing twice is the identity', () => {
    fc.assert(
      fc.property(matrix, ({ rows, columns, values }) => {
        const bytes = new Uint8Array(values.length).map((_, i) => i);
        expect(transposed(transposed(bytes, rows, columns), columns, rows)).toEqual(bytes);
      }),
    );
    expect([...transposed(Uint8Array.of(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  });
});
