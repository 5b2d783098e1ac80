import { describe, expect, it } from 'vitest';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import { inputDims } from '../../../src/engine/input-dims.ts';
import { valueName } from '../../../src/onnx/model.ts';

const input = (shape: readonly (number | string | null)[] | null, dataType = 'float32') => ({
  name: valueName('image'),
  dataType,
  shape,
  bytes: null,
});

const images = (channels: 1 | 3, size: number): Preprocessing => ({
  inputName: 'image',
  layout: 'NCHW',
  height: size,
  width: size,
  channels,
  channelOrder: 'RGB',
  fit: { kind: 'stretch' },
  scale: 1,
  mean: [0],
  std: [1],
  dataType: 'float32',
  invert: false,
  classOffset: 0,
});

describe('inputDims', () => {
  it('takes images that fit, whatever symbols the model has', () => {
    expect(inputDims(input(['batch', 3, null, 32]), images(3, 32))).toEqual([1, 3, 32, 32]);
    expect(inputDims(input(null), images(3, 32))).toEqual([1, 3, 32, 32]);
    expect(inputDims(input([1, 32, 32, 3]), { ...images(3, 32), layout: 'NHWC' })).toEqual([1, 32, 32, 3]);
  });
  it('flattens for a model that wants a vector', () => {
    expect(inputDims(input(['N', 784]), images(1, 28))).toEqual([1, 784]);
  });
  it('refuses a wrong layout or a batch, naming both shapes', () => {
    expect(() => inputDims(input([1, 32, 32, 3]), images(3, 32))).toThrow('[1, 3, 32, 32]');
    expect(() => inputDims(input([1, 32, 32, 3]), images(3, 32))).toThrow('[1, 32, 32, 3]');
    expect(() => inputDims(input([8, 3, 32, 32]), images(3, 32))).toThrow('wants [8, 3, 32, 32]');
  });
  it('refuses a wrong data type, naming both', () => {
    expect(() => inputDims(input([1, 3, 32, 32], 'uint8'), images(3, 32))).toThrow(
      'float32, but input image wants uint8',
    );
  });
});
