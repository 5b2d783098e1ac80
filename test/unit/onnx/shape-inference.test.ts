import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeGraph, makeInt, makeInts, makeNode, makeString } from '../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { DataType, type Model, type Node, valueName } from '../../../src/onnx/model.ts';
import { inferFacts, inferShapes } from '../../../src/onnx/shape-inference.ts';
import { floatTensor, int64Tensor } from '../../../src/onnx/tensor.ts';
import { feed, modelOf, runModel, tensorInfo, untypedInfo } from '../../fixtures/run-onnx.ts';

const weight = (name: string, ...dims: number[]) =>
  floatTensor(name, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
const shapeOf = (model: Model, name: string) => inferShapes(model).get(valueName(name))?.shape;
const viewOf = (model: Model) => buildGraphView(model, { modelId: 'm', fileName: 'm.onnx', fileBytes: 1 });

function chain(nodes: readonly Node[], output: string, batch: number | string = 'batch'): Model {
  return modelOf({
    nodes,
    inputs: [tensorInfo('x', [batch, 3, 8, 8])],
    outputs: [untypedInfo(output)],
    initializers: [weight('w', 4, 3, 3, 3), int64Tensor('flat', [2], [0, -1]), weight('fc', 144, 10)],
  });
}

describe('open dimensions', () => {
  test('a symbolic batch is carried to the output by name', () => {
    const model = chain(
      [
        makeNode('Conv', ['x', 'w'], ['a']),
        makeNode('Reshape', ['a', 'flat'], ['b']),
        makeNode('MatMul', ['b', 'fc'], ['c']),
        makeNode('Softmax', ['c'], ['y']),
      ],
      'y',
    );
    expect(shapeOf(model, 'a')).toEqual(['batch', 4, 6, 6]);
    expect(shapeOf(model, 'b')).toEqual(['batch', 144]);
    expect(shapeOf(model, 'y')).toEqual(['batch', 10]);
    expect(viewOf(model).totals.macs).toBe(4 * 36 * 27 + 1440);
    expect(viewOf(model).exits[0]?.scores).toBe('probabilities');
  });

  test('a shape that the graph computes is followed through symbols', () => {
    const model = modelOf({
      nodes: [
        makeNode('Shape', ['x'], ['dims']),
        makeNode('Slice', ['dims', 'zero', 'one'], ['batch']),
        makeNode('Mul', ['batch', 'one'], ['same']),
        makeNode('Concat', ['same', 'rest'], ['target'], [makeInt('axis', 0)]),
        makeNode('Reshape', ['x', 'target'], ['y']),
      ],
      initializers: [
        int64Tensor('zero', [1], [0]),
        int64Tensor('one', [1], [1]),
        int64Tensor('rest', [2], [-1, 4]),
      ],
      inputs: [tensorInfo('x', ['n', 6, 6])],
      outputs: [untypedInfo('y')],
    });
    expect(shapeOf(model, 'y')).toEqual(['n', 9, 4]);
  });

  test('spatial sizes that are open stay open, and it is told at which size their work is counted', () => {
    const model = modelOf({
      nodes: [makeNode('Conv', ['x', 'w'], ['y'])],
      initializers: [weight('w', 4, 3, 3, 3)],
      inputs: [tensorInfo('x', [1, 3, 'height', 'width'])],
      outputs: [untypedInfo('y')],
    });
    expect(shapeOf(model, 'y')).toEqual([1, 4, null, null]);
    expect(viewOf(model).warnings).toEqual([
      'sizes are open; for MACs and bytes x [1, 3, height, width] is counted as [1, 3, 224, 224]',
    ]);
  });
});

describe('what the file declares', () => {
  test('fills what inference leaves open, behind an operator nobody knows', () => {
    const model = modelOf({
      nodes: [makeNode('Mystery', ['x'], ['a'], [], { domain: 'my.ops' }), makeNode('Relu', ['a'], ['y'])],
      inputs: [tensorInfo('x', [1, 3])],
      outputs: [tensorInfo('y', null)],
      valueInfos: [tensorInfo('a', [1, 7])],
    });
    expect(shapeOf(model, 'y')).toEqual([1, 7]);
    const view = viewOf(model);
    expect(view.nodes.map(({ known }) => known)).toEqual([false, true]);
    expect(view.warnings).toEqual([
      'operators this lab does not know, passed through as they are: my.ops:Mystery',
    ]);
  });

  test('is not believed where it contradicts the operators', () => {
    const model = modelOf({
      nodes: [makeNode('Relu', ['x'], ['y'])],
      inputs: [tensorInfo('x', [1, 3])],
      outputs: [tensorInfo('y', [1, 4])],
    });
    expect(inferFacts(model).warnings).toEqual(['y: the file declares [1, 4], its operators give [1, 3]']);
    expect(shapeOf(model, 'y')).toEqual([1, 3]);
  });

  test('a local function of the file hides a standard operator of the same name', () => {
    const model: Model = {
      ...chain([makeNode('Relu', ['x'], ['y'])], 'y'),
      functions: [{ name: 'Relu', domain: '' }],
    };
    expect(inferFacts(model).unknownOperators).toEqual(['Relu']);
  });
});

describe('nodes that break their rules are named, and the graph is still shown', () => {
  const broken: readonly [string, Node, string][] = [
    [
      'weight rank',
      makeNode('Conv', ['x', 'fc'], ['y'], [], { name: 'Conv_12' }),
      'Conv_12: weight has 2 dims, Conv needs 4',
    ],
    [
      'channels',
      makeNode('Conv', ['x', 'w'], ['y'], [makeInt('group', 3)], { name: 'c' }),
      'c: input has 3 channels, the weight needs 9 (3 groups)',
    ],
    [
      'kernel too large',
      makeNode('MaxPool', ['x'], ['y'], [makeInts('kernel_shape', [9, 9])], { name: 'p' }),
      'p: the kernel reaches over 9 elements, the padded input has 8',
    ],
    [
      'stride 0',
      makeNode('Conv', ['x', 'w'], ['y'], [makeInts('strides', [0, 0])], { name: 's' }),
      's: strides must be at least 1',
    ],
    [
      'broadcast',
      makeNode('Add', ['x', 'fc'], ['y'], [], { name: 'a' }),
      'a: sizes 8 and 144 cannot be broadcast together',
    ],
    [
      'matrix',
      makeNode('MatMul', ['x', 'fc'], ['y'], [], { name: 'm' }),
      'm: the left matrix has 8 columns, the right one 144 rows',
    ],
    ['missing input', makeNode('Conv', ['x'], ['y'], [], { name: 'n' }), 'n: input 1 is missing'],
    [
      'axis',
      makeNode('Concat', ['x', 'x'], ['y'], [makeInt('axis', 4)], { name: 'k' }),
      'k: axis 4 is outside a tensor of 4 dims',
    ],
    [
      'permutation',
      makeNode('Transpose', ['x'], ['y'], [makeInts('perm', [0, 1])], { name: 't' }),
      't: perm [0, 1] does not fit 4 dims',
    ],
    ['no name', makeNode('Gemm', ['x', 'fc'], ['y']), 'Gemm → y: A has 4 dims, Gemm needs 2'],
  ];
  test.each(broken)('%s', (_, node, message) => {
    const view = viewOf(chain([node], 'y', 1));
    expect(view.warnings).toContain(message);
    expect(view.nodes).toHaveLength(1);
  });

  test('no node, however malformed, makes inference throw', () => {
    const operators =
      'Conv Gemm MatMul Reshape Slice Concat Split Pad Resize Gather Squeeze Unsqueeze Transpose Einsum LSTM MaxPool Expand Tile TopK OneHot DepthToSpace ReduceSum Range Where If Loop Attention GroupNormalization ConvTranspose QLinearConv Flatten GatherND Upsample'.split(
        ' ',
      );
    const names = ['x', 'w', 'fc', 'flat', ''];
    const attribute = fc.oneof(
      fc
        .tuple(
          fc.constantFrom(
            'axis',
            'axes',
            'keepdims',
            'group',
            'blocksize',
            'k',
            'batch_dims',
            'hidden_size',
            'num_outputs',
            'end',
          ),
          fc.integer({ min: -9, max: 9 }),
        )
        .map(([name, value]) => makeInt(name, value)),
      fc
        .tuple(
          fc.constantFrom(
            'axes',
            'perm',
            'pads',
            'strides',
            'dilations',
            'kernel_shape',
            'split',
            'starts',
            'ends',
            'shape',
            'output_shape',
          ),
          fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 6 }),
        )
        .map(([name, value]) => makeInts(name, value)),
      fc.constantFrom('ij,jk->ik', '...', 'a,b', '').map((text) => makeString('equation', text)),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...operators),
        fc.array(fc.constantFrom(...names), { maxLength: 5 }),
        fc.array(attribute, { maxLength: 4 }),
        fc.integer({ min: 1, max: 23 }),
        (op, inputs, attributes, opset) => {
          const model = {
            ...chain([makeNode(op, inputs, ['y', 'z'], attributes)], 'y'),
            opsetImports: [{ domain: '', version: opset }],
          };
          const view = viewOf(model);
          expect(view.nodes.length).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: 1500, seed: 20 },
    );
  });
});

