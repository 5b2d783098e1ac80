import { Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import {
  makeFloat,
  makeInt,
  makeInts,
  makeNode,
  makeString,
  makeTensor,
} from '../../../../src/onnx/attributes.ts';
import { type Attribute, DataType, type Tensor as OnnxTensor } from '../../../../src/onnx/model.ts';
import { inferShapes } from '../../../../src/onnx/shape-inference.ts';
import { bytesTensor, dataTypeName, floatTensor, int64Tensor } from '../../../../src/onnx/tensor.ts';
import { feed, modelOf, runModel, tensorInfo, untypedInfo } from '../../../fixtures/run-onnx.ts';

/**
 * Every case is one node, run by native ONNX Runtime on real data: the types and shapes that come out must be the
 * inferred ones. Inputs are fed (dims), or constant (a tensor), or left out ('').
 */
interface Case {
  readonly op: string;
  readonly inputs: readonly (readonly number[] | OnnxTensor | Tensor | '')[];
  readonly attributes?: readonly Attribute[];
  readonly opset?: number;
  readonly outputs?: number;
  readonly domain?: string;
  readonly note?: string;
}

const ints = (...values: number[]) => int64Tensor('', [values.length], values);
const scalar = (value: number) => int64Tensor('', [], [value]);
const floats = (...values: number[]) => floatTensor('', [values.length], Float32Array.from(values));
const one = (value: number) => floatTensor('', [], Float32Array.of(value));
const weight = (...dims: number[]) =>
  floatTensor(
    '',
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => Math.cos(i)),
  );
const bytes = (type: number, ...dims: number[]) =>
  bytesTensor(
    '',
    dims,
    type,
    Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % 100),
  );
const booleans = (...dims: number[]) =>
  new Tensor(
    'bool',
    Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % 2),
    dims,
  );
const integers = (dims: number[], ...values: number[]) =>
  new Tensor('int64', BigInt64Array.from(values, BigInt), dims);
const u8 = (...dims: number[]) =>
  new Tensor(
    'uint8',
    Uint8Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, i) => i % 250),
    dims,
  );

const c = (
  op: string,
  inputs: Case['inputs'],
  attributes: readonly Attribute[] = [],
  more: Partial<Case> = {},
): Case => ({
  op,
  inputs,
  attributes,
  ...more,
});

const image = [1, 4, 9, 10];
const k = (...values: number[]) => makeInts('kernel_shape', values);
const axis = (value: number) => makeInt('axis', value);
const axes = (...values: number[]) => makeInts('axes', values);

