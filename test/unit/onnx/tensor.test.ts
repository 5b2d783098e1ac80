import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import type { Tensor, TensorData } from '../../../src/onnx/model.ts';
import { DataType } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import {
  bytesTensor,
  dataTypeName,
  elementCount,
  floatTensor,
  int64Tensor,
  tensorByteLength,
  tensorBytes,
  tensorFloats,
  tensorIntegers,
} from '../../../src/onnx/tensor.ts';
import { officialBytes } from './official-onnx.ts';

/** The one initializer of a model written by the official schema. */
function official(fields: Record<string, unknown>): Tensor {
  const bytes = officialBytes('ModelProto', {
    irVersion: 8n,
    opsetImport: [{ version: 13n }],
    graph: { initializer: [{ name: 't', ...fields }] },
  });
  const [tensor] = parseModel(memorySource(bytes)).graph.initializers;
  if (tensor === undefined) throw new Error('no tensor');
  return tensor;
}

/** A tensor whose numbers are written one field each, as proto2 allows and the official writer does not. */
function unpacked(
  dataType: number,
  count: number,
  tag: number,
  values: readonly (readonly number[])[],
): Tensor {
  const tensor = [0x08, count, 0x10, dataType, ...values.flatMap((bytes) => [tag, ...bytes]), 0x42, 1, 0x74];
  const graph = [0x2a, tensor.length, ...tensor];
  const model = [0x08, 8, 0x42, 2, 0x10, 13, 0x3a, graph.length, ...graph];
  return parseModel(memorySource(Uint8Array.from(model))).graph.initializers[0] as Tensor;
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure.code;
    throw thrown;
  }
  return 'no error';
}

const dimsOf = (values: readonly unknown[]): bigint[] => [BigInt(values.length)];

describe('typed data', () => {
  it('reads float_data and double_data', () => {
    fc.assert(
      fc.property(fc.array(fc.float()), (values) => {
        const expected = Float32Array.from(values);
        expect(tensorFloats(official({ dims: dimsOf(values), dataType: 1, floatData: values }))).toEqual(
          expected,
        );
        expect(tensorFloats(official({ dims: dimsOf(values), dataType: 11, doubleData: values }))).toEqual(
          expected,
        );
      }),
    );
  });

  it.each([
    ['int32', DataType.int32, -(2 ** 31), 2 ** 31 - 1],
    ['int16', DataType.int16, -(2 ** 15), 2 ** 15 - 1],
    ['int8', DataType.int8, -128, 127],
    ['uint16', DataType.uint16, 0, 2 ** 16 - 1],
    ['uint8', DataType.uint8, 0, 255],
    ['bool', DataType.bool, 0, 1],
  ])('reads %s from int32_data', (_name, dataType, min, max) => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min, max })), (values) => {
        const tensor = official({ dims: dimsOf(values), dataType, int32Data: values });
        expect(tensorIntegers(tensor)).toEqual(values);
        expect(tensorBytes(tensor)).toHaveLength(tensorByteLength(tensor));
      }),
    );
  });

  it('reads int64_data, uint32 and uint64 from uint64_data', () => {
    const safe = fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n });
    const unsigned = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
    fc.assert(
      fc.property(fc.array(safe), fc.array(unsigned), (signed, words) => {
        const int64 = official({ dims: dimsOf(signed), dataType: 7, int64Data: signed });
        expect(tensorIntegers(int64)).toEqual(signed.map(Number));
        for (const dataType of [DataType.uint32, DataType.uint64]) {
          const tensor = official({ dims: dimsOf(words), dataType, uint64Data: words });
          expect(tensorIntegers(tensor)).toEqual(words.map(Number));
        }
      }),
    );
  });

  it('refuses integers that a number cannot hold', () => {
    const tensor = official({ dims: [1n], dataType: 7, int64Data: [2n ** 60n] });
    expect(codeOf(() => tensorIntegers(tensor))).toBe('onnx-tensor-range');
    expect([...tensorBytes(tensor)]).toEqual([0, 0, 0, 0, 0, 0, 0, 0x10]);
  });

  it('reads numbers written one field each, and a mixture', () => {
    const one = [0, 0, 0x80, 0x3f];
    const two = [0, 0, 0, 0x40];
    expect([...tensorFloats(unpacked(DataType.float, 2, 0x25, [one, two]))]).toEqual([1, 2]);
    expect(tensorIntegers(unpacked(DataType.int64, 3, 0x38, [[5], [0x96, 0x01], [7]]))).toEqual([5, 150, 7]);
    // The second "field" is the packed form of the same field, spelled into the first one's bytes.
    const mixed = unpacked(DataType.int64, 3, 0x38, [[5, 0x3a, 1, 6], [7]]);
    expect(tensorIntegers(mixed)).toEqual([5, 6, 7]);
  });

  it('reads float16 and bfloat16, raw and from int32_data', () => {
    const halves = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x3555, 0x8000, 0x7c00, 0xfc00];
    const values = [1, -2, 65504, 2 ** -24, 0.333251953125, -0, Infinity, -Infinity];
    const brains = [0x3f80, 0xc000, 0x4049, 0x7f80];
    const brainValues = [1, -2, 3.140625, Infinity];
    expect([...tensorFloats(official({ dims: [8n], dataType: 10, int32Data: halves }))]).toEqual(values);
    expect([...tensorFloats(official({ dims: [4n], dataType: 16, int32Data: brains }))]).toEqual(brainValues);
    const rawData = new Uint8Array(Uint16Array.from(halves).buffer);
    expect([...tensorFloats(official({ dims: [8n], dataType: 10, rawData }))]).toEqual(values);
    expect(tensorFloats(official({ dims: [1n], dataType: 10, int32Data: [0x7e00] }))[0]).toBeNaN();
  });

  it('unpacks 4-bit integers, low half first', () => {
    const packed = [0x1f, 0x08];
    const rawData = Uint8Array.from(packed);
    for (const form of [{ rawData }, { int32Data: packed }]) {
      expect(tensorIntegers(official({ dims: [3n], dataType: DataType.int4, ...form }))).toEqual([-1, 1, -8]);
      expect(tensorIntegers(official({ dims: [3n], dataType: DataType.uint4, ...form }))).toEqual([15, 1, 8]);
    }
  });

  it.each([
    ['too few', [1n, 2n]],
    ['too many', [1n, 2n, 3n, 4n]],
  ])('refuses %s values', (_name, int64Data) => {
    expect(codeOf(() => tensorBytes(official({ dims: [3n], dataType: 7, int64Data })))).toBe(
      'onnx-tensor-size',
    );
  });

  it('refuses a field that is not that of the type', () => {
    expect(codeOf(() => official({ dims: [1n], dataType: 1, int64Data: [1n] }))).toBe('onnx-tensor-size');
  });
});

