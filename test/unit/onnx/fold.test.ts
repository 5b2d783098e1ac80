import { Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { openModelArgument } from '../../../src/cli/open-model-argument.ts';
import { makeGraph, makeInt, makeInts, makeNode, makeTensor } from '../../../src/onnx/attributes.ts';
import { foldConstants } from '../../../src/onnx/fold.ts';
import { type Attribute, DataType, type Model, type Tensor as OnnxTensor } from '../../../src/onnx/model.ts';
import { bytesTensor, floatTensor, int64Tensor } from '../../../src/onnx/tensor.ts';
import { feed, modelOf, runModel, tensorInfo, untypedInfo } from '../../fixtures/run-onnx.ts';

const ints = (name: string, ...values: number[]) => int64Tensor(name, [values.length], values);

async function expectSameOutputs(model: Model, feeds: Record<string, Tensor>): Promise<Model> {
  const { model: folded } = foldConstants(model);
  const [before, after] = [await runModel(model, feeds), await runModel(folded, feeds)];
  expect([...after.keys()]).toEqual([...before.keys()]);
  for (const [name, output] of before) {
    expect(after.get(name)?.dims).toEqual(output.dims);
    expect(after.get(name)?.type).toEqual(output.type);
    expect(Array.from(after.get(name)?.data ?? [])).toEqual(Array.from(output.data));
  }
  return folded;
}

const types = (model: Model) => model.graph.nodes.map((node) => node.opType);

describe('the folded model computes exactly the same', () => {
  test.each(['mobilenet_v3_small', 'shufflenet_v2_x1_0', 'deeplabv3_mobilenet_v3_large'])(
    '%s',
    async (name) => {
      const { model } = openModelArgument(`zoo:${name}`);
      const folded = await expectSameOutputs(model, { input: feed([1, 3, 224, 224]) });
      expect(types(folded)).not.toContain('Constant');
      expect(types(folded)).not.toContain('Shape');
    },
  );

  test('exporter clutter: a shape computed from a shape', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Shape', ['x'], ['dims']),
        makeNode('Constant', [], ['zero'], [makeTensor('value', int64Tensor('', [], [0]))]),
        makeNode('Gather', ['dims', 'zero'], ['batch']),
        makeNode('Unsqueeze', ['batch', 'axis0'], ['batch1']),
        makeNode('Concat', ['batch1', 'rest'], ['target'], [makeInt('axis', 0)]),
        makeNode('Reshape', ['x', 'target'], ['flat']),
        makeNode('Relu', ['flat'], ['y']),
      ],
      initializers: [ints('axis0', 0), ints('rest', -1)],
      inputs: [tensorInfo('x', [2, 3, 4])],
      outputs: [tensorInfo('y', null)],
    });
    const folded = await expectSameOutputs(model, { x: feed([2, 3, 4]) });
    expect(types(folded)).toEqual(['Reshape', 'Relu']);
  });

  test('the same with an open batch: -1 takes the batch, whatever it is', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Shape', ['x'], ['dims']),
        makeNode('Gather', ['dims', 'zero'], ['batch']),
        makeNode('Unsqueeze', ['batch', 'axis0'], ['batch1']),
        makeNode('Concat', ['batch1', 'rest'], ['target'], [makeInt('axis', 0)]),
        makeNode('Reshape', ['x', 'target'], ['y']),
      ],
      initializers: [int64Tensor('zero', [], [0]), ints('axis0', 0), ints('rest', 12)],
      inputs: [tensorInfo('x', ['batch', 3, 4])],
      outputs: [tensorInfo('y', null)],
    });
    for (const batch of [1, 5]) {
      const folded = await expectSameOutputs(model, { x: feed([batch, 3, 4]) });
      expect(types(folded)).toEqual(['Reshape']);
    }
  });

  test('arithmetic on constants in float32, int64 and bool', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Div', ['a', 'b'], ['quotient']),
        makeNode('Sqrt', ['quotient'], ['root']),
        makeNode('Mul', ['x', 'root'], ['scaled']),
        makeNode('Div', ['m', 'n'], ['whole']),
        makeNode('Range', ['zero', 'whole', 'one'], ['steps']),
        makeNode('Cast', ['steps'], ['ramp'], [makeInt('to', DataType.float)]),
        makeNode('Add', ['scaled', 'ramp'], ['sum']),
        makeNode('Less', ['m', 'n'], ['smaller']),
        makeNode('Where', ['smaller', 'a', 'b'], ['chosen']),
        makeNode('Mul', ['sum', 'chosen'], ['y']),
      ],
      initializers: [
        floatTensor('a', [1], Float32Array.of(0.7)),
        floatTensor('b', [1], Float32Array.of(0.3)),
        int64Tensor('m', [], [17]),
        int64Tensor('n', [], [5]),
        int64Tensor('zero', [], [0]),
        int64Tensor('one', [], [1]),
      ],
      inputs: [tensorInfo('x', [2, 3])],
      outputs: [tensorInfo('y', [2, 3])],
    });
    const folded = await expectSameOutputs(model, { x: feed([2, 3]) });
    expect(types(folded)).toEqual(['Mul', 'Add', 'Mul']);
  });

  test('negative integer division, slices backwards, transposes and gathers of constants', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Div', ['m', 'n'], ['quotients']),
        makeNode('Slice', ['quotients', 'last', 'first', 'axis', 'back'], ['reversed']),
        makeNode('Reshape', ['reversed', 'square'], ['table']),
        makeNode('Transpose', ['table'], ['turned'], [makeInts('perm', [1, 0])]),
        makeNode('Gather', ['turned', 'pick'], ['row'], [makeInt('axis', 1)]),
        makeNode('Tile', ['row', 'twice'], ['tiled']),
        makeNode('Split', ['tiled', 'parts'], ['left', 'right'], [makeInt('axis', 1)]),
        makeNode('Pad', ['left', 'pads'], ['padded']),
        makeNode('Cast', ['padded'], ['floats'], [makeInt('to', DataType.float)]),
        makeNode('Cast', ['right'], ['others'], [makeInt('to', DataType.float)]),
        makeNode('Add', ['x', 'floats'], ['y']),
        makeNode('Add', ['x', 'others'], ['z']),
      ],
      initializers: [
        ints('m', -7, 7, -9, 9, 5, -5),
        ints('n', 2, -2, 4, -4, 3, 3),
        ints('last', -1),
        ints('first', -100),
        ints('axis', 0),
        ints('back', -1),
        ints('square', 3, -1),
        int64Tensor('pick', [1], [-1]),
        ints('twice', 1, 4),
        ints('parts', 1, 3),
        ints('pads', 0, 2, 0, 0),
      ],
      inputs: [tensorInfo('x', [2, 3])],
      outputs: [tensorInfo('y', null), tensorInfo('z', null)],
    });
    const folded = await expectSameOutputs(model, { x: feed([2, 3]) });
    expect(types(folded)).toEqual(['Add', 'Add']);
  });

  test('Identity, Dropout, Cast to the same type and empty padding are bypassed', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Identity', ['x'], ['a']),
        makeNode('Dropout', ['a'], ['b']),
        makeNode('Cast', ['b'], ['c'], [makeInt('to', DataType.float)]),
        makeNode('Pad', ['c', 'none'], ['d']),
        makeNode('Relu', ['d'], ['e']),
        makeNode('Identity', ['e'], ['y']),
        makeNode('Concat', ['e'], ['f'], [makeInt('axis', 0)]),
        makeNode('Neg', ['f'], ['z']),
      ],
      initializers: [ints('none', 0, 0, 0, 0)],
      inputs: [tensorInfo('x', ['n', 3])],
      outputs: [tensorInfo('y', null), tensorInfo('z', null)],
    });
    const folded = await expectSameOutputs(model, { x: feed([2, 3]) });
    expect(types(folded)).toEqual(['Relu', 'Identity', 'Neg']);
    expect(folded.graph.nodes[0]?.inputs).toEqual(['x']);
  });

  test('what a subgraph captures keeps its name', async () => {
    const branch = (op: string) => ({
      ...modelOf({
        nodes: [makeNode(op, ['same'], [`${op}_out`])],
        inputs: [],
        outputs: [untypedInfo(`${op}_out`)],
      }).graph,
      name: op,
    });
    const model = modelOf({
      nodes: [
        makeNode('Identity', ['x'], ['same']),
        makeNode(
          'If',
          ['flag'],
          ['y'],
          [makeGraph('then_branch', branch('Relu')), makeGraph('else_branch', branch('Neg'))],
        ),
      ],
      inputs: [tensorInfo('x', [3]), tensorInfo('flag', [], DataType.bool)],
      outputs: [tensorInfo('y', [3])],
    });
    const flag = new Tensor('bool', Uint8Array.of(0), []);
    const folded = await expectSameOutputs(model, { x: feed([3]), flag });
    expect(types(folded)).toEqual(['Identity', 'If']);
  });

  test('weights by ConstantOfShape become fills that are never written out before they are read', async () => {
    const model = modelOf({
      nodes: [
        makeNode(
          'ConstantOfShape',
          ['dims'],
          ['w'],
          [makeTensor('value', floatTensor('', [1], Float32Array.of(0.5)))],
        ),
        makeNode('MatMul', ['x', 'w'], ['y']),
      ],
      initializers: [ints('dims', 300, 400)],
      inputs: [tensorInfo('x', [1, 300])],
      outputs: [tensorInfo('y', [1, 400])],
    });
    const folded = await expectSameOutputs(model, { x: feed([1, 300], (i) => i % 8) });
    expect(folded.graph.initializers.map(({ data }) => data.kind)).toEqual(['hollow']);
  });

  test('a dequantized bias that several nodes share is dequantized for each; random numbers are drawn once', async () => {
    const quantized = [
      bytesTensor('q', [1], DataType.int8, Uint8Array.of(200)),
      floatTensor('scale', [], Float32Array.of(0.5)),
    ];
    const model = modelOf({
      nodes: [
        makeNode('DequantizeLinear', ['q', 'scale'], ['bias'], [], { name: 'bias' }),
        makeNode('RandomNormal', [], ['noise'], [makeInts('shape', [2])]),
        makeNode('Add', ['x', 'bias'], ['a']),
        makeNode('Add', ['a', 'noise'], ['b']),
        makeNode('Mul', ['b', 'bias'], ['c']),
        makeNode('Mul', ['noise', 'bias'], ['d']),
        makeNode('Sub', ['c', 'd'], ['y']),
      ],
      initializers: quantized,
      inputs: [tensorInfo('x', [2])],
      outputs: [tensorInfo('y', [2])],
    });
    const { model: folded } = foldConstants(model);
    const { nodes } = folded.graph;
    expect(types(folded).filter((type) => type === 'RandomNormal')).toHaveLength(1);
    expect(types(folded).filter((type) => type === 'DequantizeLinear')).toHaveLength(3);
    expect(new Set(nodes.flatMap(({ outputs }) => outputs)).size).toBe(nodes.length);
    expect(new Set(nodes.filter(({ name }) => name !== '').map(({ name }) => name)).size).toBe(3);
    const y = (await runModel(folded, { x: new Tensor('float32', [1, 2], [2]) })).get('y');
    for (const [at, x] of [1, 2].entries()) expect(y?.data[at]).toBeCloseTo((x - 28) * -28, 2);
  });

  test('a slice to the largest integer is to the end, and such an integer is not rewritten', async () => {
    const largest = new Uint8Array(8).fill(255);
    largest[7] = 127;
    const model = modelOf({
      nodes: [
        makeNode('Concat', ['end', 'end'], ['ends'], [makeInt('axis', 0)]),
        makeNode('Slice', ['x', 'starts', 'ends'], ['y']),
        makeNode('Slice', ['table', 'starts', 'ends'], ['corner']),
        makeNode('Add', ['y', 'corner'], ['z']),
      ],
      initializers: [
        bytesTensor('end', [1], DataType.int64, largest),
        ints('starts', 1, 1),
        floatTensor('table', [2, 2], Float32Array.of(1, 2, 3, 4)),
      ],
      inputs: [tensorInfo('x', [3, 4])],
      outputs: [tensorInfo('z', [2, 3])],
    });
    const folded = await expectSameOutputs(model, { x: feed([3, 4]) });
    expect(types(folded)).toEqual(['Concat', 'Slice', 'Add']);
  });
});