const convolutions: Case[] = [
  c('Conv', [image, weight(6, 4, 3, 3)]),
  c(
    'Conv',
    [image, weight(6, 4, 3, 3), weight(6)],
    [makeInts('pads', [1, 0, 2, 1]), makeInts('strides', [2, 3])],
  ),
  c('Conv', [image, weight(8, 2, 3, 2)], [makeInt('group', 2), makeInts('dilations', [2, 3])]),
  c(
    'Conv',
    [image, weight(4, 1, 5, 5)],
    [makeInt('group', 4), makeString('auto_pad', 'SAME_UPPER'), makeInts('strides', [2, 2])],
  ),
  c('Conv', [image, weight(4, 4, 3, 3)], [makeString('auto_pad', 'SAME_LOWER'), k(3, 3)]),
  c('Conv', [image, weight(4, 4, 3, 3)], [makeString('auto_pad', 'VALID'), makeInts('strides', [2, 2])]),
  c('Conv', [[2, 3, 12], weight(5, 3, 4)]),
  c('Conv', [[1, 2, 5, 6, 7], weight(3, 2, 2, 3, 3)]),
  c('FusedConv', [image, weight(6, 4, 3, 3), weight(6)], [makeString('activation', 'Relu')], {
    domain: 'com.microsoft',
  }),
  c('ConvInteger', [u8(1, 4, 9, 9), bytes(DataType.uint8, 6, 4, 3, 3)], [makeInts('strides', [2, 2])]),
  c('ConvTranspose', [image, weight(4, 6, 3, 3)]),
  c(
    'ConvTranspose',
    [image, weight(4, 3, 3, 3)],
    [
      makeInts('strides', [2, 2]),
      makeInts('pads', [1, 1, 1, 1]),
      makeInts('output_padding', [1, 0]),
      makeInt('group', 2),
    ],
  ),
  c(
    'ConvTranspose',
    [image, weight(4, 6, 3, 3)],
    [makeInts('strides', [2, 2]), makeInts('dilations', [2, 2])],
  ),
  c(
    'ConvTranspose',
    [image, weight(4, 6, 3, 3)],
    [makeInts('strides', [2, 2]), makeInts('output_shape', [18, 21])],
  ),
  c(
    'ConvTranspose',
    [image, weight(4, 6, 3, 3)],
    [makeInts('strides', [2, 2]), makeString('auto_pad', 'SAME_UPPER')],
  ),
  c('MaxPool', [image], [k(3, 3), makeInts('strides', [2, 2]), makeInts('pads', [1, 1, 1, 1])]),
  c('MaxPool', [image], [k(3, 3), makeInts('strides', [2, 2]), makeInt('ceil_mode', 1)], { outputs: 2 }),
  c(
    'MaxPool',
    [image],
    [k(2, 2), makeInts('strides', [3, 3]), makeInts('pads', [1, 1, 1, 1]), makeInt('ceil_mode', 1)],
  ),
  c('MaxPool', [image], [k(2, 2), makeInts('dilations', [2, 2])]),
  c('MaxPool', [image], [k(2, 2), makeInts('strides', [2, 2]), makeString('auto_pad', 'SAME_UPPER')]),
  c('AveragePool', [image], [k(3, 2), makeInts('strides', [2, 2]), makeInt('ceil_mode', 1)]),
  c('AveragePool', [image], [k(2, 2), makeString('auto_pad', 'VALID'), makeInts('strides', [3, 3])]),
  c('LpPool', [image], [k(3, 3)]),
  c(
    'MaxUnpool',
    [[1, 1, 2, 3], int64Tensor('', [1, 1, 2, 3], [0, 3, 5, 14, 16, 18])],
    [k(3, 2), makeInts('strides', [3, 2]), makeInts('pads', [1, 0, 0, 0])],
  ),
  c(
    'MaxUnpool',
    [[1, 1, 1, 2], int64Tensor('', [1, 1, 1, 2], [0, 3]), ints(1, 1, 4, 5)],
    [k(2, 2), makeInts('strides', [2, 2])],
  ),
  c('GlobalAveragePool', [image]),
  c('GlobalMaxPool', [[2, 3, 4, 5, 6]]),
  c('GlobalLpPool', [image]),
  c('GridSample', [image, [1, 5, 6, 2]]),
  c(
    'MaxRoiPool',
    [image, floatTensor('', [2, 5], Float32Array.from([0, 0, 0, 4, 4, 0, 1, 1, 3, 3]))],
    [makeInts('pooled_shape', [2, 3])],
  ),
  c(
    'RoiAlign',
    [image, floatTensor('', [2, 4], Float32Array.from([0, 0, 4, 4, 1, 1, 3, 3])), ints(0, 0)],
    [makeInt('output_height', 3), makeInt('output_width', 2)],
  ),
  c('LRN', [image], [makeInt('size', 3)]),
  c(
    'QLinearConv',
    [
      u8(1, 4, 9, 9),
      one(0.1),
      bytesTensor('', [], DataType.uint8, Uint8Array.of(3)),
      bytes(DataType.int8, 6, 4, 3, 3),
      one(0.2),
      bytesTensor('', [], DataType.int8, Uint8Array.of(0)),
      one(0.3),
      bytesTensor('', [], DataType.uint8, Uint8Array.of(7)),
    ],
    [makeInts('pads', [1, 1, 1, 1])],
  ),
];