describe('tensors made here', () => {
  it('give their values back', () => {
    expect(tensorFloats(floatTensor('f', [2, 2], Float32Array.of(1, 2, 3, 4)))).toEqual(
      Float32Array.of(1, 2, 3, 4),
    );
    expect(tensorIntegers(int64Tensor('i', [3], [-1, 0, 2 ** 40]))).toEqual([-1, 0, 2 ** 40]);
  });

  it('hand out floats that may be changed without changing the tensor', () => {
    const tensor = floatTensor('f', [1], Float32Array.of(1));
    tensorFloats(tensor)[0] = 5;
    expect(tensorFloats(tensor)[0]).toBe(1);
  });

  it('read floats at any alignment', () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat32(1, 2.5, true);
    expect(tensorFloats(bytesTensor('f', [1], DataType.float, bytes.subarray(1, 5)))[0]).toBe(2.5);
  });

  it('are refused if bytes and dims disagree, or the type is another', () => {
    expect(codeOf(() => bytesTensor('f', [2], DataType.float, new Uint8Array(4)))).toBe('onnx-tensor-size');
    expect(codeOf(() => tensorIntegers(floatTensor('f', [1], Float32Array.of(1))))).toBe('onnx-tensor-type');
    expect(codeOf(() => tensorFloats(int64Tensor('i', [1], [1])))).toBe('onnx-tensor-type');
  });

  it('say so when their data is not there', () => {
    const lacking = (data: TensorData): Tensor => ({
      ...floatTensor('f', [0], new Float32Array(0)),
      dims: [2],
      data,
    });
    expect(codeOf(() => tensorBytes(lacking({ kind: 'empty' })))).toBe('onnx-tensor-no-data');
    expect(
      codeOf(() =>
        tensorBytes(lacking({ kind: 'external', location: 'w.bin', offset: 0, length: null, source: null })),
      ),
    ).toBe('onnx-external-missing');
    expect(tensorBytes({ ...lacking({ kind: 'empty' }), dims: [2, 0] })).toHaveLength(0);
  });

  it('count and name elements', () => {
    expect([elementCount([]), elementCount([2, 3]), elementCount([4, 0])]).toEqual([1, 6, 0]);
    expect([1, 7, 11, 21, 0, 99].map(dataTypeName)).toEqual([
      'float32',
      'int64',
      'float64',
      'uint4',
      'undefined',
      'type 99',
    ]);
  });
});
