import { describe, expect, it } from 'vitest';
import {
  makeFloat,
  makeGraph,
  makeInt,
  makeInts,
  makeNode,
  makeString,
} from '../../../../src/onnx/attributes.ts';
import { DataType, type Model, type Node, type Shape } from '../../../../src/onnx/model.ts';
import { floatTensor } from '../../../../src/onnx/tensor.ts';
import { convertOpset } from '../../../../src/transforms/prepare/convert-opset.ts';
import { prepareModel } from '../../../../src/transforms/prepare/prepare-model.ts';
import { feed, modelOf, runModel, tensorInfo, untypedInfo } from '../../../fixtures/run-onnx.ts';

const dims = [1, 4, 6, 6];

function old(
  nodes: readonly Node[],
  opset: number,
  input: Shape = dims,
  outputs: readonly string[] = ['y'],
): Model {
  return modelOf({
    nodes,
    opset,
    irVersion: 3 + (opset > 9 ? 3 : 0),
    inputs: [tensorInfo('x', input), ...(opset < 10 ? [tensorInfo('scales', [4])] : [])],
    outputs: outputs.map(untypedInfo),
    initializers: [floatTensor('scales', [4], Float32Array.of(1, 1, 2, 1.5))],
  });
}

const node = makeNode;
const axis = (value: number) => makeInt('axis', value);
const reduced = [makeInts('axes', [2, 3]), makeInt('keepdims', 0)];