const elementwise: Case[] = [
  ...[
    'Relu',
    'Sigmoid',
    'Tanh',
    'Erf',
    'Exp',
    'Neg',
    'Abs',
    'Sqrt',
    'LeakyRelu',
    'Elu',
    'Selu',
    'Celu',
    'HardSigmoid',
    'HardSwish',
    'Softplus',
    'Softsign',
    'ThresholdedRelu',
    'Floor',
    'Ceil',
    'Round',
    'Sign',
    'Reciprocal',
    'Softmax',
    'LogSoftmax',
    'Hardmax',
    'Identity',
    'Mish',
    'Cos',
    'Sin',
  ].map((op) => c(op, [[2, 3, 4]], [], { opset: 18 })),
  c('Gelu', [[2, 3]], [], { opset: 20 }),
  c('Gelu', [[2, 3]], [], { domain: 'com.microsoft' }),
  ...['Add', 'Sub', 'Mul', 'Div', 'Pow'].flatMap((op) => [
    c(op, [[2, 3, 4], [4]]),
    c(op, [
      [3, 1],
      [2, 1, 5],
    ]),
    c(op, [[], [2, 2]]),
    c(op, [
      [0, 3],
      [1, 3],
    ]),
  ]),
  ...['Sum', 'Max', 'Min', 'Mean'].map((op) => c(op, [[2, 1], [3], [4, 1, 1]])),
  ...['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'].map((op) => c(op, [[2, 1], [3]])),
  c('And', [booleans(2, 1), booleans(3)]),
  c('Not', [booleans(2, 1)]),
  c('IsNaN', [[2, 3]]),
  c('Where', [booleans(3, 1), [1, 4], [2, 1, 1]]),
  c('Clip', [[2, 3], one(0), one(6)]),
  c('Clip', [[2, 3]], [makeFloat('min', 0), makeFloat('max', 6)], { opset: 6 }),
  c('PRelu', [[1, 4, 3, 3], weight(4, 1, 1)]),
  c('Cast', [[2, 3]], [makeInt('to', DataType.float16)]),
  c('Cast', [[2, 3]], [makeInt('to', DataType.bool)]),
  c('CastLike', [[2, 3], integers([1], 1)]),
  c('Dropout', [[2, 3]], [], { outputs: 2 }),
  c('BatchNormalization', [image, weight(4), weight(4), weight(4), floats(1, 1, 1, 1)]),
  c('InstanceNormalization', [image, weight(4), weight(4)]),
  c('LayerNormalization', [[2, 3, 4], weight(4), weight(4)], [axis(-1)], { outputs: 3 }),
  c('LayerNormalization', [[2, 3, 4], weight(3, 4)], [axis(1)]),
  c('GroupNormalization', [image, weight(4), weight(4)], [makeInt('num_groups', 2)], { opset: 21 }),
  c('RMSNormalization', [[2, 3, 4], weight(4)], [], { opset: 23 }),
  c('SkipLayerNormalization', [[2, 3, 4], [2, 3, 4], weight(4), weight(4)], [], { domain: 'com.microsoft' }),
  c('CumSum', [[2, 3], scalar(1)]),
  c('Trilu', [[3, 4]]),
  c('Mod', [integers([3], 5, 6, 7), integers([1], 4)]),
  c('MeanVarianceNormalization', [image]),
  c('LpNormalization', [[2, 3]]),
  c('ScatterElements', [[3, 3], integers([1, 2], 0, 2), [1, 2]]),
  c('ScatterND', [[4, 3], integers([2, 1], 0, 2), [2, 3]]),
  c('ReverseSequence', [[4, 2], integers([2], 3, 4)]),
  c('Bernoulli', [new Tensor('float32', Float32Array.of(0.5, 0.2), [2])]),
];

