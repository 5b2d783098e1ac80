import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { makeFloat, makeInt, makeInts, makeNode, makeString } from '../../../src/onnx/attributes.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import type { Model, Node } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';
import { quantizeDynamic } from '../../../src/transforms/quantize/dynamic.ts';
import { opsetProblem, raiseOpset } from '../../../src/transforms/quantize/raise-opset.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { nonZeroParams } from '../../../src/transforms/count-non-zero.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../fixtures/run-onnx.ts';
import {
  build,
  cosine,
  fileBytes,
  floatsOf,
  noise,
  relativeDifference,
  runVariant,
  sampleModel,
} from './run-variant.ts';

const int8 = (weights: 'u8' | 's8' = 'u8', perChannel = false): Recipe => [
  { op: 'quantize', mode: 'dynamic', weights, perChannel },
];
const forms = [
  ['u8', false],
  ['u8', true],
  ['s8', false],
  ['s8', true],
] as const;

function weight(
  name: string,
  dims: readonly number[],
  fill: (at: number) => number = (at) => Math.cos(at * at),
) {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return floatTensor(
    name,
    dims,
    Float32Array.from({ length: count }, (_, at) => fill(at)),
  );
}

/** One node with its weights, fed with `x`. */
function oneNode(
  node: Node,
  x: readonly number[],
  y: readonly number[],
  weights: ReturnType<typeof weight>[],
): Model {
  return modelOf({
    nodes: [node],
    inputs: [tensorInfo('x', x)],
    outputs: [tensorInfo('y', y)],
    initializers: weights,
    opset: 13,
  });
}

async function outputOf(model: Model, dims: readonly number[]): Promise<Float32Array> {
  const y = (await runModel(model, { x: feed(dims) })).get('y');
  if (!(y?.data instanceof Float32Array)) throw new Error('no float output');
  return y.data;
}

const conv = (attributes: Node['attributes'], w: readonly number[], withBias: boolean) => ({
  node: makeNode('Conv', withBias ? ['x', 'w', 'b'] : ['x', 'w'], ['y'], attributes),
  weights: withBias ? [weight('w', w), weight('b', [w[0] ?? 1])] : [weight('w', w)],
});
const gemm = (attributes: Node['attributes'], w: readonly number[], bias: readonly number[] | null) => ({
  node: makeNode('Gemm', bias === null ? ['x', 'w'] : ['x', 'w', 'b'], ['y'], attributes),
  weights: bias === null ? [weight('w', w)] : [weight('w', w), weight('b', bias)],
});

const cases = [
  {
    title: 'Conv with bias and padding',
    ...conv([makeInts('pads', [1, 1, 1, 1])], [4, 3, 3, 3], true),
    x: [1, 3, 8, 8],
    y: [1, 4, 8, 8],
  },
  {
    title: 'Conv with strides and SAME_UPPER',
    ...conv([makeInts('strides', [2, 2]), makeString('auto_pad', 'SAME_UPPER')], [4, 3, 3, 3], false),
    x: [1, 3, 9, 9],
    y: [1, 4, 5, 5],
  },
  {
    title: 'depthwise Conv',
    ...conv([makeInt('group', 6)], [6, 1, 3, 3], true),
    x: [1, 6, 5, 5],
    y: [1, 6, 3, 3],
  },
  { title: 'Conv of one dimension', ...conv([], [4, 3, 3], true), x: [1, 3, 9], y: [1, 4, 7] },
  {
    title: 'MatMul of a batch',
    node: makeNode('MatMul', ['x', 'w'], ['y']),
    weights: [weight('w', [16, 5])],
    x: [2, 3, 16],
    y: [2, 3, 5],
  },
  { title: 'Gemm', ...gemm([], [16, 5], [5]), x: [2, 16], y: [2, 5] },
  { title: 'Gemm with transB', ...gemm([makeInt('transB', 1)], [5, 16], [1, 5]), x: [2, 16], y: [2, 5] },
  {
    title: 'Gemm with alpha and beta',
    ...gemm([makeFloat('alpha', 0.5), makeFloat('beta', 2)], [16, 5], [2, 5]),
    x: [2, 16],
    y: [2, 5],
  },
  { title: 'Gemm without bias', ...gemm([makeInt('transB', 1)], [5, 16], null), x: [1, 16], y: [1, 5] },
];

