import { Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import {
  makeFloat,
  makeGraph,
  makeInt,
  makeInts,
  makeNode,
  makeTensor,
} from '../../../../src/onnx/attributes.ts';
import { DataType, type Model, type Node } from '../../../../src/onnx/model.ts';
import { floatTensor, int64Tensor, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { toFloat16 } from '../../../../src/transforms/quantize/float16.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { relativeDifference } from '../run-variant.ts';
import { digest, formula, weightGolden } from './weight-golden.ts';

const scalar = (name: string, value: number) => floatTensor(name, [], Float32Array.of(value));

/** The script's model. */
function classifier(): Model {
  const bias = Float32Array.of(1e-9, -3e-8, 6.1e-5, 1e5, -70000, 0);
  const weight = formula('conv.weight', [6, 3, 3, 3], 1);
  return modelOf({
    nodes: [
      makeNode('Conv', ['image', 'conv.weight', 'conv.bias'], ['conv'], [makeInts('pads', [1, 1, 1, 1])], {
        name: 'conv',
      }),
      makeNode('Clip', ['conv', 'low', 'high'], ['clipped'], [], { name: 'clip' }),
      makeNode('GlobalAveragePool', ['clipped'], ['pooled'], [], { name: 'pool' }),
      makeNode('Flatten', ['pooled'], ['flat'], [], { name: 'flatten' }),
      makeNode('Gemm', ['flat', 'head.weight', 'head.bias'], ['logits'], [], { name: 'head' }),
    ],
    inputs: [tensorInfo('image', [1, 3, 8, 8])],
    outputs: [tensorInfo('logits', [1, 4])],
    initializers: [
      floatTensor(
        'conv.weight',
        [6, 3, 3, 3],
        tensorFloats(weight).map((value) => value / 7),
      ),
      floatTensor('conv.bias', [6], bias),
      formula('head.weight', [6, 4], 2),
      formula('head.bias', [4], 3, Math.fround(1e-6)),
      scalar('low', 0),
      scalar('high', 6),
    ],
    valueInfos: [tensorInfo('clipped', [1, 6, 8, 8])],
  });
}

describe('float16', () => {
  it('makes the weights that the runtime’s own tool makes, and computes what its model does', async () => {
    const { model, clamped, coverage } = toFloat16(classifier());
    const found = model.graph.initializers.map((tensor) => ({
      name: tensor.name,
      type: tensor.dataType,
      sha256: digest(tensor),
    }));
    expect(found).toEqual(weightGolden.float16.tensors);
    expect(clamped).toEqual([{ tensor: 'conv.bias', tooLarge: 2, tooSmall: 2, notFinite: 0 }]);
    expect(coverage).toMatchObject({ quantized: 5, skipped: [], unmatched: [] });
    const image = new RuntimeTensor('float32', tensorFloats(formula('image', [1, 3, 8, 8], 5)), [1, 3, 8, 8]);
    const { data } = (await runModel(model, { image })).get('logits') ?? {};
    expect(
      relativeDifference(data as Float32Array, Float32Array.from(weightGolden.float16.logits)),
    ).toBeLessThan(2e-3);
  });

  it('keeps inputs, outputs and the names of values', () => {
    const { graph } = toFloat16(classifier()).model;
    expect(graph.inputs).toEqual([tensorInfo('image', [1, 3, 8, 8])]);
    expect(graph.outputs).toEqual([tensorInfo('logits', [1, 4])]);
    expect(graph.valueInfos).toEqual([tensorInfo('clipped', [1, 6, 8, 8], DataType.float16)]);
    expect(graph.nodes.flatMap(({ outputs }) => outputs)).toEqual(
      expect.arrayContaining(['conv', 'clipped', 'pooled', 'flat', 'logits']),
    );
  });

  it('keeps nodes in float32 as asked, casting around them, and tells patterns that mean none', async () => {
    const original = classifier();
    const { model, coverage, clamped } = toFloat16(original, { keepFloat32: ['conv', 'head', 'nothing'] });
    expect(coverage.skipped.map(({ node }) => node)).toEqual(['conv', 'head']);
    expect(coverage.unmatched).toEqual(['nothing']);
    expect(clamped).toEqual([]);
    const types = new Map(model.graph.initializers.map((tensor) => [tensor.name, tensor.dataType]));
    expect([types.get('conv.weight'), types.get('high')]).toEqual([DataType.float, DataType.float16]);
    const [found, wanted] = await Promise.all(
      [model, original].map(
        async (each) => (await runModel(each, { image: feed([1, 3, 8, 8]) })).get('logits')?.data,
      ),
    );
    expect(relativeDifference(found as Float32Array, wanted as Float32Array)).toBeLessThan(2e-3);
  });

  const branch = (node: Node, name: string) => ({
    ...modelOf({ nodes: [node], inputs: [], outputs: [tensorInfo(name, [1, 4])] }).graph,
    name,
  });
  it.each([
    [
      'Resize, whose scales are always float32',
      [makeNode('Relu', ['x'], ['a']), makeNode('Resize', ['a', '', 'scales'], ['y'])],
      [floatTensor('scales', [4], Float32Array.of(1, 1, 1.5, 1.5))],
      [1, 2, 4, 4],
      [1, 2, 6, 6],
    ],
    [
      'an operator without a float16 form between others',
      [
        makeNode('Relu', ['x'], ['a']),
        makeNode('Max', ['a', 'w'], ['b']),
        makeNode('Mul', ['b', 'w'], ['y']),
      ],
      [formula('w', [4], 1)],
      [2, 4],
      [2, 4],
    ],
    [
      'a Cast, and a constant made at run time',
      [
        makeNode('Cast', ['x'], ['a'], [makeInt('to', DataType.int64)]),
        makeNode('Cast', ['a'], ['b'], [makeInt('to', DataType.float)]),
        makeNode('Shape', ['x'], ['size']),
        makeNode(
          'ConstantOfShape',
          ['size'],
          ['c'],
          [makeTensor('value', floatTensor('', [1], Float32Array.of(0.5)))],
        ),
        makeNode('Add', ['b', 'c'], ['d']),
        makeNode('LeakyRelu', ['d'], ['y'], [makeFloat('alpha', 0.25)]),
      ],
      [],
      [2, 4],
      [2, 4],
    ],
    [
      'a subgraph that sees values from outside',
      [
        makeNode('Relu', ['x'], ['a']),
        makeNode('ReduceMax', ['a'], ['top'], [makeInt('keepdims', 0)]),
        makeNode('Greater', ['top', 'w0'], ['is']),
        makeNode(
          'If',
          ['is'],
          ['b'],
          [
            makeGraph('then_branch', branch(makeNode('Mul', ['a', 'w'], ['then']), 'then')),
            makeGraph('else_branch', branch(makeNode('Neg', ['a'], ['else']), 'else')),
          ],
        ),
        makeNode('Mul', ['b', 'w'], ['y']),
      ],
      [formula('w', [4], 1), scalar('w0', 0)],
      [1, 4],
      [1, 4],
    ],
    [
      'sizes computed in float32',
      [
        makeNode('Shape', ['x'], ['size']),
        makeNode('Cast', ['size'], ['sizef'], [makeInt('to', DataType.float)]),
        makeNode('Mul', ['sizef', 'w'], ['twice']),
        makeNode('Cast', ['twice'], ['target'], [makeInt('to', DataType.int64)]),
        makeNode('Expand', ['x', 'target'], ['y']),
      ],
      [floatTensor('w', [2], Float32Array.of(1.5, 1))],
      [1, 3001],
      [1, 3001],
    ],
    [
      'a weight that is an output, too, and a list of numbers beside',
      [makeNode('Gather', ['w', 'at'], ['a']), makeNode('Add', ['x', 'a'], ['y'])],
      [formula('w', [3, 4], 1), int64Tensor('at', [1], [2])],
      [1, 4],
      [1, 4],
    ],
  ] as const)('computes nearly the same: %s', async (title, nodes, initializers, x, y) => {
    const model = modelOf({
      nodes,
      initializers,
      inputs: [tensorInfo('x', x)],
      outputs: [tensorInfo('y', y), ...(title.includes('output') ? [tensorInfo('w', [3, 4])] : [])],
    });
    const feeds = { x: feed(x, (at) => 3 * Math.sin(at)) };
    const [found, wanted] = [await runModel(toFloat16(model).model, feeds), await runModel(model, feeds)];
    for (const [name, { type, data }] of wanted) {
      expect(found.get(name)?.type).toBe(type);
      expect(relativeDifference(found.get(name)?.data as Float32Array, data as Float32Array)).toBeLessThan(
        2e-3,
      );
    }
  });
});