const matrices: Case[] = [
  c('MatMul', [
    [2, 3],
    [3, 4],
  ]),
  c('MatMul', [
    [5, 1, 2, 3],
    [4, 3, 6],
  ]),
  c('MatMul', [[3], [3, 4]]),
  c('MatMul', [[2, 5, 3], [3]]),
  c('MatMul', [[3], [3]]),
  c('Gemm', [[3, 2], weight(3, 5), weight(5)], [makeInt('transA', 1)]),
  c('Gemm', [[2, 3], weight(5, 3), weight(2, 1)], [makeInt('transB', 1)]),
  c(
    'FusedMatMul',
    [
      [2, 4, 3],
      [2, 4, 5],
    ],
    [makeInt('transA', 1)],
    { domain: 'com.microsoft' },
  ),
  c('MatMulInteger', [u8(2, 3), bytes(DataType.uint8, 3, 4)]),
  c('DynamicQuantizeMatMul', [[2, 3], bytes(DataType.uint8, 3, 4), one(0.1)], [], {
    domain: 'com.microsoft',
  }),
  c(
    'MatMulNBits',
    [[2, 32], bytes(DataType.uint8, 8, 1, 16), weight(8)],
    [makeInt('K', 32), makeInt('N', 8), makeInt('bits', 4), makeInt('block_size', 32)],
    { domain: 'com.microsoft' },
  ),
  c(
    'Einsum',
    [
      [2, 3, 4],
      [2, 4, 5],
    ],
    [makeString('equation', 'bij,bjk->bik')],
  ),
  c(
    'Einsum',
    [
      [3, 4],
      [4, 5],
    ],
    [makeString('equation', 'zy, yx')],
  ),
  c('Einsum', [[3, 4]], [makeString('equation', 'ij->ji')]),
  ...['...d,dk->...k', 'k...d, dk'].map((equation) =>
    c(
      'Einsum',
      [
        [3, 1, 2, 4],
        [4, 3],
      ],
      [makeString('equation', equation)],
    ),
  ),
  c(
    'Einsum',
    [
      [3, 1, 2, 4],
      [1, 5, 4, 2],
    ],
    [makeString('equation', '...ij,...jk')],
  ),
  c('LSTM', [[6, 2, 3], weight(1, 20, 3), weight(1, 20, 5)], [makeInt('hidden_size', 5)], { outputs: 3 }),
  c(
    'LSTM',
    [[6, 2, 3], weight(2, 20, 3), weight(2, 20, 5)],
    [makeInt('hidden_size', 5), makeString('direction', 'bidirectional')],
    { outputs: 3 },
  ),
  c('GRU', [[6, 2, 3], weight(1, 15, 3), weight(1, 15, 5)], [makeInt('hidden_size', 5)], { outputs: 2 }),
  c('RNN', [[6, 2, 3], weight(1, 5, 3), weight(1, 5, 5)], [makeInt('hidden_size', 5)], { outputs: 2 }),
  c(
    'Attention',
    [
      [1, 2, 4, 8],
      [1, 2, 6, 8],
      [1, 2, 6, 5],
    ],
    [],
    { opset: 23 },
  ),
  c(
    'Attention',
    [
      [1, 4, 16],
      [1, 6, 16],
      [1, 6, 10],
    ],
    [makeInt('q_num_heads', 2), makeInt('kv_num_heads', 2)],
    { opset: 23 },
  ),
  c(
    'MultiHeadAttention',
    [
      [1, 4, 8],
      [1, 6, 8],
      [1, 6, 8],
    ],
    [makeInt('num_heads', 2)],
    { domain: 'com.microsoft' },
  ),
  c('Attention', [[1, 4, 8], weight(8, 24), weight(24)], [makeInt('num_heads', 2)], {
    domain: 'com.microsoft',
  }),
];

const reductions: Case[] = [
  ...[
    'ReduceMean',
    'ReduceMax',
    'ReduceMin',
    'ReduceL2',
    'ReduceProd',
    'ReduceSumSquare',
    'ReduceLogSumExp',
    'ReduceL1',
  ].flatMap((op) => [
    c(op, [[2, 3, 4]], [axes(1, -1)]),
    c(op, [[2, 3, 4]], [makeInt('keepdims', 0), axes(0)]),
    c(op, [[2, 3, 4]], [makeInt('keepdims', 0)]),
    c(op, [[2, 3, 4], ints(-1)], [], { opset: 18 }),
  ]),
  c('ReduceSum', [[2, 3, 4], ints(0, 2)], [makeInt('keepdims', 0)]),
  c('ReduceSum', [[2, 3, 4]], [makeInt('noop_with_empty_axes', 1)]),
  c('ReduceSum', [[2, 3, 4]]),
  c('ReduceSum', [[2, 3, 4]], [axes(1)], { opset: 11 }),
  c('ArgMax', [[2, 3, 4]], [axis(-1), makeInt('keepdims', 0)]),
  c('ArgMin', [[2, 3, 4]]),
  c('TopK', [[2, 7], ints(3)], [], { outputs: 2 }),
  c('TopK', [[5, 7], ints(2)], [axis(0)], { outputs: 2 }),
];

