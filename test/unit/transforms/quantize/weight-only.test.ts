import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeFloat, makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import { DataType, type Model, type Node, type Tensor } from '../../../../src/onnx/model.ts';
import { floatTensor, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { quantizeBlocks } from '../../../../src/transforms/quantize/block-weights.ts';
import { quantizationWarnings } from '../../../../src/transforms/quantize/quantization-warnings.ts';
import { quantizeModel } from '../../../../src/transforms/quantize/quantize-model.ts';
import { quantizeWeightsOnly, type WeightOnlyForm } from '../../../../src/transforms/quantize/weight-only.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { relativeDifference } from '../run-variant.ts';
import { digest, formula, weightGolden } from './weight-golden.ts';

const form = (changes: Partial<WeightOnlyForm> = {}): WeightOnlyForm => ({
  bits: 8,
  form: 'dequantize',
  blockSize: null,
  symmetric: true,
  exclude: [],
  ...changes,
});

function oneNode(
  node: Node,
  x: readonly number[],
  y: readonly number[],
  tensors: readonly Tensor[],
  opset = 17,
): Model {
  return modelOf({
    nodes: [node],
    inputs: [tensorInfo('x', x)],
    outputs: [tensorInfo('y', y)],
    initializers: tensors,
    opset,
  });
}

async function outputOf(model: Model, dims: readonly number[]): Promise<Float32Array> {
  return (await runModel(model, { x: feed(dims) })).get('y')?.data as Float32Array;
}

const layers = [
  {
    title: 'Conv with bias',
    node: makeNode('Conv', ['x', 'w', 'b'], ['y'], [makeInts('pads', [1, 1, 1, 1])]),
    tensors: [formula('w', [4, 12, 3, 3], 1), formula('b', [4], 2)],
    x: [1, 12, 6, 6],
    y: [1, 4, 6, 6],
  },
  {
    title: 'depthwise Conv',
    node: makeNode('Conv', ['x', 'w'], ['y'], [makeInt('group', 6)]),
    tensors: [formula('w', [6, 1, 3, 3], 1)],
    x: [1, 6, 5, 5],
    y: [1, 6, 3, 3],
  },
  {
    title: 'ConvTranspose',
    node: makeNode('ConvTranspose', ['x', 'w'], ['y'], [makeInts('strides', [2, 2])]),
    tensors: [formula('w', [20, 3, 2, 2], 1)],
    x: [1, 20, 4, 4],
    y: [1, 3, 8, 8],
  },
  {
    title: 'MatMul of a batch',
    node: makeNode('MatMul', ['x', 'w'], ['y']),
    tensors: [formula('w', [40, 5], 1)],
    x: [2, 3, 40],
    y: [2, 3, 5],
  },
  {
    title: 'Gemm with transB and bias',
    node: makeNode('Gemm', ['x', 'w', 'b'], ['y'], [makeInt('transB', 1)]),
    tensors: [formula('w', [5, 40], 1), formula('b', [5], 2)],
    x: [2, 40],
    y: [2, 5],
  },
  {
    title: 'Gemm that scales',
    node: makeNode('Gemm', ['x', 'w', 'b'], ['y'], [makeFloat('alpha', 0.5), makeFloat('beta', 2)]),
    tensors: [formula('w', [40, 5], 1), formula('b', [5], 2)],
    x: [2, 40],
    y: [2, 5],
  },
];

describe.each([
  ['8 bits, whole channels', {}, 0.01],
  ['8 bits, whole channels, asymmetric', { symmetric: false }, 0.01],
  ['8 bits in blocks', { blockSize: 16, symmetric: false }, 0.01],
  ['8 bits as MatMulNBits', { form: 'matmul-nbits', blockSize: 32 }, 0.02],
  ['4 bits, whole channels', { bits: 4 }, 0.2],
  ['4 bits in blocks', { bits: 4, blockSize: 16 }, 0.2],
  ['4 bits in blocks, asymmetric', { bits: 4, blockSize: 16, symmetric: false }, 0.15],
  ['4 bits as MatMulNBits', { bits: 4, form: 'matmul-nbits', blockSize: null }, 0.2],
  [
    '4 bits as MatMulNBits, asymmetric',
    { bits: 4, form: 'matmul-nbits', blockSize: 16, symmetric: false },
    0.15,
  ],
] as const)('weights in %s', (_, changes, tolerance) => {
  it.each(layers)('compute nearly what the floats do: $title', async ({ node, tensors, x, y }) => {
    const model = oneNode(node, x, y, tensors);
    const { model: small, coverage } = quantizeWeightsOnly(model, form(changes));
    expect(coverage).toMatchObject({ quantized: 1, skipped: [], unmatched: [] });
    expect(small.graph.initializers.some(({ name }) => name === 'w')).toBe(false);
    expect(relativeDifference(await outputOf(small, x), await outputOf(model, x))).toBeLessThan(tolerance);
  });
});

describe('blocks of weights', () => {
  it.each(weightGolden.nBits)(
    'are those of the runtime’s own tool: $form, $bits bits, $rows x $columns in blocks of $blockSize, symmetric: $symmetric',
    ({ tensors, rows, columns, ...rest }) => {
      const weight = formula('w', [rows, columns], rows);
      const values = tensorFloats(weight);
      for (let row = 0; row < Math.min(rest.blockSize, rows); row++) values[row * columns] = 0;
      values[1] = 2;
      values[columns + 1] = -2;
      const model = oneNode(
        makeNode('MatMul', ['x', 'w'], ['y']),
        [2, rows],
        [2, columns],
        [floatTensor('w', [rows, columns], values)],
        21,
      );
      const { graph } = quantizeWeightsOnly(model, form(rest)).model;
      const found = graph.initializers.map((tensor) => ({
        type: tensor.dataType,
        dims: tensor.dims,
        sha256: digest(tensor),
      }));
      expect(found).toEqual(tensors);
    },
  );

  it('are at most half a step off, or a step where symmetry cuts off, and keep zero', () => {
    const anyMatrix = fc.record({
      values: fc.array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -100, max: 100 }), {
        minLength: 24,
        maxLength: 24,
      }),
      axis: fc.constantFrom('rows', 'columns'),
      bits: fc.constantFrom(4, 8),
      symmetric: fc.boolean(),
      rule: fc.constantFrom('even', 'n-bits', 'away'),
      blockLength: fc.integer({ min: 1, max: 7 }),
    } as const);
    fc.assert(
      fc.property(anyMatrix, ({ values, axis, ...blocks }) => {
        const [rows, columns] = [4, 6];
        const floats = Float32Array.from(values);
        const found = quantizeBlocks(floats, rows, columns, axis, blocks);
        if (found === null) throw new Error('all are finite');
        const isCutOff = blocks.symmetric && blocks.rule !== 'even';
        floats.forEach((value, at) => {
          const [row, column] = [Math.floor(at / columns), at % columns];
          const place =
            axis === 'rows'
              ? row * found.blocks + Math.floor(column / blocks.blockLength)
              : Math.floor(row / blocks.blockLength) * columns + column;
          const [scale, zero] = [found.scales[place] ?? 0, found.zeroPoints[place] ?? 0];
          const real = scale * ((found.integers[at] ?? 0) - zero);
          if (value === 0) expect(Math.abs(real)).toBe(0);
          const steps = isCutOff ? 1 : 0.5;
          // Denormal scales count as zero, and floats are rounded on the way.
          expect(Math.abs(real - value)).toBeLessThanOrEqual(steps * Math.abs(scale) * 1.001 + 1e-35);
        });
      }),
      { numRuns: 100 },
    );
  });
});

