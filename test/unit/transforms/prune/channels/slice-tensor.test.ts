import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../../../src/onnx/byte-source.ts';
import { DataType, type Tensor } from '../../../../../src/onnx/model.ts';
import { bitsPerElement, elementCount, tensorBytes } from '../../../../../src/onnx/tensor.ts';
import type { KeptAxis } from '../../../../../src/transforms/prune/channels/kept-axes.ts';
import { sliceTensor } from '../../../../../src/transforms/prune/channels/slice-tensor.ts';

const types = [DataType.float, DataType.float16, DataType.int8, DataType.double, DataType.int64];

/** A tensor of random bytes that begin anywhere in their source. */
const tensors = fc
  .record({
    dims: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 4 }),
    dataType: fc.constantFrom(...types),
    offset: fc.nat(7),
  })
  .chain(({ dims, dataType, offset }) =>
    fc.record({
      tensor: fc
        .uint8Array({
          minLength: (elementCount(dims) * bitsPerElement(dataType)) / 8,
          maxLength: (elementCount(dims) * bitsPerElement(dataType)) / 8,
        })
        .map((bytes): Tensor => {
          const file = new Uint8Array(offset + bytes.length);
          file.set(bytes, offset);
          const range = { source: memorySource(file), offset, length: bytes.length };
          return { name: 'w', dims, dataType, data: { kind: 'raw', range }, docString: '', unknown: [] };
        }),
      axes: fc
        .tuple(...dims.map((size) => fc.array(fc.boolean(), { minLength: size, maxLength: size })))
        .map((masks) =>
          masks.flatMap((mask, axis): KeptAxis[] => {
            const stays = Uint8Array.from(mask, Number);
            const count = stays.filter((stay) => stay === 1).length;
            return count === stays.length ? [] : [{ axis, stays, count }];
          }),
        )
        .filter((axes) => axes.length > 0),
    }),
  );

describe('cutting indices out of a tensor', () => {
  it('leaves the elements whose indices all stay, in their order', () => {
    fc.assert(
      fc.property(tensors, ({ tensor, axes }) => {
        const { dims, dataType } = tensor;
        const size = bitsPerElement(dataType) / 8;
        const bytes = tensorBytes(tensor);
        const wanted: number[] = [];
        for (let at = 0; at < elementCount(dims); at++) {
          const indexAlong = (axis: number): number =>
            Math.floor(at / elementCount(dims.slice(axis + 1))) % (dims[axis] as number);
          if (axes.every(({ axis, stays }) => stays[indexAlong(axis)] === 1))
            wanted.push(...bytes.subarray(at * size, (at + 1) * size));
        }
        const cut = sliceTensor(tensor, axes);
        expect(cut.dims).toEqual(
          dims.map((dim, axis) => axes.find((each) => each.axis === axis)?.count ?? dim),
        );
        expect([...tensorBytes(cut)]).toEqual(wanted);
      }),
    );
  });

  it('moves long runs as it moves short ones', () => {
    const values = Float32Array.from({ length: 3 * 5 * 64 }, (_, at) => at);
    const bytes = new Uint8Array(values.buffer);
    const tensor: Tensor = {
      name: 'w',
      dims: [3, 5, 64],
      dataType: DataType.float,
      data: { kind: 'bytes', bytes },
      docString: '',
      unknown: [],
    };
    const cut = sliceTensor(tensor, [{ axis: 1, stays: Uint8Array.of(1, 0, 1, 1, 0), count: 3 }]);
    const left = new Float32Array(new Uint8Array(tensorBytes(cut)).buffer);
    expect([...left]).toEqual([...values].filter((value) => [0, 2, 3].includes(Math.floor(value / 64) % 5)));
  });
});