test('both branches of an If give its shape where they agree', () => {
  const branch = (name: string, ...dims: number[]) =>
    modelOf({
      nodes: [makeNode('Add', ['x', `${name}_w`], [`${name}_y`])],
      initializers: [weight(`${name}_w`, ...dims)],
      inputs: [],
      outputs: [untypedInfo(`${name}_y`)],
    }).graph;
  const model = modelOf({
    nodes: [
      makeNode(
        'If',
        ['flag'],
        ['y'],
        [makeGraph('then_branch', branch('then', 1, 3)), makeGraph('else_branch', branch('else', 2, 3))],
      ),
    ],
    inputs: [tensorInfo('flag', [], DataType.bool), tensorInfo('x', [1, 3])],
    outputs: [untypedInfo('y')],
  });
  expect(shapeOf(model, 'y')).toEqual([null, 3]);
  expect(viewOf(model).nodes[0]?.inputs).toEqual(['flag', 'x']);
});

test('convolutions and poolings of random geometry have the size the runtime gives them', async () => {
  const geometry = fc.record({
    op: fc.constantFrom('Conv', 'MaxPool', 'AveragePool', 'ConvTranspose'),
    size: fc.tuple(fc.integer({ min: 5, max: 14 }), fc.integer({ min: 5, max: 14 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    pad: fc.integer({ min: 0, max: 1 }),
    dilation: fc.integer({ min: 1, max: 2 }),
    ceil: fc.boolean(),
    auto: fc.constantFrom('NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  });
  await fc.assert(
    fc.asyncProperty(geometry, async ({ op, size, kernel, strides, pad, dilation, ceil, auto }) => {
      const pooling = op.endsWith('Pool');
      // Strides that step over elements would need negative padding there, which the runtime refuses.
      fc.pre(!auto.startsWith('SAME') || strides.every((stride, axis) => stride <= (kernel[axis] as number)));
      // A window must cover more than padding, and AveragePool has no dilations in this operator set.
      const pads = kernel.map((length) => Math.min(pad, length - 1));
      const attributes = [makeInts('kernel_shape', kernel), makeInts('strides', strides)];
      if (op !== 'AveragePool' && auto === 'NOTSET')
        attributes.push(makeInts('dilations', [dilation, dilation]));
      if (auto === 'NOTSET') attributes.push(makeInts('pads', [...pads, ...pads]));
      else attributes.push(makeString('auto_pad', auto));
      if (pooling && auto === 'NOTSET') attributes.push(makeInt('ceil_mode', Number(ceil)));
      const model = modelOf({
        nodes: [makeNode(op, pooling ? ['x'] : ['x', 'k'], ['y'], attributes)],
        initializers: pooling ? [] : [weight('k', 3, 3, ...kernel)],
        inputs: [tensorInfo('x', [1, 3, ...size])],
        outputs: [untypedInfo('y')],
        opset: 13,
      });
      const ran = await runModel(model, { x: feed([1, 3, ...size]) });
      expect(shapeOf(model, 'y')).toEqual(ran.get('y')?.dims);
    }),
    { numRuns: 200, seed: 7 },
  );
});