describe('every operator that is folded gives what the runtime gives', () => {
  const f = (dims: number[], ...values: number[]) => floatTensor('', dims, Float32Array.from(values));
  const i = (dims: number[], ...values: number[]) => int64Tensor('', dims, values);
  const b = (...values: number[]) => bytesTensor('', [values.length], DataType.bool, Uint8Array.from(values));
  const floats = f([2, 3], 0.7, -1.3, 2.5, 1e-3, 7, 0);
  const row = f([3], 0.3, 3, -2);
  const whole = i([2, 3], 7, -7, 3, 0, 9, -2);
  const wholeRow = i([3], 2, -3, 4);
  const cases: readonly [string, readonly OnnxTensor[], (readonly Attribute[])?][] = [
    ...[
      'Add',
      'Sub',
      'Mul',
      'Div',
      'Min',
      'Max',
      'Less',
      'LessOrEqual',
      'Greater',
      'GreaterOrEqual',
      'Equal',
    ].flatMap((op): [string, OnnxTensor[]][] => [
      [op, [floats, row]],
      [op, [whole, wholeRow]],
    ]),
    ['Mod', [whole, wholeRow]],
    ['Mod', [whole, wholeRow], [makeInt('fmod', 1)]],
    ['Mod', [floats, row], [makeInt('fmod', 1)]],
    ['Max', [floats, row, f([1], 0.5)]],
    ['Min', [whole, wholeRow, i([1], 1)]],
    ['Neg', [floats]],
    ['Abs', [whole]],
    ['Floor', [floats]],
    ['Ceil', [floats]],
    ['Sqrt', [f([3], 2, 0.1, 5)]],
    ['Not', [b(1, 0, 1)]],
    ['And', [b(1, 0, 1), b(1, 1, 0)]],
    ['Or', [b(1, 0, 0), b(0, 0, 1)]],
    ['Where', [b(1, 0, 1), floats, row]],
    ...['ReduceProd', 'ReduceSum', 'ReduceMax', 'ReduceMin'].map((op): [string, OnnxTensor[]] => [
      op,
      [whole],
    ]),
    ['Cast', [floats], [makeInt('to', DataType.int64)]],
    ['Cast', [floats], [makeInt('to', DataType.int32)]],
    ['Cast', [whole], [makeInt('to', DataType.float)]],
    ['Cast', [floats], [makeInt('to', DataType.bool)]],
    ['Cast', [floats], [makeInt('to', DataType.double)]],
    ['Transpose', [floats]],
    ['Concat', [floats, f([2, 1], 5, 6)], [makeInt('axis', 1)]],
    ['Slice', [floats, i([2], -1, 0), i([2], -9, 9), i([2], 1, 0), i([2], -2, 1)]],
    ['Gather', [floats, i([2, 2], 0, -1, 2, 1)], [makeInt('axis', 1)]],
    ['Expand', [row, i([3], 2, 1, 3)]],
    ['Tile', [whole, i([2], 2, 2)]],
    ['Pad', [whole, i([4], 1, 0, 0, 2), i([], -5)]],
    ['Pad', [floats, i([4], 0, 1, 1, -1)]],
    ['Reshape', [floats, i([2], 3, -1)]],
    ['Flatten', [floats], [makeInt('axis', 0)]],
    ['Unsqueeze', [floats, i([2], 0, -1)]],
    ['Squeeze', [f([1, 2, 1], 3, 4)]],
    ['ConstantOfShape', [i([2], 2, 3)], [makeTensor('value', i([1], -4))]],
    ['Range', [i([], 10), i([], -1), i([], -3)]],
    ['Shape', [floats]],
    ['Size', [floats]],
    ['NonZero', [whole]],
  ];
  test.each(
    cases.map(
      (item) =>
        [
          `${item[0]} ${item[1].map(({ dataType, dims }) => `${dataType}:[${dims.join()}]`).join(' ')}`,
          item,
        ] as const,
    ),
  )('%s', async (_, [op, constants, attributes = []]) => {
    const names = constants.map((__, at) => `c${at}`);
    const model = modelOf({
      nodes: [
        makeNode(op, names, ['value'], attributes),
        makeNode('Identity', ['value'], ['y']),
        makeNode('Relu', ['x'], ['z']),
      ],
      initializers: constants.map((tensor, at) => ({ ...tensor, name: names[at] as string })),
      inputs: [tensorInfo('x', [1])],
      outputs: [untypedInfo('y'), tensorInfo('z', [1])],
    });
    const folded = await expectSameOutputs(model, { x: feed([1]) });
    expect(types(folded)).toEqual(['Relu', 'Identity']);
  });
});

