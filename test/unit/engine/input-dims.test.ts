import { describe, expect, it } from 'vitest';
import { inputDims } from '../../../src/engine/input-dims.ts';
import { valueName } from '../../../src/onnx/model.ts';

const input = (shape: readonly (number | string | null)[] | null) => ({
  name: valueName('image'),
  dataType: 'float32',
  shape,
  bytes: null,
});

describe('inputDims', () => {
  it('takes images that fit, whatever symbols the model has', () => {
    expect(inputDims(input(['batch', 3, null, 32]), [1, 3, 32, 32])).toEqual([1, 3, 32, 32]);
    expect(inputDims(input(null), [1, 3, 32, 32])).toEqual([1, 3, 32, 32]);
  });
  it('flattens for a model that wants a vector', () => {
    expect(inputDims(input(['N', 784]), [1, 1, 28, 28])).toEqual([1, 784]);
  });
  it('refuses a wrong layout, naming both shapes', () => {
    expect(() => inputDims(input([1, 32, 32, 3]), [1, 3, 32, 32])).toThrow('[1, 3, 32, 32]');
    expect(() => inputDims(input([1, 32, 32, 3]), [1, 3, 32, 32])).toThrow('[1, 32, 32, 3]');
    expect(() => inputDims(input([8, 3, 32, 32]), [1, 3, 32, 32])).toThrow('wants [8, 3, 32, 32]');
  });
});
