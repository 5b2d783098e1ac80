import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import { NORMALISATIONS, normalisationOf } from '../../../src/panels/data/normalisations.ts';

const base: Preprocessing = {
  inputName: 'image',
  layout: 'NCHW',
  height: 32,
  width: 32,
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

const channels = fc.constantFrom(1 as const, 3 as const);

describe('normalisationOf', () => {
  it('recognises every named normalisation, for grey and for colour', () => {
    fc.assert(
      fc.property(fc.constantFrom(...NORMALISATIONS), channels, ({ id, make }, count) => {
        expect(normalisationOf({ ...base, channels: count, ...make(count) })).toBe(id);
      }),
    );
  });

  it('recognises it however it is written: what counts is what a pixel becomes', () => {
    const factor = fc.double({ min: 0.01, max: 300, noNaN: true });
    fc.assert(
      fc.property(fc.constantFrom(...NORMALISATIONS), channels, factor, ({ id, make }, count, by) => {
        const { scale, mean, std } = make(count);
        const rescaled = { scale: scale * by, mean: mean.map((m) => m * by), std: std.map((s) => s * by) };
        expect(normalisationOf({ ...base, channels: count, ...rescaled })).toBe(id);
      }),
    );
  });

  it('calls anything else its own', () => {
    expect(normalisationOf({ ...base, scale: 1 / 255, std: [0.25, 0.25, 0.25], mean: [0.5, 0.5, 0.5] })).toBe(
      'own',
    );
  });
});