const movements: Case[] = [
  c('Reshape', [[2, 3, 4], ints(0, -1)]),
  c('Reshape', [[2, 3, 4], ints(4, 3, 2)]),
  c('Reshape', [[2, 3, 4], ints(1, 0, -1, 1)]),
  c('Reshape', [[0, 3], ints(3, 0)], [makeInt('allowzero', 1)]),
  c('Flatten', [[2, 3, 4]]),
  c('Flatten', [[2, 3, 4]], [axis(-1)]),
  c('Flatten', [[2, 3, 4]], [axis(0)]),
  c('Squeeze', [[1, 3, 1]]),
  c('Squeeze', [[1, 3, 1], ints(-1)]),
  c('Squeeze', [[1, 3, 1]], [axes(0)], { opset: 11 }),
  c('Unsqueeze', [[3, 4], ints(0, -1)]),
  c('Unsqueeze', [[3, 4]], [axes(1, 3)], { opset: 11 }),
  c('Transpose', [[2, 3, 4]]),
  c('Transpose', [[2, 3, 4]], [makeInts('perm', [1, 2, 0])]),
  c(
    'Concat',
    [
      [2, 3],
      [2, 1],
      [2, 4],
    ],
    [axis(1)],
  ),
  c(
    'Concat',
    [
      [2, 3],
      [1, 3],
    ],
    [axis(-2)],
  ),
  c('Split', [[6, 4]], [], { outputs: 3, opset: 13 }),
  c('Split', [[6, 4], ints(1, 3)], [axis(1)], { outputs: 2, opset: 13 }),
  c('Split', [[6, 4]], [axis(0), makeInts('split', [2, 4])], { outputs: 2, opset: 11 }),
  c('Split', [[7, 4]], [makeInt('num_outputs', 3)], { outputs: 3, opset: 18 }),
  c('Slice', [[8, 9], ints(1, -3), ints(100, -1)]),
  c('Slice', [[8, 9], ints(-1), ints(-100), ints(1), ints(-2)]),
  c('Slice', [[8, 9], ints(5), ints(2)]),
  c('Slice', [[8, 9], ints(0), ints(9), ints(-1), ints(4)]),
  c('Slice', [[8, 9]], [makeInts('starts', [2]), makeInts('ends', [7]), axes(1)], { opset: 9 }),
  c('Gather', [[5, 6], integers([2, 2], 0, 1, 2, 3)], [axis(1)]),
  c('Gather', [[5, 6], scalar(-1)]),
  c('GatherElements', [[3, 3], integers([2, 3], 0, 1, 2, 2, 1, 0)]),
  c('GatherND', [[3, 4, 5], integers([2, 2], 0, 1, 2, 2)]),
  c('GatherND', [[3, 4, 5], integers([3, 1], 0, 1, 2)], [makeInt('batch_dims', 1)]),
  c('Expand', [[3, 1], ints(2, 1, 6)]),
  c('Tile', [[2, 3], ints(2, 3)]),
  c('Pad', [[2, 3], ints(0, 1, 2, 3)]),
  c('Pad', [[2, 3]], [makeInts('pads', [1, 0, 0, -1])], { opset: 10 }),
  c('Pad', [[2, 3], ints(1, 2), '', ints(-1)], [], { opset: 18 }),
  c('Resize', [image, '', floats(1, 1, 2, 1.5)]),
  c('Resize', [image, '', '', ints(1, 4, 5, 20)]),
  c('Resize', [image, floats(), floats(1, 1, 0.7, 0.33)], [], { opset: 11 }),
  c('Resize', [image, '', '', ints(18, 5)], [axes(2, 3)], { opset: 18 }),
  c('Resize', [image, floats(1, 1, 2, 2)], [], { opset: 10 }),
  c('Upsample', [image, floats(1, 1, 2, 3)], [], { opset: 9 }),
  c('DepthToSpace', [[1, 8, 2, 3]], [makeInt('blocksize', 2)]),
  c('SpaceToDepth', [[1, 2, 4, 6]], [makeInt('blocksize', 2)]),
  c('OneHot', [integers([2, 3], 0, 1, 2, 0, 1, 2), scalar(5), floats(0, 1)]),
  c('OneHot', [integers([2], 0, 1), ints(4), floats(0, 1)], [axis(0)]),
  c('NonZero', [bytes(DataType.bool, 2, 3)]),
];

