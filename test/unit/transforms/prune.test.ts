import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { DataType, type Model, type Tensor } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { bytesTensor, floatTensor, tensorBytes, tensorFloats } from '../../../src/onnx/tensor.ts';
import { nonZeroCount, nonZeroParams } from '../../../src/transforms/count-non-zero.ts';
import { prunableLayers } from '../../../src/transforms/prune/prunable-layers.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { build, fileBytes, sampleModel } from './run-variant.ts';

const prune = (ratio: number, scope: 'layer' | 'global'): Recipe => [
  { op: 'prune', kind: 'unstructured', ratio, scope },
];
const zerosIn = (values: Float32Array): number => values.filter((value) => value === 0).length;
const weightsIn = (model: Model): Map<string, Tensor> =>
  new Map(prunableLayers(model.graph).map(({ weight }) => [weight.name, weight]));

describe('pruning', () => {
  const model = sampleModel('digits');

  it.each([0, 0.3, 0.5, 0.9])(
    'by %d within layers zeroes that share of each, the smallest first',
    (ratio) => {
      const before = weightsIn(model);
      const written = parseModel(memorySource(fileBytes(build(model, prune(ratio, 'layer')).files[0]!)));
      const after = weightsIn(written);
      expect([...after.keys()]).toEqual([...before.keys()]);
      for (const [name, tensor] of before) {
        const old = tensorFloats(tensor);
        const pruned = tensorFloats(after.get(name)!);
        expect(zerosIn(pruned)).toBe(Math.round(ratio * old.length));
        const kept = old.filter((_, at) => pruned[at] !== 0).map(Math.abs);
        const gone = old.filter((_, at) => pruned[at] === 0).map(Math.abs);
        expect(Math.max(0, ...gone)).toBeLessThanOrEqual(Math.min(...kept));
        old.forEach((value, at) => {
          if (pruned[at] !== 0 && pruned[at] !== value) throw new Error(`${name}[${at}] changed`);
        });
      }
    },
  );

  it('globally zeroes that share of all, at one magnitude', () => {
    const before = weightsIn(model);
    const after = weightsIn(
      parseModel(memorySource(fileBytes(build(model, prune(0.7, 'global')).files[0]!))),
    );
    let [zeros, all, largestGone, smallestKept] = [0, 0, 0, Number.POSITIVE_INFINITY];
    for (const [name, tensor] of before) {
      const pruned = tensorFloats(after.get(name)!);
      zeros += zerosIn(pruned);
      all += pruned.length;
      tensorFloats(tensor).forEach((value, at) => {
        if (pruned[at] === 0) largestGone = Math.max(largestGone, Math.abs(value));
        else smallestKept = Math.min(smallestKept, Math.abs(value));
      });
    }
    expect(zeros).toBe(Math.round(0.7 * all));
    expect(largestGone).toBeLessThanOrEqual(smallestKept);
  });

  it('leaves the model it came from, and biases, as they were', () => {
    const bytesBefore = model.graph.initializers.map((tensor) => new Uint8Array(tensorBytes(tensor)));
    const variant = build(model, prune(0.8, 'global'));
    fileBytes(variant.files[0]!);
    model.graph.initializers.forEach((tensor, at) => {
      expect(Buffer.compare(tensorBytes(tensor), bytesBefore[at]!)).toBe(0);
    });
  });

  it('counts the non-zero parameters that the written file really has', () => {
    for (const scope of ['layer', 'global'] as const) {
      const variant = build(model, prune(0.6, scope));
      const written = parseModel(memorySource(fileBytes(variant.files[0]!)));
      const counted = build(written, [{ op: 'identity' }]);
      expect(nonZeroParams(variant.parameters)).toBe(nonZeroParams(counted.parameters));
      expect(variant.params).toBe(counted.params);
      expect(nonZeroParams(variant.parameters)).toBeLessThan(0.45 * variant.params);
    }
  });

  it('after a fixed exit ranks what is left of the model', () => {
    const exit = { op: 'early-exit', kind: 'existing', exit: 0 } as const;
    const [pruneAll] = prune(0.5, 'global');
    const after = build(model, [exit, pruneAll!]);
    expect(nonZeroParams(after.parameters) / after.params).toBeLessThan(0.6);
    expect(nonZeroParams(after.parameters) / after.params).toBeGreaterThan(0.45);
  });

  it('writes a file that can be read twice', () => {
    const [file] = build(model, prune(0.5, 'layer')).files;
    expect(Buffer.compare(fileBytes(file!), fileBytes(file!))).toBe(0);
  });
});

describe('nonZeroCount', () => {
  it.each([
    [0, 1],
    [0, 0],
    [0.5, 0],
    [-1e-5, 0.01],
    [Math.sqrt(3), 1],
  ])('of noise with mean %f and deviation %f is that of the values it makes', (mean, std) => {
    const dims = [300, 7];
    const noise = { kind: 'hollow', mean, std } as const;
    const hollow: Tensor = {
      name: 'w',
      dims,
      dataType: DataType.float,
      data: noise,
      docString: '',
      unknown: [],
    };
    const made = floatTensor('w', dims, tensorFloats(hollow));
    expect(nonZeroCount(hollow)).toBe(nonZeroCount(made));
  });

  it.each([
    [DataType.float, [1, 0, 0x80000000, 0x7f800000], 2],
    [DataType.int32, [1, 0, 0x80000000, 0xffffffff], 3],
  ])('of type %d', (dataType, words, count) => {
    const bytes = new Uint8Array(Uint32Array.from(words).buffer);
    expect(nonZeroCount(bytesTensor('t', [4], dataType, bytes))).toBe(count);
  });
  it.each([
    [DataType.float16, Uint16Array.of(0x8000, 0, 1, 0x3c00), 4, 2],
    [DataType.int8, Int8Array.of(0, -1, 1, -128), 4, 3],
    [DataType.double, Float64Array.of(0, -0, 5e-324, 1), 4, 2],
    [DataType.int64, BigInt64Array.of(0n, -1n, 2n ** 40n, 0n), 4, 2],
    [DataType.int4, Uint8Array.of(0x10, 0x00, 0x0f), 5, 2],
  ])('of type %d', (dataType, values, elements, count) => {
    const bytes = new Uint8Array(values.buffer);
    expect(nonZeroCount(bytesTensor('t', [elements], dataType, bytes))).toBe(count);
  });
});
