import { expect, it } from 'vitest';
import { makeGraph, makeNode } from '../../../../src/onnx/attributes.ts';
import { floatTensor } from '../../../../src/onnx/tensor.ts';
import { quantizeDynamic } from '../../../../src/transforms/quantize/dynamic.ts';
import { quantizeWeightsOnly } from '../../../../src/transforms/quantize/weight-only.ts';
import { modelOf, tensorInfo } from '../../../fixtures/run-onnx.ts';

it('tells of layers in subgraphs, which stay as they are', () => {
  const branch = (name: string, opType: string) => {
    const node = makeNode(opType, ['m', 'w'], ['out']);
    return makeGraph(
      name,
      modelOf({ nodes: [node], inputs: [], outputs: [tensorInfo('out', [1, 4])] }).graph,
    );
  };
  const model = modelOf({
    nodes: [
      makeNode('MatMul', ['x', 'w'], ['m']),
      makeNode('If', ['either'], ['y'], [branch('then_branch', 'MatMul'), branch('else_branch', 'MatMul')], {
        name: 'if',
      }),
      makeNode('If', ['either'], ['z'], [branch('then_branch', 'Add'), branch('else_branch', 'Mul')]),
    ],
    inputs: [tensorInfo('x', [1, 4]), tensorInfo('either', [], 9)],
    outputs: [tensorInfo('y', [1, 4]), tensorInfo('z', [1, 4])],
    initializers: [
      floatTensor(
        'w',
        [4, 4],
        Float32Array.from({ length: 16 }, (_, at) => at - 8),
      ),
    ],
  });
  const told = [{ node: 'if', reason: '2 layers in graphs of its own stay float32' }];
  expect(quantizeDynamic(model, { weights: 'u8', perChannel: false }).coverage.skipped).toEqual(told);
  const form = { bits: 8, form: 'dequantize', blockSize: null, symmetric: true, exclude: [] } as const;
  expect(quantizeWeightsOnly(model, form).coverage.skipped).toEqual(told);
});