describe('names and order', () => {
  test('outputs and remaining values keep their names; initializers are no inputs', () => {
    const model = modelOf({
      nodes: [makeNode('Add', ['x', 'w'], ['sum']), makeNode('Identity', ['sum'], ['y'])],
      initializers: [floatTensor('w', [2], Float32Array.of(1, 2))],
      inputs: [tensorInfo('x', [2]), tensorInfo('w', [2])],
      outputs: [tensorInfo('y', [2])],
      irVersion: 3,
    });
    const { model: folded, foldedNodes } = foldConstants(model);
    expect(foldedNodes).toBe(0);
    expect(folded.graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(folded.graph.nodes.flatMap(({ outputs }) => outputs)).toEqual(['sum', 'y']);
    expect(folded.irVersion).toBe(4);
  });

  test('nodes that only depend on weights come right before their use', () => {
    const model = modelOf({
      nodes: [
        makeNode('DequantizeLinear', ['w', 's'], ['weights']),
        makeNode('Relu', ['x'], ['a']),
        makeNode('Relu', ['a'], ['b']),
        makeNode('MatMul', ['b', 'weights'], ['y']),
      ],
      initializers: [
        bytesTensor('w', [2, 2], DataType.int8, Uint8Array.of(1, 2, 3, 4)),
        floatTensor('s', [], Float32Array.of(0.5)),
      ],
      inputs: [tensorInfo('x', [1, 2])],
      outputs: [tensorInfo('y', [1, 2])],
    });
    expect(types(foldConstants(model).model)).toEqual(['Relu', 'Relu', 'DequantizeLinear', 'MatMul']);
  });

  test('a node nobody used in the file stays', () => {
    const model = modelOf({
      nodes: [makeNode('Relu', ['x'], ['y']), makeNode('Neg', ['x'], ['idle'])],
      inputs: [tensorInfo('x', [2])],
      outputs: [tensorInfo('y', [2])],
    });
    expect(types(foldConstants(model).model)).toEqual(['Relu', 'Neg']);
  });
});
