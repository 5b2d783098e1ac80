import { describe, expect, it } from 'vitest';
import { makeFloat, makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import type { Model, Node, Tensor } from '../../../../src/onnx/model.ts';
import { elementCount, floatTensor, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { equaliseLayers } from '../../../../src/transforms/prepare/equalise-layers.ts';
import { foldBatchNorm } from '../../../../src/transforms/prepare/fold-batch-norm.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { relativeDifference } from '../run-variant.ts';

const node = makeNode;

function weight(name: string, dims: readonly number[], fill: (at: number) => number): Tensor {
  return floatTensor(
    name,
    dims,
    Float32Array.from({ length: elementCount(dims) }, (_, at) => fill(at)),
  );
}
const waves = (name: string, dims: readonly number[], salt = 1): Tensor =>
  weight(name, dims, (at) => Math.sin((at + salt) * (at + salt) * 0.37) * 0.5);

/** The four parameters of a batch normalization. */
const statistics = (channels: number, stem = 'bn'): Tensor[] => [
  weight(`${stem}.scale`, [channels], (at) => 0.5 + at * 0.3),
  weight(`${stem}.bias`, [channels], (at) => Math.cos(at)),
  weight(`${stem}.mean`, [channels], (at) => Math.sin(at) * 0.2),
  weight(`${stem}.var`, [channels], (at) => 0.1 + at),
];
const normalization = (input: string, output: string, stem = 'bn'): Node =>
  node(
    'BatchNormalization',
    [input, ...['scale', 'bias', 'mean', 'var'].map((name) => `${stem}.${name}`)],
    [output],
    [makeFloat('epsilon', 1e-3)],
  );

function modelFrom(
  nodes: readonly Node[],
  tensors: readonly Tensor[],
  x: readonly number[],
  outputs = ['y'],
): Model {
  return modelOf({
    nodes,
    initializers: tensors,
    inputs: [tensorInfo('x', x)],
    outputs: outputs.map((name) => tensorInfo(name, null)),
  });
}

async function expectSame(changed: Model, model: Model, x: readonly number[]): Promise<void> {
  const feeds = { x: feed(x) };
  const [found, wanted] = [await runModel(changed, feeds), await runModel(model, feeds)];
  for (const [name, { data }] of wanted) {
    expect(relativeDifference(found.get(name)?.data as Float32Array, data as Float32Array)).toBeLessThan(
      1e-5,
    );
  }
}

describe('folding batch normalizations', () => {
  const image = [1, 4, 6, 6];
  it.each([
    ['Conv', [node('Conv', ['x', 'w', 'b'], ['a'])], [waves('w', [6, 4, 3, 3]), waves('b', [6])], image, 6],
    [
      'Conv without bias, in groups',
      [node('Conv', ['x', 'w'], ['a'], [makeInt('group', 2)])],
      [waves('w', [6, 2, 3, 3])],
      image,
      6,
    ],
    [
      'ConvTranspose in groups',
      [node('ConvTranspose', ['x', 'w', 'b'], ['a'], [makeInt('group', 2)])],
      [waves('w', [4, 3, 2, 2]), waves('b', [6])],
      image,
      6,
    ],
    [
      'Gemm',
      [node('Gemm', ['x', 'w', 'b'], ['a'], [makeFloat('alpha', 0.5)])],
      [waves('w', [4, 5]), waves('b', [1, 5])],
      [2, 4],
      5,
    ],
    [
      'Gemm with transB',
      [node('Gemm', ['x', 'w'], ['a'], [makeInt('transB', 1)])],
      [waves('w', [5, 4])],
      [2, 4],
      5,
    ],
  ] as const)('into the %s before', async (_, nodes, tensors, x, channels) => {
    const model = modelFrom([...nodes, normalization('a', 'y')], [...tensors, ...statistics(channels)], x);
    const { model: folded, changed, left } = foldBatchNorm(model);
    expect({ changed, left, nodes: folded.graph.nodes.length }).toEqual({ changed: 1, left: [], nodes: 1 });
    expect(folded.graph.initializers).toHaveLength(2);
    await expectSame(folded, model, x);
  });

  it.each([
    [
      'Conv in groups',
      node('Conv', ['a', 'w'], ['y'], [makeInt('group', 2)]),
      [waves('w', [6, 2, 3, 3])],
      image,
    ],
    [
      'Gemm',
      node('Gemm', ['a', 'w', 'b'], ['y'], [makeFloat('alpha', 2)]),
      [waves('w', [4, 5]), waves('b', [5])],
      [2, 4],
    ],
  ] as const)('into the %s behind, if nothing pads', async (_, layer, tensors, x) => {
    const model = modelFrom(
      [node('Sin', ['x'], ['s']), normalization('s', 'a'), layer],
      [...tensors, ...statistics(4)],
      x,
    );
    const { model: folded, changed } = foldBatchNorm(model);
    expect({ changed, nodes: folded.graph.nodes.length }).toEqual({ changed: 1, nodes: 2 });
    await expectSame(folded, model, x);
  });

  it('one after the other, and into each of two layers that share weights', async () => {
    const model = modelFrom(
      [
        node('Conv', ['x', 'w'], ['a'], [makeInts('pads', [1, 1, 1, 1])]),
        normalization('a', 'b'),
        normalization('b', 'c', 'second'),
        node('Conv', ['c', 'w'], ['d'], [makeInts('pads', [1, 1, 1, 1])]),
        normalization('d', 'y'),
      ],
      [waves('w', [4, 4, 3, 3]), ...statistics(4), ...statistics(4, 'second')],
      image,
    );
    const { model: folded, changed } = foldBatchNorm(model);
    expect({ changed, nodes: folded.graph.nodes.length }).toEqual({ changed: 3, nodes: 2 });
    await expectSame(folded, model, image);
  });

  const convolution = node('Conv', ['x', 'w'], ['a'], [makeInts('pads', [1, 1, 1, 1])]);
  it.each([
    [
      'others use what lies between',
      [convolution, normalization('a', 'b'), node('Add', ['a', 'b'], ['y'])],
      ['y'],
      [],
      'used elsewhere',
    ],
    ['an output lies between', [convolution, normalization('a', 'y')], ['a', 'y'], [], 'used elsewhere'],
    ['an exit lies between', [convolution, normalization('a', 'y')], ['y'], ['a'], 'used elsewhere'],
    [
      'the next convolution pads',
      [
        node('Relu', ['x'], ['r']),
        normalization('r', 'a'),
        node('Conv', ['a', 'w'], ['y'], [makeInts('pads', [1, 1, 1, 1])]),
      ],
      ['y'],
      [],
      'pads with zeros',
    ],
    ['no layer is near', [normalization('x', 'y')], ['y'], [], 'no layer'],
    [
      'its statistics are computed',
      [
        node('BatchNormalization', ['x', 'bn.scale', 'bn.bias', 'bn.mean', 'v'], ['y']),
        node('Abs', ['bn.var'], ['v']),
      ].toReversed(),
      ['y'],
      [],
      'not constant',
    ],
  ] as const)('is left where %s, and says why', (_, nodes, outputs, kept, reason) => {
    const model = modelFrom(nodes, [waves('w', [4, 4, 3, 3]), ...statistics(4)], image, [...outputs]);
    const { model: same, changed, left } = foldBatchNorm(model, new Set(kept));
    expect(same).toBe(model);
    expect({ changed, left }).toMatchObject({
      changed: 0,
      left: [{ reason: expect.stringContaining(reason) }],
    });
  });
});

describe('equalising neighbouring layers', () => {
  /** Output channels whose weights differ a hundredfold. */
  const uneven = (name: string, dims: readonly number[], alike: number): Tensor => {
    const perChannel = elementCount(dims.slice(1));
    const values = tensorFloats(waves(name, dims)).map(
      (value, at) => value * 10 ** ((Math.floor(at / perChannel / alike) % 3) - 1),
    );
    return floatTensor(name, dims, values);
  };
  const x = [1, 3, 8, 8];
  const mobile = (between: Node): Model =>
    modelFrom(
      [
        node('Conv', ['x', 'expand', 'bias'], ['a'], [makeInts('pads', [1, 1, 1, 1])], { name: 'expand' }),
        node('Relu', ['a'], ['b']),
        node('Conv', ['b', 'depthwise'], ['c'], [makeInt('group', 6), makeInts('pads', [1, 1, 1, 1])], {
          name: 'depthwise',
        }),
        between,
        node('Conv', ['d', 'project'], ['y'], [], { name: 'project' }),
      ],
      [
        uneven('expand', [6, 3, 3, 3], 1),
        waves('bias', [6]),
        uneven('depthwise', [6, 1, 3, 3], 2),
        waves('project', [4, 6, 1, 1]),
      ],
      x,
    );

  it.each([
    ['LeakyRelu', node('LeakyRelu', ['c'], ['d'], [makeFloat('alpha', 0.1)])],
    ['MaxPool', node('MaxPool', ['c'], ['d'], [makeInts('kernel_shape', [2, 2])])],
  ])('makes ranges even and answers stay, through Relu, a depthwise layer and %s', async (_, between) => {
    const model = mobile(between);
    const { model: equal, changed, left, evenness } = equaliseLayers(model);
    expect({ changed, left }).toEqual({ changed: 2, left: [] });
    expect(evenness.after).toBeGreaterThan(1.05 * evenness.before);
    await expectSame(equal, model, x);
    const rangesOf = (name: string, stride: number): number[] => {
      const found = equal.graph.initializers.find((tensor) => tensor.name === name);
      const values = tensorFloats(found as Tensor);
      return Array.from({ length: 6 }, (__, at) =>
        Math.max(...values.slice(at * stride, (at + 1) * stride).map(Math.abs)),
      );
    };
    // What balance means: a channel's weights reach as far on both sides of it.
    const [first, second] = [rangesOf('expand', 27), rangesOf('depthwise', 9)];
    first.forEach((range, channel) => expect(range / (second[channel] as number)).toBeCloseTo(1, 1));
  });

  it('stops where a factor would not pass, and says where', () => {
    const { changed, left } = equaliseLayers(mobile(node('Sigmoid', ['c'], ['d'], [], { name: 'gate' })));
    expect(changed).toBe(1);
    expect(left).toEqual([{ node: 'project', reason: expect.stringContaining('gate (Sigmoid)') }]);
  });

  it('leaves layers whose output is used elsewhere or must stay', () => {
    const model = mobile(node('Relu', ['c'], ['d']));
    expect(equaliseLayers(model, new Set(['b'])).changed).toBe(1);
    expect(equaliseLayers(model, new Set(['b', 'd'])).model).toBe(model);
  });

  it('leaves channels of zeros, and weights that are not finite', async () => {
    const zeros = modelFrom(
      [node('Gemm', ['x', 'w'], ['a']), node('Relu', ['a'], ['b']), node('Gemm', ['b', 'v'], ['y'])],
      [weight('w', [4, 3], (at) => (at % 3 === 0 ? 0 : at)), waves('v', [3, 2])],
      [1, 4],
    );
    const { model, changed } = equaliseLayers(zeros);
    expect(changed).toBe(1);
    await expectSame(model, zeros, [1, 4]);
    const broken = modelFrom(
      zeros.graph.nodes,
      [weight('w', [4, 3], () => Number.NaN), waves('v', [3, 2])],
      [1, 4],
    );
    expect(equaliseLayers(broken)).toMatchObject({
      changed: 0,
      left: [{ reason: expect.stringContaining('finite') }],
    });
  });
});
