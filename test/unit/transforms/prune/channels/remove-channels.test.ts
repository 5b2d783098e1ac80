import { describe, expect, it } from 'vitest';
import { makeFloat, makeInt, makeInts, makeNode, makeString } from '../../../../../src/onnx/attributes.ts';
import { costOfNodes, type NodeCost } from '../../../../../src/onnx/cost.ts';
import { indexGraph } from '../../../../../src/onnx/graph-index.ts';
import { DataType, type Model, type Node, type Tensor } from '../../../../../src/onnx/model.ts';
import { inferFacts } from '../../../../../src/onnx/shape-inference.ts';
import { bytesTensor, elementCount, floatTensor, int64Tensor } from '../../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import { channelGroups } from '../../../../../src/transforms/prune/channels/channel-groups.ts';
import {
  costsWithout,
  removeChannels,
} from '../../../../../src/transforms/prune/channels/remove-channels.ts';
import { countedByStatistics, keptShare, planted } from '../../../../fixtures/planted-channels.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../../fixtures/run-onnx.ts';
import { relativeDifference } from '../../run-variant.ts';

const waves = (name: string, dims: readonly number[]): Tensor =>
  floatTensor(
    name,
    dims,
    Float32Array.from({ length: elementCount(dims) }, (_, at) => Math.sin(3 * at + name.length)),
  );
const positive = (name: string, dims: readonly number[]): Tensor =>
  floatTensor(
    name,
    dims,
    Float32Array.from({ length: elementCount(dims) }, (_, at) => 1 + Math.abs(Math.sin(3 * at))),
  );
const node = makeNode;
const axis = (value: number) => makeInt('axis', value);
const equation = (text: string) => makeString('equation', text);
const padded = makeInts('pads', [1, 1, 1, 1]);
const grouped = (count: number) => makeInt('group', count);

interface Case {
  readonly nodes: readonly Node[];
  readonly tensors: readonly Tensor[];
  readonly opset?: number;
  /** Of the input; the layer before makes eight channels of it. */
  readonly x?: readonly (number | string)[];
}

/** Nodes from `h` (eight channels of 6 x 6) to `z` (eight channels) between two layers. */
const between = ({ nodes, tensors, opset = 17, x = [1, 3, 6, 6] }: Case): Model =>
  modelOf({
    nodes: [
      node('Conv', ['x', 'first', 'bias'], ['h'], [padded]),
      ...nodes,
      node('Conv', ['z', 'last'], ['y']),
    ],
    initializers: [waves('first', [8, 3, 3, 3]), waves('bias', [8]), waves('last', [5, 8, 1, 1]), ...tensors],
    inputs: [tensorInfo('x', x)],
    outputs: [tensorInfo('y', null)],
    opset,
  });
const conv = (input: string, weight: string, output: string, ...attributes: Node['attributes']): Node =>
  node('Conv', [input, weight], [output], attributes);
const ints = (name: string, ...values: number[]): Tensor => int64Tensor(name, [values.length], values);
const int32s = (name: string, ...values: number[]): Tensor =>
  bytesTensor(name, [values.length], DataType.int32, new Uint8Array(Int32Array.from(values).buffer));

