import { describe, expect, test } from 'vitest';
import { makeGraph, makeInt, makeInts, makeNode, makeString } from '../../../../../src/onnx/attributes.ts';
import { tensorInfo } from '../../../../../src/onnx/make-model.ts';
import type { Attribute, Graph, Node, Shape } from '../../../../../src/onnx/model.ts';
import { DataType } from '../../../../../src/onnx/model.ts';
import { bytesTensor, floatTensor, int64Tensor } from '../../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import type { ChannelGroup } from '../../../../../src/transforms/prune/channels/channel-group.ts';
import { channelGroups } from '../../../../../src/transforms/prune/channels/channel-groups.ts';
import { modelOf } from '../../../../fixtures/run-onnx.ts';

/** Sizes of weights by name, or the elements of a list of integers. */
type Weights = Readonly<Record<string, readonly number[] | { readonly ints: readonly number[] }>>;

interface Network {
  readonly nodes: readonly Node[];
  readonly weights: Weights;
  readonly input?: Shape;
  readonly output?: Shape;
  readonly opset?: number;
}

/** A node that makes one value, called as the node is. */
function node(name: string, opType: string, inputs: string, ...attributes: Attribute[]): Node {
  const names = inputs.split(' ').map((input) => (input === '_' ? '' : input));
  return makeNode(opType, names, [name], attributes, { name });
}

function groupsOf({
  nodes,
  weights,
  input = [1, 3, 4, 4],
  output = null,
  opset = 17,
}: Network): readonly ChannelGroup[] {
  const initializers = Object.entries(weights).map(([name, given]) => {
    if ('ints' in given) return int64Tensor(name, [given.ints.length], given.ints);
    const count = given.reduce((product, size) => product * size, 1);
    return floatTensor(name, given, new Float32Array(count).fill(0.5));
  });
  const model = modelOf({
    nodes,
    initializers,
    inputs: [tensorInfo('image', input)],
    outputs: [tensorInfo(nodes.at(-1)?.outputs[0] ?? '', output)],
    opset,
  });
  return channelGroups(analyseModel(model)).groups;
}

/** One line for each group: units, weights by axis with what is done to them, and whether and why it stays. */
function linesOf(network: Network): string[] {
  return groupsOf(network).map(({ unitCount, places, kept }) => {
    const weights = places
      .filter(({ kind }) => kind === 'weight')
      .map(({ name, axis, role }) => `${name}.${axis} ${role}`);
    return `${unitCount}: ${weights.join(', ')}${kept ? ` | ${kept.message}` : ''}`;
  });
}

const conv = (name: string, inputs: string, ...attributes: Attribute[]) =>
  node(name, 'Conv', inputs, ...attributes);
const group = (count: number) => makeInt('group', count);
const output = 'The model gives them out as';