describe('dynamic int8', () => {
  describe.each(forms)('with %s weights, per channel: %s', (weights, perChannel) => {
    it.each(cases)(
      'computes nearly what the floats do: $title',
      async ({ node, weights: initializers, x, y }) => {
        const model = oneNode(node, x, y, initializers);
        const { model: integer, coverage } = quantizeDynamic(model, { weights, perChannel });
        expect(coverage.quantized).toBe(1);
        expect(integer.graph.nodes.some(({ opType }) => opType === node.opType)).toBe(false);
        expect(integer.graph.initializers.some(({ name }) => name === 'w')).toBe(false);
        const wanted = await outputOf(model, x);
        // Two roundings to 8 bits, of which errors add up like noise over the products.
        expect(relativeDifference(await outputOf(integer, x), wanted)).toBeLessThan(0.03);
      },
    );

    it.each(['digits', 'zoo/mobilenet_v2', 'zoo/shufflenet_v2_x1_0'])(
      'runs %s and stays close',
      async (name) => {
        const model = sampleModel(name);
        const float = build(model, [{ op: 'identity' }]);
        const integer = build(model, int8(weights, perChannel));
        const input = noise(float.plan.input, 5);
        const output = float.plan.output.name;
        const wanted = floatsOf(await runVariant(float, input), output);
        const found = floatsOf(await runVariant(integer, input), output);
        expect(cosine(found, wanted)).toBeGreaterThan(0.97);
        expect(integer.files[0]?.bytes).toBeLessThan(0.35 * (float.files[0]?.bytes ?? 0));
        expect({ params: integer.params, macs: integer.macs }).toEqual({
          params: float.params,
          macs: float.macs,
        });
      },
    );
  });

  it('quantizes a value once for all that use it, and a shared weight once', () => {
    const model = modelOf({
      nodes: [
        makeNode('MatMul', ['x', 'w'], ['a']),
        makeNode('MatMul', ['x', 'w'], ['b']),
        makeNode('Add', ['a', 'b'], ['y']),
      ],
      inputs: [tensorInfo('x', [2, 4])],
      outputs: [tensorInfo('y', [2, 3])],
      initializers: [weight('w', [4, 3])],
    });
    const { graph } = quantizeDynamic(model, { weights: 'u8', perChannel: false }).model;
    const count = (opType: string): number => graph.nodes.filter((node) => node.opType === opType).length;
    expect({ quantize: count('DynamicQuantizeLinear'), products: count('MatMulInteger') }).toEqual({
      quantize: 1,
      products: 2,
    });
    expect(graph.initializers).toHaveLength(3);
  });

  it.each([
    ['weights that are not finite', [1, Number.NaN, 2, 3], 'not all finite'],
    ['weights that are infinite', [1, Number.NEGATIVE_INFINITY, 2, 3], 'not all finite'],
  ])('leaves %s as floats and says so', (_, values, reason) => {
    const model = oneNode(
      makeNode('MatMul', ['x', 'w'], ['y']),
      [1, 2],
      [1, 2],
      [weight('w', [2, 2], (at) => values[at] ?? 0)],
    );
    const { model: kept, coverage } = quantizeDynamic(model, { weights: 'u8', perChannel: false });
    expect(coverage).toMatchObject({ quantized: 0, skipped: [{ reason: expect.stringContaining(reason) }] });
    expect(kept.graph.nodes).toEqual(model.graph.nodes);
  });

  it('takes weights that are all zero', async () => {
    const model = oneNode(
      makeNode('MatMul', ['x', 'w'], ['y']),
      [1, 4],
      [1, 2],
      [weight('w', [4, 2], () => 0)],
    );
    for (const [weights, perChannel] of forms) {
      const { model: integer } = quantizeDynamic(model, { weights, perChannel });
      expect([...(await outputOf(integer, [1, 4]))]).toEqual([0, 0]);
    }
  });

  it('keeps pruned weights zero', () => {
    const model = sampleModel('digits');
    const pruned = build(model, [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }]);
    const both = build(model, [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }, ...int8()]);
    expect(nonZeroParams(both.parameters)).toBeLessThanOrEqual(nonZeroParams(pruned.parameters));
    expect(nonZeroParams(both.parameters)).toBeGreaterThan(0.9 * nonZeroParams(pruned.parameters));
  });

  it('goes together with exits and a cut, in any order', async () => {
    const model = sampleModel('digits');
    const whole = build(model, int8());
    const input = noise(whole.plan.input, 2);
    const wanted = await runVariant(whole, input);
    const exits = { op: 'early-exit', kind: 'existing', threshold: 0.5 } as const;
    const cut = build(model, [exits]).plan.segments[1]?.inputs.map(({ name }) => name) ?? [];
    const [quantize] = int8();
    for (const recipe of [
      [quantize!, exits, { op: 'partition', cut } as const],
      [{ op: 'partition', cut } as const, exits, quantize!],
    ]) {
      const parts = build(model, recipe);
      expect(parts.plan.segments.map(({ tier }) => tier)).toEqual(['mobile', 'edge', 'edge']);
      const found = await runVariant(parts, input);
      for (const { exit } of parts.plan.segments) {
        const name = exit?.output ?? '';
        expect(relativeDifference(floatsOf(found, name), floatsOf(wanted, name))).toBeLessThan(1e-5);
      }
    }
  });

  it('does not take names that are in use', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Relu', ['x'], ['x_quantized']),
        makeNode('MatMul', ['x', 'w'], ['w_scale']),
        makeNode('MatMul', ['x_quantized', 'w'], ['w_quantized']),
        makeNode('Add', ['w_scale', 'w_quantized'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('y', [1, 3])],
      initializers: [weight('w', [4, 3])],
    });
    const { model: integer } = quantizeDynamic(model, { weights: 'u8', perChannel: true });
    const wanted = await outputOf(model, [1, 4]);
    expect(relativeDifference(await outputOf(integer, [1, 4]), wanted)).toBeLessThan(0.03);
  });

  it('refuses models without float weights', () => {
    const model = modelOf({
      nodes: [makeNode('Relu', ['x'], ['y'])],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('y', [1, 4])],
    });
    expect(() => checkRecipe(model, int8())).toThrow('no Conv, MatMul or Gemm');
  });
});