const cases: Readonly<Record<string, Case>> = {
  'a residual sum and a depthwise layer': {
    nodes: [
      node('Relu', ['h'], ['r']),
      conv('r', 'depthwise', 'd', grouped(8), padded),
      node('Add', ['r', 'd'], ['z']),
    ],
    tensors: [waves('depthwise', [8, 1, 3, 3])],
  },
  'a grouped layer': {
    nodes: [node('Relu', ['h'], ['r']), conv('r', 'w', 'z', grouped(4), padded)],
    tensors: [waves('w', [8, 2, 3, 3])],
  },
  'a transposed layer in groups': {
    nodes: [node('Relu', ['h'], ['r']), node('ConvTranspose', ['r', 'w'], ['z'], [grouped(2)])],
    tensors: [waves('w', [8, 4, 1, 1])],
  },
  'batch normalization and a slope for each channel': {
    nodes: [
      node('BatchNormalization', ['h', 'scale', 'shift', 'mean', 'var'], ['n']),
      node('PRelu', ['n', 'slope'], ['z']),
    ],
    tensors: [
      waves('scale', [8]),
      waves('shift', [8]),
      waves('mean', [8]),
      positive('var', [8]),
      waves('slope', [8, 1, 1]),
    ],
  },
  'squeeze and excite': {
    nodes: [
      node('GlobalAveragePool', ['h'], ['p']),
      conv('p', 'down', 'q'),
      node('Relu', ['q'], ['r']),
      conv('r', 'up', 's'),
      node('HardSigmoid', ['s'], ['g']),
      node('Mul', ['h', 'g'], ['z']),
    ],
    tensors: [waves('down', [4, 8, 1, 1]), waves('up', [8, 4, 1, 1])],
  },
  'Concat and Split with sizes': {
    nodes: [
      conv('h', 'w', 'a'),
      node('Concat', ['h', 'a'], ['c'], [axis(1)]),
      node('Split', ['c', 'sizes'], ['l', 'm'], [axis(1)]),
      conv('m', 'v', 'n'),
      node('Add', ['l', 'n'], ['z']),
    ],
    tensors: [waves('w', [4, 8, 1, 1]), waves('v', [8, 4, 1, 1]), ints('sizes', 8, 4)],
  },
  'Split with sizes that another Split has, too': {
    nodes: [
      conv('x', 'other', 'i', padded),
      node('Split', ['h', 'sizes'], ['l', 'm'], [axis(1)]),
      node('Split', ['i', 'sizes'], ['n', 'o'], [axis(1)]),
      node('Concat', ['o', 'l'], ['z'], [axis(1)]),
    ],
    tensors: [ints('sizes', 2, 6), waves('other', [8, 3, 3, 3])],
  },
  'Split without sizes, whose parts differ then': {
    nodes: [
      node('Split', ['h'], ['l', 'm'], [axis(1)]),
      conv('l', 'w', 'a'),
      conv('m', 'v', 'b'),
      node('Concat', ['a', 'b'], ['z'], [axis(1)]),
    ],
    tensors: [waves('w', [4, 4, 1, 1]), waves('v', [4, 4, 1, 1])],
  },
  'Split with sizes as an attribute': {
    nodes: [
      node('Split', ['h'], ['l', 'm'], [axis(1), makeInts('split', [2, 6])]),
      conv('l', 'w', 'a'),
      node('Concat', ['a', 'm'], ['z'], [axis(1)]),
    ],
    tensors: [waves('w', [2, 2, 1, 1])],
    opset: 11,
  },
  'Slice, from the end and beyond it': {
    nodes: [
      node('Slice', ['h', 'two', 'far', 'one'], ['l']),
      node('Slice', ['h', 'zero', 'minus', 'one'], ['m']),
      node('Concat', ['m', 'l'], ['z'], [axis(1)]),
    ],
    // The bound that is 2 for the one is the end of the other, which is told from the end.
    tensors: [
      ints('zero', 0),
      ints('one', 1),
      ints('two', 2),
      ints('minus', -6),
      bytesTensor('far', [1], DataType.int64, new Uint8Array(BigInt64Array.of(2n ** 63n - 1n).buffer)),
    ],
  },
  'Slice with bounds as attributes': {
    nodes: [
      node('Slice', ['h'], ['l'], [makeInts('axes', [1]), makeInts('starts', [4]), makeInts('ends', [8])]),
      node('Slice', ['h'], ['m'], [makeInts('axes', [1]), makeInts('starts', [0]), makeInts('ends', [4])]),
      node('Concat', ['l', 'm'], ['z'], [axis(1)]),
    ],
    tensors: [],
    opset: 9,
  },
  'Gather of some channels': {
    nodes: [
      node('Gather', ['h', 'some'], ['l'], [axis(1)]),
      conv('l', 'w', 'a'),
      node('Add', ['a', 'h'], ['z']),
    ],
    tensors: [ints('some', 6, 1, -3), waves('w', [8, 3, 1, 1])],
  },
  'a channel shuffle': {
    nodes: [
      node('Reshape', ['h', 'apart'], ['a']),
      node('Transpose', ['a'], ['b'], [makeInts('perm', [0, 2, 1, 3, 4])]),
      node('Reshape', ['b', 'together'], ['z']),
    ],
    tensors: [ints('apart', 1, 2, 4, 6, 6), ints('together', 1, 8, 6, 6)],
  },
  'a shape that the graph computes, batch left open': {
    x: ['N', 3, 6, 6],
    nodes: [
      node('Shape', ['x'], ['shape']),
      node('Gather', ['shape', 'zero'], ['n']),
      node('Concat', ['n', 'sizes'], ['target'], [axis(0)]),
      node('Reshape', ['h', 'target'], ['a']),
      conv('h', 'w', 'b'),
      node('Mul', ['a', 'b'], ['z']),
    ],
    tensors: [ints('zero', 0), ints('sizes', 8, 6, 6), waves('w', [8, 8, 1, 1])],
  },
  'padding along the channels': {
    nodes: [
      conv('h', 'w', 'a'),
      node('Pad', ['a', 'pads'], ['p']),
      conv('h', 'v', 'b'),
      node('Add', ['p', 'b'], ['z']),
    ],
    tensors: [waves('w', [4, 8, 1, 1]), waves('v', [8, 8, 1, 1]), ints('pads', 0, 2, 0, 0, 0, 2, 0, 0)],
  },
  'padding along the channels as an attribute': {
    nodes: [
      conv('h', 'w', 'a'),
      node('Pad', ['a'], ['p'], [makeInts('pads', [0, 3, 0, 0, 0, 1, 0, 0]), makeString('mode', 'constant')]),
      conv('h', 'v', 'b'),
      node('Add', ['p', 'b'], ['z']),
    ],
    tensors: [waves('w', [4, 8, 1, 1]), waves('v', [8, 8, 1, 1])],
    opset: 10,
  },
  'Resize by sizes, with a constant for each channel': {
    nodes: [
      node('Resize', ['h', '', '', 'sizes'], ['r']),
      node('MaxPool', ['r'], ['m'], [makeInts('kernel_shape', [2, 2]), makeInts('strides', [2, 2])]),
      node('Mul', ['m', 'factor'], ['z']),
    ],
    tensors: [ints('sizes', 1, 8, 12, 12), waves('factor', [1, 8, 1, 1])],
  },
  'Expand to a constant shape': {
    nodes: [
      node('GlobalAveragePool', ['h'], ['p']),
      node('Expand', ['p', 'sizes'], ['e']),
      node('Add', ['e', 'h'], ['z']),
    ],
    tensors: [ints('sizes', 1, 8, 6, 6)],
  },
  'flattened channels and a matrix that makes new ones': {
    nodes: [
      node('Flatten', ['h'], ['f']),
      node('Gemm', ['f', 'w', 'b'], ['g'], [makeInt('transB', 1), makeFloat('alpha', 0.1)]),
      node('Relu', ['g'], ['r']),
      node('MatMul', ['r', 'v'], ['m']),
      node('Reshape', ['m', 'image'], ['z']),
    ],
    tensors: [
      waves('w', [10, 8 * 36]),
      waves('b', [10]),
      waves('v', [10, 8 * 4]),
      ints('image', -1, 8, 2, 2),
    ],
  },
  'attention of two heads': {
    nodes: [
      node('Reshape', ['h', 'tokens'], ['t']),
      node('Transpose', ['t'], ['s'], [makeInts('perm', [0, 2, 1])]),
      ...['q', 'k', 'v'].flatMap((name) => [
        node('MatMul', ['s', `w${name}`], [`${name}0`]),
        node('Reshape', [`${name}0`, 'heads'], [`${name}1`]),
        node(
          'Transpose',
          [`${name}1`],
          [name],
          [makeInts('perm', name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3])],
        ),
      ]),
      node('MatMul', ['q', 'k'], ['scores']),
      node('Softmax', ['scores'], ['share'], [axis(-1)]),
      node('MatMul', ['share', 'v'], ['mixed']),
      node('Transpose', ['mixed'], ['back'], [makeInts('perm', [0, 2, 1, 3])]),
      node('Reshape', ['back', 'joined'], ['all']),
      node('MatMul', ['all', 'wo'], ['o']),
      node('Transpose', ['o'], ['p'], [makeInts('perm', [0, 2, 1])]),
      node('Reshape', ['p', 'image'], ['z']),
    ],
    tensors: [
      ints('tokens', 1, 8, 36),
      ints('heads', 1, 36, 2, 4),
      ints('joined', 1, 36, 8),
      ints('image', 1, 8, 6, 6),
      ...['wq', 'wk', 'wv', 'wo'].map((name) => waves(name, [8, 8])),
    ],
  },
  'layers and attention written as sums over letters': {
    nodes: [
      node('Einsum', ['h', 'w'], ['a'], [equation('nchw, oc -> nhwo')]),
      node('Einsum', ['a', 'wq'], ['q'], [equation('bijc,chd->bhijd')]),
      node('Einsum', ['wk', 'a'], ['k'], [equation('chd,b...c->bh...d')]),
      node('Einsum', ['q', 'k'], ['scores'], [equation('bhijd,bhxyd->bhijxy')]),
      node('Einsum', ['scores', 'a'], ['mixed'], [equation('bhijxy,bxyc->bhijc')]),
      node('Einsum', ['mixed', 'wo'], ['o'], [equation('bhijc,hcm->bijm')]),
      node('Einsum', ['o'], ['z'], [equation('b...m->bm...')]),
    ],
    tensors: [
      waves('w', [6, 8]),
      ...['wq', 'wk'].map((name) => waves(name, [6, 2, 4])),
      waves('wo', [2, 6, 8]),
    ],
  },
  'constants of another type': {
    nodes: [
      node('Cast', ['h'], ['c'], [makeInt('to', DataType.double)]),
      node('Mul', ['c', 'factor'], ['m']),
      node('Cast', ['m'], ['z'], [makeInt('to', DataType.float)]),
    ],
    tensors: [
      bytesTensor(
        'factor',
        [8, 1, 1],
        DataType.double,
        new Uint8Array(Float64Array.from({ length: 8 }, (_, at) => at - 3.5).buffer),
      ),
      int32s('unused', 1),
    ],
  },
};