describe('models whose weights are stored as integers', () => {
  const twoProducts = (): Model =>
    modelOf({
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['h'], [], { name: 'first' }),
        makeNode('MatMul', ['h', 'v'], ['y'], [], { name: 'second' }),
      ],
      inputs: [tensorInfo('x', [1, 16]), tensorInfo('v', [16, 4])],
      outputs: [tensorInfo('y', [1, 4])],
      initializers: [formula('w', [16, 16], 1), formula('v', [16, 4], 2)],
      opset: 9,
    });

  it('keep excluded nodes as they are, and tell patterns that mean none', () => {
    const { model, coverage } = quantizeWeightsOnly(twoProducts(), form({ exclude: ['first', 'third*'] }));
    expect(coverage).toMatchObject({
      quantized: 1,
      skipped: [{ node: 'first', reason: 'excluded' }],
      unmatched: ['third*'],
    });
    expect(model.graph.initializers.map(({ name }) => name)).toContain('w');
  });

  it('raise the opset as far as it must be, and no longer list weights among the inputs', async () => {
    const original = twoProducts();
    const opsetOf = (changes: Partial<WeightOnlyForm>): number | undefined =>
      quantizeWeightsOnly(original, form(changes)).model.opsetImports[0]?.version;
    expect([opsetOf({}), opsetOf({ bits: 4 }), opsetOf({ bits: 4, form: 'matmul-nbits' })]).toEqual([
      13, 21, 9,
    ]);
    const { model } = quantizeWeightsOnly(original, form());
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x']);
    expect(
      relativeDifference(await outputOf(model, [1, 16]), await outputOf(original, [1, 16])),
    ).toBeLessThan(0.02);
  });

  it.each([
    ['that are not finite', [Number.NaN, 1], 'not all finite'],
    ['that are infinite', [1, Number.NEGATIVE_INFINITY], 'not all finite'],
  ])('leave weights %s as floats and say so', (_, values, reason) => {
    const weights = floatTensor('w', [2, 1], Float32Array.from(values));
    const model = oneNode(makeNode('MatMul', ['x', 'w'], ['y']), [1, 2], [1, 1], [weights]);
    for (const kind of ['dequantize', 'matmul-nbits'] as const) {
      const { model: kept, coverage } = quantizeWeightsOnly(model, form({ form: kind }));
      expect(coverage).toMatchObject({
        quantized: 0,
        skipped: [{ reason: expect.stringContaining(reason) }],
      });
      expect(kept.graph).toEqual(model.graph);
    }
  });

  it('quantize a weight that two layers share once', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Gemm', ['x', 'w'], ['h'], [makeInt('transB', 1)]),
        makeNode('Gemm', ['h', 'w'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 16])],
      outputs: [tensorInfo('y', [1, 16])],
      initializers: [formula('w', [16, 16], 3)],
    });
    const { model: small, coverage } = quantizeWeightsOnly(model, form());
    expect(coverage.quantized).toBe(2);
    expect(small.graph.nodes.filter(({ opType }) => opType === 'DequantizeLinear')).toHaveLength(1);
    expect(relativeDifference(await outputOf(small, [1, 16]), await outputOf(model, [1, 16]))).toBeLessThan(
      0.02,
    );
  });
});