describe('layers and what follows them', () => {
  test('weights that are standardized while the model runs, by nodes that several read', () => {
    const nodes = [
      node('mean', 'ReduceMean', 'w1', makeInts('axes', [1, 2, 3])),
      node('centred', 'Sub', 'w1 mean'),
      node('scaled', 'Div', 'centred mean'),
      conv('a', 'image scaled'),
      conv('out', 'a w2'),
    ];
    const weights = { w1: [8, 3, 1, 1], w2: [4, 8, 1, 1] };
    const [line = ''] = linesOf({ nodes, weights });
    expect(line).toMatch(/^8: w1\.0 .*w2\.1 reads$/);
  });

  test('a bias and a batch normalization follow, the next layer reads', () => {
    const nodes = [
      conv('a', 'image w1 b1'),
      node('n', 'BatchNormalization', 'a scale shift mean variance'),
      node('r', 'Relu', 'n'),
      conv('out', 'r w2'),
    ];
    const weights = {
      w1: [8, 3, 1, 1],
      b1: [8],
      scale: [8],
      shift: [8],
      mean: [8],
      variance: [8],
      w2: [4, 8, 1, 1],
    };
    expect(linesOf({ nodes, weights })).toEqual([
      '8: w1.0 makes, b1.0 follows, scale.0 follows, shift.0 follows, mean.0 follows, variance.0 follows, w2.1 reads',
      `4: w2.0 makes | ${output} "out"`,
    ]);
  });

  test('a sum ties what makes its terms; constants are broadcast as numpy does', () => {
    const nodes = [
      conv('a', 'image w1'),
      conv('b', 'image w2'),
      node('s', 'Add', 'a b'),
      node('m', 'Mul', 'factor s'),
      node('p', 'PRelu', 'm slope'),
      node('h', 'Div', 'p half'),
      conv('out', 'h w3'),
    ];
    const weights = {
      w1: [6, 3, 1, 1],
      w2: [6, 3, 1, 1],
      factor: [1, 6, 1, 1],
      slope: [6, 1, 1],
      half: [1],
      w3: [2, 6, 1, 1],
    };
    expect(linesOf({ nodes, weights })).toEqual([
      '6: w1.0 makes, w2.0 makes, factor.1 follows, slope.0 follows, w3.1 reads',
      `2: w3.0 makes | ${output} "out"`,
    ]);
  });

  test('squeeze and excite: the gates are tied to what they open, the squeezed features are their own', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('g', 'GlobalAveragePool', 'a'),
      conv('s', 'g squeeze'),
      conv('e', 's excite'),
      node('h', 'HardSigmoid', 'e'),
      node('m', 'Mul', 'a h'),
      conv('out', 'm w2'),
    ];
    const weights = { w1: [8, 3, 1, 1], squeeze: [2, 8, 1, 1], excite: [8, 2, 1, 1], w2: [4, 8, 1, 1] };
    expect(linesOf({ nodes, weights })).toEqual([
      '8: w1.0 makes, squeeze.1 reads, excite.0 makes, w2.1 reads',
      '2: squeeze.0 makes, excite.1 reads',
      `4: w2.0 makes | ${output} "out"`,
    ]);
  });

  test('a depthwise filter follows; with a multiplier each channel goes with all that is made of it', () => {
    const nodes = [
      conv('a', 'image w1'),
      conv('d', 'a w2', group(4)),
      conv('twice', 'd w3', group(4)),
      conv('out', 'twice w4'),
    ];
    const weights = { w1: [4, 3, 1, 1], w2: [4, 1, 1, 1], w3: [8, 1, 1, 1], w4: [2, 8, 1, 1] };
    expect(linesOf({ nodes, weights })[0]).toBe('4: w1.0 makes, w2.0 follows, w3.0 follows, w4.1 reads');
    const [tied] = groupsOf({ nodes, weights });
    expect([...(tied?.places.find(({ name }) => name === 'w4')?.units ?? [])]).toEqual([
      0, 0, 1, 1, 2, 2, 3, 3,
    ]);
  });

  test('many small groups of a convolution go as a whole, few large ones become thinner', () => {
    const nodes = [conv('a', 'image w1'), conv('g', 'a w2', group(4)), conv('out', 'g w3')];
    const many = { w1: [8, 3, 1, 1], w2: [8, 2, 1, 1], w3: [2, 8, 1, 1] };
    expect(linesOf({ nodes, weights: many })[0]).toBe('4: w1.0 makes, w2.0 makes, w3.1 reads');
    const few = { w1: [32, 3, 1, 1], w2: [24, 8, 1, 1], w3: [2, 24, 1, 1] };
    expect(linesOf({ nodes, weights: few }).slice(0, 2)).toEqual([
      '8: w1.0 makes, w2.1 reads',
      '6: w2.0 makes, w3.1 reads',
    ]);
  });

  test('where a shuffle ties all groups of a convolution, its outputs become thinner all the same', () => {
    const nodes = [
      conv('a', 'image w1', group(1)),
      conv('g', 'a w2', group(2)),
      node('r', 'Reshape', 'g halves'),
      node('t', 'Transpose', 'r', makeInts('perm', [0, 2, 1, 3, 4])),
      node('f', 'Reshape', 't whole'),
      conv('h', 'f w3', group(2)),
      conv('out', 'h w4'),
    ];
    const weights = {
      w1: [6, 3, 1, 1],
      w2: [6, 3, 1, 1],
      halves: { ints: [1, 2, 3, 4, 4] },
      whole: { ints: [1, 6, 4, 4] },
      w3: [8, 3, 1, 1],
      w4: [2, 8, 1, 1],
    };
    const [, middle, last] = linesOf({ nodes, weights });
    expect(middle).toContain('makes one unit only');
    expect(last).toBe('4: w3.0 makes, w4.1 reads');
  });

  test('transposed convolutions have inputs first, and may be depthwise', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('up', 'ConvTranspose', 'a w2 b2'),
      node('each', 'ConvTranspose', 'up w3 b3', group(6)),
      conv('out', 'each w4'),
    ];
    const weights = {
      w1: [4, 3, 1, 1],
      w2: [4, 6, 1, 1],
      b2: [6],
      w3: [6, 1, 1, 1],
      b3: [6],
      w4: [2, 6, 1, 1],
    };
    expect(linesOf({ nodes, weights }).slice(0, 2)).toEqual([
      '4: w1.0 makes, w2.0 reads',
      '6: w2.1 makes, b2.0 follows, w3.0 follows, b3.0 follows, w4.1 reads',
    ]);
  });

  test('products: weights on either side, transposed or not; all pixels of a flattened channel are one unit', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('f', 'Flatten', 'a'),
      node('g', 'Gemm', 'f w2 b2', makeInt('transB', 1)),
      node('h', 'Gemm', 'g w3 b3'),
      node('m', 'MatMul', 'h w4'),
      node('t', 'Transpose', 'm', makeInts('perm', [1, 0])),
      node('out', 'MatMul', 'left t'),
    ];
    const weights = {
      w1: [4, 3, 1, 1],
      w2: [6, 64],
      b2: [6],
      w3: [6, 7],
      b3: [1, 7],
      w4: [7, 5],
      left: [2, 5],
    };
    expect(linesOf({ nodes, weights })).toEqual([
      '4: w1.0 makes, w2.1 reads',
      '6: w2.0 makes, b2.0 follows, w3.0 reads',
      '7: w3.1 makes, b3.1 follows, w4.0 reads',
      '5: w4.1 makes, left.1 reads',
      `2: left.0 makes | ${output} "out"`,
    ]);
    const [flattened] = groupsOf({ nodes, weights });
    const units = flattened?.places.find(({ name }) => name === 'w2')?.units;
    expect([units?.[0], units?.[15], units?.[16], units?.[63]]).toEqual([0, 0, 1, 3]);
  });

  test('normalizations over channels and groups of them', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('i', 'InstanceNormalization', 'a si bi'),
      node('g', 'GroupNormalization', 'i sg bg', makeInt('num_groups', 2)),
      node('last', 'Transpose', 'g', makeInts('perm', [0, 2, 3, 1])),
      node('l', 'LayerNormalization', 'last sl bl'),
      node('out', 'MatMul', 'l w2'),
    ];
    const weights = { w1: [8, 3, 1, 1], si: [8], bi: [8], sg: [8], bg: [8], sl: [8], bl: [8], w2: [8, 5] };
    const line =
      'w1.0 makes, si.0 follows, bi.0 follows, sg.0 follows, bg.0 follows, sl.0 follows, bl.0 follows, w2.0 reads';
    expect(linesOf({ nodes, weights, opset: 21 })[0]).toBe(`4: ${line}`);
    // Until opset 20 a scale for each group.
    expect(linesOf({ nodes, weights: { ...weights, sg: [2], bg: [2] }, opset: 18 })[0]).toBe(
      `4: ${line.replace('sg.0 follows, bg.0 follows, ', '')}`,
    );
  });

  test('weights that are cast or reshaped before a layer uses them', () => {
    const nodes = [
      node('cast', 'Cast', 'w1', makeInt('to', DataType.float)),
      conv('a', 'image cast'),
      node('shaped', 'Reshape', 'w2 shape'),
      conv('out', 'a shaped'),
    ];
    // Large ones: small ones are computed beforehand.
    const weights = { w2: [200, 512], shape: { ints: [200, 512, 1, 1] } };
    const half = bytesTensor('w1', [512, 3, 8, 8], DataType.float16, new Uint8Array(2 * 512 * 3 * 64));
    const { groups } = channelGroups(
      analyseModel(
        modelOf({
          nodes,
          initializers: [
            half,
            floatTensor('w2', weights.w2, new Float32Array(200 * 512)),
            int64Tensor('shape', [4], weights.shape.ints),
          ],
          inputs: [tensorInfo('image', [1, 3, 8, 8])],
          outputs: [tensorInfo('out', null)],
        }),
      ),
    );
    expect(groups.map(({ unitCount }) => unitCount)).toEqual([512, 200]);
    const layers = groups[0]?.places.filter(({ kind, role }) => kind === 'weight' && role !== 'follows');
    expect(layers?.map(({ name, axis, role }) => [name, axis, role])).toEqual([
      ['w1', 0, 'makes'],
      ['w2', 1, 'reads'],
    ]);
  });

  test('rows of an embedding', () => {
    const nodes = [node('e', 'Gather', 'table image'), node('out', 'MatMul', 'e w')];
    const initializers = [
      floatTensor('table', [9, 6], new Float32Array(54)),
      floatTensor('w', [6, 2], new Float32Array(12)),
    ];
    const { groups } = channelGroups(
      analyseModel(
        modelOf({
          nodes,
          initializers,
          inputs: [tensorInfo('image', [1, 7], DataType.int64)],
          outputs: [tensorInfo('out', null)],
        }),
      ),
    );
    expect(groups[0]?.unitCount).toBe(6);
    expect(
      groups[0]?.places.filter(({ kind }) => kind === 'weight').map(({ name, axis }) => [name, axis]),
    ).toEqual([
      ['table', 1],
      ['w', 0],
    ]);
  });
});