/** Lists of indices (of a Gather) get shorter, too, which are no parameters. */
const withoutBytesOfIndices = ({ macs, params, activationBytes }: NodeCost): Partial<NodeCost> => ({
  macs,
  params,
  activationBytes,
});

describe('removing channels', () => {
  it.each(Object.entries(cases))('through %s', async (_, parts) => {
    const original = analyseModel(between(parts));
    const groups = channelGroups(original);
    expect(groups.groups.filter(({ kept }) => kept === null).length).toBeGreaterThan(0);
    const half = keptShare(groups, 0.5);
    const unseen = half.map((stays, unit) => (countedByStatistics(original, groups).has(unit) ? 1 : stays));
    const model = planted(original, groups, unseen);
    const analysed = { ...original, model, index: indexGraph(model.graph) };
    const removed = removeChannels(analysed, groups, unseen);

    // What the graph says of shapes by itself is what was foreseen.
    const { facts, warnings } = inferFacts(removed.model);
    expect(warnings).toEqual([]);
    for (const [name, { shape }] of removed.shapes)
      if (facts.has(name)) expect([name, facts.get(name)?.shape]).toEqual([name, shape]);
    expect(removed.shapes.get('h' as never)?.shape).not.toEqual(original.shapes.get('h' as never)?.shape);
    const { graph } = removed.model;
    const costs = costOfNodes(graph, indexGraph(graph), removed.counted);
    expect(costs.map(withoutBytesOfIndices)).toEqual(
      costsWithout(analysed, groups, unseen).map(withoutBytesOfIndices),
    );

    const feeds = { x: feed([1, 3, 6, 6]) };
    const [found, wanted] = [await runModel(removed.model, feeds), await runModel(model, feeds)];
    const [scores, before] = [found, wanted].map((outputs) => outputs.get('y')?.data as Float32Array);
    expect(before?.some((value) => Math.abs(value) > 0.01)).toBe(true);
    expect(relativeDifference(scores as Float32Array, before as Float32Array)).toBeLessThan(1e-5);

    // What is left can lose more: it is known as well as if its file were opened.
    const linesOf = (model: typeof removed) =>
      channelGroups(model).groups.map(({ name, unitCount, kept }) => [name, unitCount, kept?.message]);
    expect(linesOf(removed)).toEqual(linesOf(analyseModel(removed.model)));
  });

  it('gives back the same model if nothing goes, and never changes the one it was given', () => {
    const original = analyseModel(between(cases['squeeze and excite'] as Case));
    const groups = channelGroups(original);
    expect(removeChannels(original, groups, keptShare(groups, 1))).toBe(original);
    const before = JSON.stringify(original.model, (_, value: unknown) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    removeChannels(original, groups, keptShare(groups, 0.5));
    expect(
      JSON.stringify(original.model, (_, value: unknown) =>
        typeof value === 'bigint' ? String(value) : value,
      ),
    ).toBe(before);
  });

  it('normalises as many groups of channels as are left, or thinner ones', async () => {
    const model = between({
      nodes: [node('GroupNormalization', ['h', 'scale', 'shift'], ['z'], [makeInt('num_groups', 4)])],
      tensors: [waves('scale', [8]), waves('shift', [8])],
      opset: 21,
    });
    const original = analyseModel(model);
    const groups = channelGroups(original);
    const removed = removeChannels(original, groups, keptShare(groups, 0.5));
    expect(removed.costs.at(-1)?.macs).toBeLessThan(original.costs.at(-1)?.macs ?? 0);
    const found = await runModel(removed.model, { x: feed([1, 3, 6, 6]) });
    expect(found.get('y')?.dims).toEqual([1, 5, 6, 6]);
  });

  it('keeps a size that another node reads, too', () => {
    const model = between({
      nodes: [
        node('Reshape', ['h', 'sizes'], ['a']),
        node('Reshape', ['picture', 'sizes'], ['b']),
        conv('b', 'fixed', 'c'),
        node('Mul', ['a', 'c'], ['z']),
      ],
      tensors: [ints('sizes', 1, 8, 6, 6), waves('picture', [1, 1, 8, 36]), waves('fixed', [8, 8, 1, 1])],
    });
    const original = analyseModel(model);
    const groups = channelGroups(original);
    const removed = removeChannels(original, groups, keptShare(groups, 0.5));
    expect(inferFacts(removed.model).warnings).toEqual([]);
  });
});
