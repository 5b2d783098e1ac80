import { describe, expect, it } from 'vitest';
import { makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import { DataType, type Node, type Tensor } from '../../../../src/onnx/model.ts';
import { elementCount, floatTensor, int64Tensor } from '../../../../src/onnx/tensor.ts';
import { foldWeights } from '../../../../src/transforms/prepare/fold-weights.ts';
import { relativeDifference } from '../run-variant.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';

/** More numbers than are ever computed with as constants. */
const large = (name: string, dims: readonly number[]): Tensor =>
  floatTensor(
    name,
    dims,
    Float32Array.from({ length: elementCount(dims) }, (_, at) => Math.sin(at)),
  );
const noise: Tensor = {
  name: 'w',
  dims: [20, 20, 200],
  dataType: DataType.float,
  data: { kind: 'hollow', mean: 0, std: 0.1 },
  docString: '',
  unknown: [],
};
const reshaped = [makeNode('Reshape', ['w', 'dims'], ['v']), makeNode('MatMul', ['x', 'v'], ['y'])];

describe('weights that the graph lays out', () => {
  it.each<[string, readonly Node[], Tensor]>([
    [
      'transposed',
      [makeNode('Transpose', ['w'], ['v']), makeNode('MatMul', ['x', 'v'], ['y'])],
      large('w', [200, 400]),
    ],
    ['reshaped', reshaped, large('w', [20, 20, 200])],
    ['reshaped noise', reshaped, noise],
    [
      'transposed in more dims, squeezed and flattened',
      [
        makeNode('Transpose', ['w'], ['a'], [makeInts('perm', [1, 3, 0, 2])]),
        makeNode('Flatten', ['a'], ['v'], [makeInt('axis', 2)]),
        makeNode('MatMul', ['x', 'v'], ['y']),
      ],
      large('w', [10, 20, 20, 20]),
    ],
  ])('become initializers: %s', async (_, nodes, weight) => {
    const model = modelOf({
      nodes,
      initializers: [weight, int64Tensor('dims', [2], [400, 200])],
      inputs: [tensorInfo('x', [2, 400])],
      outputs: [tensorInfo('y', [2, 200])],
    });
    const { model: folded, changed } = foldWeights(model);
    expect(folded.graph.nodes.map(({ opType }) => opType)).toEqual(['MatMul']);
    expect(folded.graph.initializers.map(({ name }) => name)).toEqual(['v']);
    expect(changed).toBe(nodes.length - 1);
    const feeds = { x: feed([2, 400]) };
    const [found, wanted] = [await runModel(folded, feeds), await runModel(model, feeds)];
    const floats = (outputs: typeof found) => outputs.get('y')?.data as Float32Array;
    expect(relativeDifference(floats(found), floats(wanted))).toBeLessThan(1e-5);
  });

  it('stay where they are an output', () => {
    const model = modelOf({
      nodes: [makeNode('Transpose', ['w'], ['y'])],
      initializers: [large('w', [400, 200])],
      inputs: [],
      outputs: [tensorInfo('y', [200, 400])],
    });
    expect(foldWeights(model).changed).toBe(0);
  });
});