describe('where channels go', () => {
  test('Concat, Split, Slice and Gather: parts of an axis', () => {
    const nodes = [
      conv('a', 'image w1'),
      conv('b', 'image w2'),
      node('c', 'Concat', 'a b image', makeInt('axis', 1)),
      makeNode('Split', ['c', 'parts'], ['left', 'right'], [makeInt('axis', 1)], { name: 'split' }),
      node('s', 'Slice', 'right from to axis'),
      node('g', 'Gather', 's order', makeInt('axis', 1)),
      conv('out', 'g w3'),
    ];
    const weights = {
      w1: [4, 3, 1, 1],
      w2: [4, 3, 1, 1],
      parts: { ints: [2, 9] },
      from: { ints: [1] },
      to: { ints: [-1] },
      axis: { ints: [1] },
      order: { ints: [6, 5, 4, 3, 2, 1, -7] },
      w3: [2, 7, 1, 1],
    };
    const groups = groupsOf({ nodes, weights });
    expect(groups.map(({ firstUnit, unitCount }) => [firstUnit, unitCount])).toEqual([
      [0, 4],
      [4, 4],
      [8, 2],
    ]);
    // Of the image's channels, which stay, two; of the second convolution all, of the first its last.
    const reading = groups[0]?.places.find(({ name }) => name === 'w3');
    expect([...(reading?.units ?? [])]).toEqual([-1, -1, 7, 6, 5, 4, 3]);
    expect(groups[1]?.places).toContain(reading);
  });

  test('a shuffle ties the same place of each part', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('r', 'Reshape', 'a halves'),
      node('t', 'Transpose', 'r', makeInts('perm', [0, 2, 1, 3, 4])),
      node('f', 'Reshape', 't whole'),
      conv('out', 'f w2'),
    ];
    const weights = {
      w1: [8, 3, 1, 1],
      halves: { ints: [1, 2, 4, 4, 4] },
      whole: { ints: [1, 8, 4, 4] },
      w2: [2, 8, 1, 1],
    };
    const [shuffled] = groupsOf({ nodes, weights });
    const unitsOf = (name: string) => [
      ...(shuffled?.places.find((place) => place.name === name)?.units ?? []),
    ];
    expect(unitsOf('w1')).toEqual([0, 1, 2, 3, 0, 1, 2, 3]);
    expect(unitsOf('w2')).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
  });

  test.each([
    ['DCR', [0, 1, 0, 1, 0, 1, 0, 1]],
    ['CRD', [0, 0, 0, 0, 1, 1, 1, 1]],
  ])('DepthToSpace %s', (mode, expected) => {
    const nodes = [
      conv('a', 'image w1'),
      node('d', 'DepthToSpace', 'a', makeInt('blocksize', 2), makeString('mode', mode)),
      node('s', 'SpaceToDepth', 'd', makeInt('blocksize', 4)),
      conv('out', 's w2'),
    ];
    const [moved] = groupsOf({ nodes, weights: { w1: [8, 3, 1, 1], w2: [2, 32, 1, 1] } });
    expect([...(moved?.places.find(({ name }) => name === 'w1')?.units ?? [])]).toEqual(expected);
    expect(moved?.places.find(({ name }) => name === 'w2')?.units).toHaveLength(32);
  });

  test('zeros that a shortcut pads with are channels of what they are added to', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('p', 'Pad', 'a pads'),
      conv('b', 'a w2'),
      node('s', 'Add', 'b p'),
      conv('out', 's w3'),
    ];
    const weights = {
      w1: [2, 3, 1, 1],
      pads: { ints: [0, 1, 0, 0, 0, 1, 0, 0] },
      w2: [4, 2, 1, 1],
      w3: [2, 4, 1, 1],
    };
    const [padded] = groupsOf({ nodes, weights });
    expect(padded?.unitCount).toBe(4);
    const unitsOf = (name: string) => [...(padded?.places.find((place) => place.name === name)?.units ?? [])];
    expect(unitsOf('w1')).toEqual(unitsOf('w3').slice(1, 3));
    expect(new Set(unitsOf('w3')).size).toBe(4);
  });

  test('heads of attention are units, over queries, keys and values made at once', () => {
    const taken = (name: string, index: string) => node(name, 'Gather', `qkv ${index}`, makeInt('axis', 0));
    const nodes = [
      conv('a', 'image w1'),
      node('tokens', 'Reshape', 'a flat'),
      node('rows', 'Transpose', 'tokens', makeInts('perm', [0, 2, 1])),
      node('made', 'MatMul', 'rows w2'),
      node('biased', 'Add', 'made b2'),
      node('heads', 'Reshape', 'biased heads_shape'),
      node('qkv', 'Transpose', 'heads', makeInts('perm', [2, 0, 3, 1, 4])),
      taken('q', 'zero'),
      taken('k', 'one'),
      taken('v', 'two'),
      node('q1', 'Squeeze', 'q zero'),
      node('k1', 'Squeeze', 'k zero'),
      node('v1', 'Squeeze', 'v zero'),
      node('kt', 'Transpose', 'k1', makeInts('perm', [0, 1, 3, 2])),
      node('scores', 'MatMul', 'q1 kt'),
      node('shares', 'Softmax', 'scores', makeInt('axis', -1)),
      node('seen', 'MatMul', 'shares v1'),
      node('back', 'Transpose', 'seen', makeInts('perm', [0, 2, 1, 3])),
      node('merged', 'Reshape', 'back merged_shape'),
      node('out', 'MatMul', 'merged w3'),
    ];
    const weights = {
      w1: [6, 3, 1, 1],
      flat: { ints: [1, 6, 16] },
      w2: [6, 24],
      b2: [24],
      heads_shape: { ints: [1, 16, 3, 2, 4] },
      zero: { ints: [0] },
      one: { ints: [1] },
      two: { ints: [2] },
      merged_shape: { ints: [1, 16, 8] },
      w3: [8, 5],
    };
    expect(linesOf({ nodes, weights })).toEqual([
      '6: w1.0 makes, w2.0 reads',
      '2: w2.1 makes, b2.0 follows, w3.0 reads',
      `5: w3.1 makes | ${output} "out"`,
    ]);
    const heads = groupsOf({ nodes, weights })[1];
    const units = heads?.places.find(({ name }) => name === 'w2')?.units.map((unit) => unit - 6);
    expect([...(units ?? [])]).toEqual([
      0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1,
    ]);
  });

  test('a shared weight ties its layers', () => {
    const nodes = [conv('a', 'image w1'), conv('b', 'a shared'), conv('c', 'b shared'), conv('out', 'c w2')];
    const weights = { w1: [4, 3, 1, 1], shared: [4, 4, 1, 1], w2: [2, 4, 1, 1] };
    expect(linesOf({ nodes, weights })[0]).toBe(
      '4: w1.0 makes, shared.1 reads, shared.0 makes, shared.1 reads, shared.0 makes, w2.1 reads',
    );
  });

  test('a class token that is repeated for each image of the batch', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('flat', 'Reshape', 'a rows'),
      node('tokens', 'Transpose', 'flat', makeInts('perm', [0, 2, 1])),
      node('shape', 'Shape', 'image'),
      node('batch', 'Slice', 'shape from to'),
      node('target', 'Concat', 'batch ones', makeInt('axis', 0)),
      node('classes', 'Expand', 'token target'),
      node('all', 'Concat', 'classes tokens', makeInt('axis', 1)),
      node('out', 'MatMul', 'all w2'),
    ];
    const weights = {
      w1: [4, 3, 1, 1],
      rows: { ints: [0, 4, -1] },
      from: { ints: [0] },
      to: { ints: [1] },
      ones: { ints: [1, 1] },
      token: [1, 1, 4],
      w2: [4, 2],
    };
    expect(linesOf({ nodes, weights, input: ['batch', 3, 4, 4] })[0]).toBe(
      '4: w1.0 makes, token.2 follows, w2.0 reads',
    );
  });

  test('sizes that are computed from those of the same channels are followed', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('shape', 'Shape', 'a'),
      node('two', 'Slice', 'shape from to'),
      node('sizes', 'Concat', 'two wide', makeInt('axis', 0)),
      node('large', 'Resize', 'a _ _ sizes'),
      conv('out', 'large w2'),
    ];
    const weights = {
      w1: [4, 3, 1, 1],
      from: { ints: [0] },
      to: { ints: [2] },
      wide: { ints: [8, 8] },
      w2: [2, 4, 1, 1],
    };
    expect(linesOf({ nodes, weights, input: ['batch', 3, 4, 4] })[0]).toBe('4: w1.0 makes, w2.1 reads');
  });

  test('a shape that gates are expanded to tells how many there are: they go with what has it', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('g', 'GlobalAveragePool', 'a'),
      conv('gates', 'g w2'),
      node('shape', 'Shape', 'a'),
      node('wide', 'Expand', 'gates shape'),
      conv('out', 'wide w3'),
    ];
    const weights = { w1: [4, 3, 1, 1], w2: [4, 4, 1, 1], w3: [2, 4, 1, 1] };
    expect(linesOf({ nodes, weights, input: ['batch', 3, 4, 4] })[0]).toBe(
      '4: w1.0 makes, w2.1 reads, w2.0 makes, w3.1 reads',
    );
  });

  test('one list of sizes for two layers ties them; read otherwise, too, it keeps them', () => {
    const nodes = [
      conv('a', 'image w1'),
      conv('b', 'image w2'),
      node('shape', 'Shape', 'image'),
      node('batch', 'Slice', 'shape zero one'),
      node('space', 'Slice', 'shape two four'),
      node('sizes', 'Concat', 'batch four space', makeInt('axis', 0)),
      node('largeA', 'Resize', 'a _ _ sizes'),
      node('largeB', 'Resize', 'b _ _ sizes'),
      node('both', 'Concat', 'largeA largeB', makeInt('axis', 1)),
      conv('out', 'both w3'),
    ];
    const weights = {
      w1: [4, 4, 2, 2],
      w2: [4, 4, 2, 2],
      zero: { ints: [0] },
      one: { ints: [1] },
      two: { ints: [2] },
      four: { ints: [4] },
      w3: [2, 8, 1, 1],
    };
    const input = ['batch', 4, 4, 4];
    expect(linesOf({ nodes, weights, input })[0]).toBe('4: w1.0 makes, w2.0 makes, w3.1 reads');
    const ofImage = node('largeB', 'Resize', 'image _ _ sizes');
    const others = nodes.toSpliced(1, 1).map((each) => (each.outputs[0] === 'largeB' ? ofImage : each));
    const { w2: _, ...rest } = weights;
    const [kept] = linesOf({ nodes: others, weights: rest, input });
    expect(kept).toContain('shares its list of sizes with others that need as many');
  });
});