const generators: Case[] = [
  c('Constant', [], [makeTensor('value', weight(2, 3))]),
  c('Constant', [], [makeFloat('value_float', 2)]),
  c('Constant', [], [makeInts('value_ints', [2, 4])]),
  c('ConstantOfShape', [ints(2, 3)]),
  c('ConstantOfShape', [ints(2, 3)], [makeTensor('value', ints(7))]),
  c('Shape', [[2, 3, 4]]),
  c('Shape', [[2, 3, 4]], [makeInt('start', 1)]),
  c('Shape', [[2, 3, 4]], [makeInt('end', -1)]),
  c('Size', [[2, 3, 4]]),
  c('Range', [scalar(1), scalar(10), scalar(4)]),
  c('Range', [scalar(5), scalar(-3), scalar(-2)]),
  c('RandomNormal', [], [makeInts('shape', [2, 3])]),
  c('RandomUniformLike', [[2, 3]]),
  c('EyeLike', [[3, 3]], [makeInt('dtype', DataType.int64)]),
  c('Multinomial', [[2, 5]], [makeInt('sample_size', 4)]),
  c('QuantizeLinear', [[2, 3], one(0.1), bytesTensor('', [], DataType.int8, Uint8Array.of(0))]),
  c('QuantizeLinear', [[2, 3], one(0.1)]),
  c('DequantizeLinear', [u8(2, 3), one(0.1)]),
  c('DynamicQuantizeLinear', [[2, 3]], [], { outputs: 3 }),
];

function build({ op, inputs, attributes = [], opset = 17, outputs = 1, domain = '' }: Case) {
  const names = inputs.map((input, at) => (input === '' ? '' : `in${at}`));
  const outputNames = Array.from({ length: outputs }, (_, at) => `out${at}`);
  const initializers: OnnxTensor[] = [];
  const feeds: Record<string, Tensor> = {};
  const infos = [];
  for (const [at, input] of inputs.entries()) {
    const name = names[at] as string;
    if (input === '') continue;
    if (input instanceof Tensor || Array.isArray(input)) {
      const tensor = input instanceof Tensor ? input : feed(input as readonly number[]);
      feeds[name] = tensor;
      const type =
        DataType[
          ({ float32: 'float', int64: 'int64', bool: 'bool', uint8: 'uint8' } as const)[
            tensor.type as 'float32'
          ]
        ];
      infos.push(tensorInfo(name, [...tensor.dims], type));
    } else initializers.push({ ...(input as OnnxTensor), name });
  }
  const model = modelOf({
    nodes: [makeNode(op, names, outputNames, attributes, { domain })],
    inputs: infos,
    outputs: outputNames.map(untypedInfo),
    initializers,
    opset,
    irVersion: opset > 21 ? 11 : 8,
  });
  return { model, feeds, outputNames };
}

describe.each([
  ['convolutions', convolutions],
  ['elementwise', elementwise],
  ['matrices', matrices],
  ['reductions', reductions],
  ['movements', movements],
  ['generators', generators],
] as const)('%s', (_, cases) => {
  const titled = cases.map((item) => {
    const dims = item.inputs
      .map((input) => (input === '' ? '-' : `[${('dims' in input ? input.dims : input).join()}]`))
      .join(' ');
    return [
      `${item.op} ${dims} ${(item.attributes ?? []).map(({ name }) => name).join(' ')} @${item.opset ?? 17}`,
      item,
    ] as const;
  });
  test.each(titled)('%s', async (_title, item) => {
    const { model, feeds, outputNames } = build(item);
    const inferred = inferShapes(model);
    const ran = await runModel(model, feeds);
    const expected = outputNames.map((name) => ({ type: ran.get(name)?.type, dims: ran.get(name)?.dims }));
    const found = outputNames.map((name) => {
      const facts = inferred.get(name as never);
      return { type: dataTypeName(facts?.dataType ?? 0), dims: facts?.shape };
    });
    expect(found).toEqual(expected);
  });
});