describe('raising the opset for int8', () => {
  const old = (nodes: readonly Node[], opset: number, y: readonly number[]): Model =>
    modelOf({
      nodes,
      inputs: [tensorInfo('x', [1, 2, 6, 6])],
      outputs: [tensorInfo('y', y)],
      opset,
      irVersion: 3,
    });

  it.each([
    ['Clip', makeNode('Clip', ['x'], ['y'], [makeFloat('min', -0.5), makeFloat('max', 0.25)]), [1, 2, 6, 6]],
    ['Clip at one end', makeNode('Clip', ['x'], ['y'], [makeFloat('max', 0.25)]), [1, 2, 6, 6]],
    [
      'Pad',
      makeNode('Pad', ['x'], ['y'], [makeInts('pads', [0, 0, 1, 2, 0, 0, 0, 1]), makeFloat('value', 3)]),
      [1, 2, 7, 9],
    ],
    [
      'reflecting Pad',
      makeNode(
        'Pad',
        ['x'],
        ['y'],
        [makeInts('pads', [0, 0, 1, 2, 0, 0, 0, 1]), makeString('mode', 'reflect')],
      ),
      [1, 2, 7, 9],
    ],
    [
      'Slice',
      makeNode(
        'Slice',
        ['x'],
        ['y'],
        [makeInts('starts', [1, 2]), makeInts('ends', [100, -1]), makeInts('axes', [1, 3])],
      ),
      [1, 1, 6, 3],
    ],
    [
      'MaxPool',
      makeNode('MaxPool', ['x'], ['y'], [makeInts('kernel_shape', [2, 2]), makeInts('strides', [2, 2])]),
      [1, 2, 3, 3],
    ],
  ])('keeps what %s computes', async (_, node, y) => {
    const model = old([node], 8, y);
    const raised = raiseOpset(model);
    expect(raised.opsetImports.find(({ domain }) => domain === '')?.version).toBe(11);
    const feeds = { x: feed([1, 2, 6, 6]) };
    const [before, after] = [await runModel(model, feeds), await runModel(raised, feeds)];
    expect(after.get('y')).toEqual(before.get('y'));
  });

  it.each([
    [makeNode('Upsample', ['x'], ['y'], [], { name: 'up' }), 9, 'Upsample "up" became Resize in opset 10'],
    [makeNode('BatchNormalization', ['x'], ['y'], [makeInt('spatial', 0)]), 8, 'spatial=0'],
    [makeNode('Relu', ['x'], ['y']), 6, 'broadcast differently'],
  ])('refuses what it cannot keep', (node, opset, reason) => {
    expect(opsetProblem(old([node], opset, []))?.message).toContain(reason);
  });

  it('leaves newer models alone', () => {
    const model = sampleModel('digits');
    expect(raiseOpset(model)).toBe(model);
  });

  it('makes files that the runtime loads under the new version', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Conv', ['x', 'w'], ['c']),
        makeNode('Clip', ['c'], ['y'], [makeFloat('min', 0), makeFloat('max', 6)]),
      ],
      inputs: [tensorInfo('x', [1, 2, 6, 6]), tensorInfo('w', [3, 2, 3, 3])],
      outputs: [tensorInfo('y', [1, 3, 4, 4])],
      initializers: [weight('w', [3, 2, 3, 3])],
      opset: 9,
      irVersion: 3,
    });
    const variant = build(parseModel(memorySource(modelToBytes(model))), int8());
    expect(variant.warnings.join(' ')).toContain('opset 11 instead of 9');
    const session = await InferenceSession.create(fileBytes(variant.files[0]!));
    expect(session.inputNames).toEqual(['x']);
    const { y } = await session.run({
      x: new Tensor('float32', feed([1, 2, 6, 6]).data as Float32Array, [1, 2, 6, 6]),
    });
    const wanted = await outputOf(model, [1, 2, 6, 6]);
    expect(relativeDifference(y?.data as Float32Array, wanted)).toBeLessThan(0.03);
  });
});