describe('what must stay says why', () => {
  const middle = (
    nodes: readonly Node[],
    weights: Weights = {},
    rest: Partial<Network> = {},
  ): string | undefined =>
    groupsOf({
      nodes: [conv('a', 'image w1'), ...nodes, node('out', 'GlobalMaxPool', nodes.at(-1)?.outputs[0] ?? '')],
      weights: { w1: [4, 3, 1, 1], ...weights },
      ...rest,
    })[0]?.kept?.message;

  test('what the model gives out, also behind a Softmax', () => {
    expect(middle([node('s', 'Softmax', 'a', makeInt('axis', 1))])).toBe('The model gives them out as "out"');
  });

  test('filters that other layers compute, where a reshape leaves no axis to take them from', () => {
    const nodes = [
      conv('a', 'image w1'),
      node('p', 'GlobalAveragePool', 'a'),
      node('f', 'Flatten', 'p'),
      node('m', 'MatMul', 'f hyper'),
      node('r', 'Reshape', 'm shape'),
      conv('c', 'a r'),
      conv('out', 'c w2'),
    ];
    const weights = { w1: [8, 3, 1, 1], hyper: [8, 32], shape: { ints: [4, 8, 1, 1] }, w2: [2, 4, 1, 1] };
    const computed = linesOf({ nodes, weights }).find((line) => line.startsWith('4: '));
    expect(computed).toBe('4: w2.1 reads | Conv "c" has filters that no single axis of a weight holds');
  });

  test.each<readonly [string, readonly Node[], Weights]>([
    [
      'Einsum "e" computes "nchw->nhw", which is not followed',
      [node('e', 'Einsum', 'a', makeString('equation', 'nchw->nhw'))],
      {},
    ],
    [
      'Softmax "s" gives each of them a share of the whole',
      [node('s', 'Softmax', 'a', makeInt('axis', 1)), conv('c', 's w2')],
      { w2: [2, 4, 1, 1] },
    ],
    [
      'ArgMax "m" gives positions among them',
      [node('m', 'ArgMax', 'a', makeInt('axis', 1)), node('f', 'Cast', 'm', makeInt('to', 1))],
      {},
    ],
    [
      'Slice "s" takes one in 2 of them',
      [node('s', 'Slice', 'a from to axis step')],
      { from: { ints: [0] }, to: { ints: [4] }, axis: { ints: [1] }, step: { ints: [2] } },
    ],
    [
      'Reshape "r" makes other rows of them',
      [node('r', 'Reshape', 'a shape'), conv('c', 'r w2')],
      { w1: [6, 3, 1, 1], shape: { ints: [1, 8, 12, 1] }, w2: [2, 8, 1, 1] },
    ],
    [
      'Add "s" combines them with "tiled", which no layer\'s channels make',
      [
        node('tiled', 'Concat', 'image image', makeInt('axis', 1)),
        conv('b', 'a w2'),
        node('s', 'Add', 'b tiled'),
        conv('c', 's w3'),
      ],
      { w2: [6, 4, 1, 1], w3: [2, 6, 1, 1] },
    ],
    [
      'Mul "m" spreads one of them over many',
      [conv('b', 'a w2'), node('m', 'Mul', 'b image')],
      { w2: [1, 4, 1, 1] },
    ],
    [
      'Conv "c" makes one unit only: without it nothing would be left',
      [conv('c', 'a w2'), conv('d', 'c w3')],
      { w2: [1, 4, 1, 1], w3: [2, 1, 1, 1] },
    ],
    [
      'Conv "b" shares the weight "w2" and needs all of it',
      [conv('b', 'image w2'), conv('c', 'image w3'), conv('d', 'c w2'), node('s', 'Add', 'b d')],
      { w2: [5, 3, 1, 1], w3: [3, 3, 1, 1] },
    ],
  ])('%s', (message, nodes, weights) => {
    const groups = groupsOf({
      nodes: [conv('a', 'image w1'), ...nodes, node('out', 'GlobalMaxPool', nodes.at(-1)?.outputs[0] ?? '')],
      weights: { w1: [4, 3, 1, 1], ...weights },
    });
    expect(groups.map(({ kept }) => kept?.message)).toContain(message);
  });

  test('a node with a graph of its own', () => {
    const branch = (): Graph => ({
      ...modelOf({ nodes: [node('inner', 'Relu', 'a')], inputs: [], outputs: [tensorInfo('inner', null)] })
        .graph,
    });
    const nodes = [
      node('flag', 'ReduceMax', 'image', makeInt('keepdims', 0)),
      node('yes', 'Cast', 'flag', makeInt('to', DataType.bool)),
      node('i', 'If', 'yes', makeGraph('then_branch', branch()), makeGraph('else_branch', branch())),
    ];
    expect(middle(nodes)).toBe('If "i" has a graph of its own, which is not followed');
  });

  test('quantized layers are shown, and stay', () => {
    const nodes = [
      node('q', 'QuantizeLinear', 'image scale zero'),
      node('d', 'DequantizeLinear', 'q scale zero'),
      node('w', 'DequantizeLinear', 'weight scale zero'),
      conv('a', 'd w'),
      conv('out', 'a w'),
    ];
    const bytes = (name: string, dims: readonly number[], count: number) =>
      bytesTensor(name, dims, DataType.uint8, new Uint8Array(count));
    const initializers = [
      floatTensor('scale', [], Float32Array.of(0.1)),
      bytes('zero', [], 1),
      bytes('weight', [3, 3, 1, 1], 9),
    ];
    const model = modelOf({
      nodes,
      initializers,
      inputs: [tensorInfo('image', [1, 3, 4, 4])],
      outputs: [tensorInfo('out', null)],
    });
    const { groups } = channelGroups(analyseModel(model));
    expect(groups.map(({ name, unitCount, kept }) => [name, unitCount, kept?.message])).toEqual([
      ['a', 3, 'Conv "a" has quantized weights: prune before quantizing'],
      ['out', 3, 'The model gives them out as "out"'],
    ]);
  });

  test('a value whose shape only a run would tell', () => {
    const nodes = [
      node('whole', 'Cast', 'image', makeInt('to', DataType.int64)),
      node('largest', 'ReduceMax', 'whole', makeInt('keepdims', 0)),
      node('listed', 'Reshape', 'largest one'),
      node('target', 'Concat', 'one listed rest', makeInt('axis', 0)),
      node('r', 'Reshape', 'a target'),
    ];
    const weights = { one: { ints: [1] }, rest: { ints: [4, 4] } };
    expect(middle(nodes, weights)).toBe('Reshape "r" handles "r", whose shape is not known');
  });
});