it('keeps small kernels in 8 bits where a recipe asks for 4, and says so', async () => {
  const model = modelOf({
    nodes: [
      makeNode('Conv', ['x', 'depthwise'], ['d'], [makeInt('group', 64)], { name: 'depthwise' }),
      makeNode('Conv', ['d', 'pointwise'], ['y'], [], { name: 'pointwise' }),
    ],
    inputs: [tensorInfo('x', [1, 64, 4, 4])],
    outputs: [tensorInfo('y', [1, 8, 2, 2])],
    initializers: [formula('depthwise', [64, 1, 3, 3], 1), formula('pointwise', [8, 64, 1, 1], 2)],
  });
  const operator = { op: 'quantize', mode: 'weight-only', bits: 4 } as const;
  const { model: small, coverage } = quantizeModel(model, operator, null);
  const types = new Map(small.graph.initializers.map(({ name, dataType }) => [name, dataType]));
  expect(types.get('depthwise_quantized')).toBe(DataType.int8);
  expect(types.get('pointwise_quantized')).toBe(DataType.int4);
  expect(quantizationWarnings(model, operator, [{ coverage, opset: 17 }])).toEqual([
    expect.stringContaining('1 of 2 layers are in 8 bits'),
  ]);
  const x = feed([1, 64, 4, 4]);
  const [wanted, found] = [await runModel(model, { x }), await runModel(small, { x })];
  const [floats, others] = [wanted, found].map((run) => run.get('y')?.data as Float32Array);
  expect(relativeDifference(others as Float32Array, floats as Float32Array)).toBeLessThan(0.2);
});
