import { describe, expect, it } from 'vitest';
import { type ByteSource, memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { tensorRange } from '../../../src/onnx/tensor.ts';
import { nonZeroParams } from '../../../src/transforms/count-non-zero.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { build, fileBytes, sampleModel } from './run-variant.ts';

/** Tensors below this may be read as constants of the graph: shapes, scales. */
const leastWeightBytes = 1024;

/** A file of random weights that tells which bytes of its weights were read. */
function watchedModel() {
  const file = fileBytes(build(sampleModel('zoo/mobilenet_v3_small'), [{ op: 'identity' }]).files[0]!);
  const memory = memorySource(file);
  const isWeight = new Uint8Array(file.length);
  let weightBytesRead = 0;
  const source: ByteSource = {
    size: memory.size,
    read(offset, length) {
      for (let at = offset; at < offset + length; at++) weightBytesRead += isWeight[at] as number;
      return memory.read(offset, length);
    },
  };
  const model = parseModel(source);
  let weightBytes = 0;
  for (const tensor of model.graph.initializers) {
    const range = tensorRange(tensor);
    // The parser keeps the smallest ones.
    if (range?.source !== source || range.length < leastWeightBytes) continue;
    isWeight.fill(1, range.offset, range.offset + range.length);
    weightBytes += range.length;
  }
  const readBy = <T>(work: () => T): { value: T; weightBytes: number } => {
    weightBytesRead = 0;
    const value = work();
    return { value, weightBytes: weightBytesRead };
  };
  return { model, weightBytes, readBy };
}

describe('building a variant', () => {
  const skip = { op: 'early-exit', kind: 'skip', blocks: 2 } as const;

  it.each<[string, Recipe]>([
    ['that skips blocks', [skip]],
    ['in two parts', [{ op: 'partition', cut: 'equal-size' }]],
    ['that skips blocks, in two parts', [{ op: 'partition', cut: 'fastest' }, skip]],
  ])('%s reads no weights, and none are copied into its pieces', (_, recipe) => {
    const { model, readBy } = watchedModel();
    const { value, weightBytes } = readBy(() => build(model, recipe));
    expect(weightBytes).toBe(0);
    for (const { pieces } of value.files) {
      const copied = pieces.filter(
        (piece) => piece instanceof Uint8Array && piece.length >= leastWeightBytes,
      );
      expect(copied).toEqual([]);
    }
  });

  it('leaves counting zeros to who asks, and counts each weight of the model once', () => {
    const { model, weightBytes, readBy } = watchedModel();
    const skipping = build(model, [skip]);
    const first = readBy(() => nonZeroParams(skipping.parameters));
    expect(first.value).toBe(skipping.params);
    expect(first.weightBytes).toBeGreaterThan(0);
    const whole = build(model, [{ op: 'identity' }]);
    const rest = readBy(() => nonZeroParams(whole.parameters));
    expect(first.weightBytes + rest.weightBytes).toBe(weightBytes);
    expect(readBy(() => nonZeroParams(build(model, [skip]).parameters)).weightBytes).toBe(0);
  });
});