describe('a model written for a newer opset', () => {
  it.each([
    ['Clip', 8, 13, [node('Clip', ['x'], ['y'], [makeFloat('min', -0.5), makeFloat('max', 0.5)])]],
    ['Clip at one end', 10, 21, [node('Clip', ['x'], ['y'], [makeFloat('max', 0.25)])]],
    [
      'Pad',
      9,
      13,
      [node('Pad', ['x'], ['y'], [makeInts('pads', [0, 0, 1, 2, 0, 0, 0, 1]), makeFloat('value', 3)])],
    ],
    [
      'Slice',
      9,
      21,
      [node('Slice', ['x'], ['y'], [makeInts('starts', [1]), makeInts('ends', [-1]), makeInts('axes', [2])])],
    ],
    ['TopK', 9, 13, [node('TopK', ['x'], ['y', 'at'], [makeInt('k', 2)])]],
    ['nearest Upsample', 9, 13, [node('Upsample', ['x', 'scales'], ['y'], [makeString('mode', 'nearest')])]],
    ['linear Upsample', 9, 18, [node('Upsample', ['x', 'scales'], ['y'], [makeString('mode', 'linear')])]],
    [
      'Upsample with an attribute',
      7,
      11,
      [
        node(
          'Upsample',
          ['x'],
          ['y'],
          [{ name: 'scales', value: { kind: 'floats', value: [1, 1, 2, 2] }, unknown: [] }],
        ),
      ],
    ],
    ['Resize', 10, 13, [node('Resize', ['x', 'scales'], ['y'])]],
    [
      'Dropout with a mask that nobody reads',
      9,
      13,
      [node('Dropout', ['x'], ['y', 'mask'], [makeFloat('ratio', 0.5)])],
    ],
    [
      'Squeeze and Unsqueeze',
      12,
      13,
      [
        node('Squeeze', ['x'], ['a'], [makeInts('axes', [0])]),
        node('Unsqueeze', ['a'], ['y'], [makeInts('axes', [0, 4])]),
      ],
    ],
    ['Squeeze of whatever is 1', 12, 21, [node('Squeeze', ['x'], ['y'])]],
    ['ReduceSum', 11, 13, [node('ReduceSum', ['x'], ['y'], reduced)]],
    ['ReduceMean', 11, 18, [node('ReduceMean', ['x'], ['y'], reduced)]],
    ['ReduceMax over all', 11, 21, [node('ReduceMax', ['x'], ['y'])]],
    ['Split', 11, 18, [node('Split', ['x'], ['y', 'z'], [axis(1), makeInts('split', [1, 3])])]],
    ['Split into equal parts', 11, 18, [node('Split', ['x'], ['y', 'z'], [axis(1)])]],
    ['Softmax over all behind the first axis', 11, 13, [node('Softmax', ['x'], ['y'])]],
    ['LogSoftmax of the last axis', 11, 13, [node('LogSoftmax', ['x'], ['y'], [axis(3)])]],
    ['Softmax from the second last axis', 12, 21, [node('Softmax', ['x'], ['y'], [axis(-2)])]],
    ['Hardmax', 12, 13, [node('Hardmax', ['x'], ['y'], [axis(2)])]],
    [
      'Softmax of a vector for each channel',
      11,
      13,
      [node('GlobalAveragePool', ['x'], ['a']), node('Softmax', ['a'], ['y'], [axis(1)])],
    ],
    [
      'BatchNormalization',
      8,
      15,
      [
        node('GlobalAveragePool', ['x'], ['a']),
        node(
          'BatchNormalization',
          ['x', 'scales', 'scales', 'scales', 'scales'],
          ['b'],
          [makeInt('spatial', 1)],
        ),
        node('Add', ['a', 'b'], ['y']),
      ],
    ],
    [
      'GridSample',
      16,
      20,
      [
        node('Slice', ['x', 'from', 'to', 'axes'], ['grid']),
        node('Transpose', ['grid'], ['moved'], [makeInts('perm', [0, 2, 3, 1])]),
        node('GridSample', ['x', 'moved'], ['y'], [makeString('mode', 'bicubic')]),
      ],
    ],
  ] as const)('computes the same: %s, opset %i to %i', async (title, from, to, nodes) => {
    const constants =
      title === 'GridSample'
        ? ([
            ['from', 0],
            ['to', 2],
            ['axes', 1],
          ] as const)
        : [];
    const model = old(
      [
        ...constants.map(([name, value]) => node('Constant', [], [name], [makeInts('value_ints', [value])])),
        ...nodes,
      ],
      from,
      dims,
      title.startsWith('Split') ? ['y', 'z'] : ['y'],
    );
    const { model: converted, changed } = convertOpset(model, to);
    expect(converted.opsetImports.find(({ domain }) => domain === '')?.version).toBe(to);
    expect(changed).toBeGreaterThanOrEqual(title.includes('whatever') || title.includes('over all') ? 0 : 1);
    const feeds = { x: feed(dims) };
    const [before, after] = [await runModel(model, feeds), await runModel(converted, feeds)];
    for (const [name, output] of before) expect(after.get(name)).toEqual(output);
  });

  it('flattens a Softmax of unknown size at run time', async () => {
    const model = old([node('Softmax', ['x'], ['y'])], 11, ['n', 'c', 'h', 'w']);
    const feeds = { x: feed(dims) };
    expect(await runModel(convertOpset(model, 13).model, feeds)).toEqual(await runModel(model, feeds));
  });

  it('converts what is inside of subgraphs', async () => {
    const branch = (name: string, sign: string) => ({
      ...modelOf({
        nodes: [
          node(sign, ['x'], [`${name}_a`]),
          node('Clip', [`${name}_a`], [`${name}_b`], [makeFloat('max', 0.5)]),
          node('ReduceSum', [`${name}_b`], [name], reduced),
        ],
        inputs: [],
        outputs: [tensorInfo(name, [1, 4])],
      }).graph,
    });
    const model = old(
      [
        node('ReduceMax', ['x'], ['top'], [makeInt('keepdims', 0)]),
        node('Cast', ['top'], ['is'], [makeInt('to', DataType.bool)]),
        node(
          'If',
          ['is'],
          ['y'],
          [makeGraph('then_branch', branch('then', 'Neg')), makeGraph('else_branch', branch('else', 'Abs'))],
        ),
      ],
      10,
    );
    const feeds = { x: feed(dims) };
    expect(await runModel(convertOpset(model, 21).model, feeds)).toEqual(await runModel(model, feeds));
  });

  it.each([
    [
      'an operator whose form is gone',
      node('Upsample', ['x'], ['y'], [], { name: 'up' }),
      9,
      11,
      'Upsample "up"',
    ],
    ['a mask that is read', node('Dropout', ['x'], ['a', 'y']), 9, 13, 'another type'],
    [
      'statistics of its own for each position',
      node('BatchNormalization', ['x'], ['y'], [makeInt('spatial', 0)]),
      8,
      13,
      'spatial=0',
    ],
    ['old broadcasting', node('Relu', ['x'], ['y']), 6, 13, 'broadcast differently'],
    ['sizes known only at run time', node('Resize', ['x', 'x'], ['y']), 10, 13, 'coordinates differently'],
  ] as const)('refuses %s, with the place and the reason', (_, wrong, from, to, reason) => {
    expect(() => convertOpset(old([wrong], from), to)).toThrow(reason);
  });

  it('leaves newer models as they are', () => {
    const model = old([node('Relu', ['x'], ['y'])], 17);
    expect(convertOpset(model, 13).model).toBe(model);
  });
});

it('is not written for an older opset, and the note says so', () => {
  const model = old([makeNode('Relu', ['x'], ['y'])], 17);
  const operator = { op: 'prepare', kind: 'convert-opset', version: 13 } as const;
  const prepared = prepareModel(model, operator, new Set(), 'build');
  expect(prepared).toEqual({ model, note: 'opset 13: the model has 17 already and stays as it is.' });
});
