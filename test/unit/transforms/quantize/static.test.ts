import fc from 'fast-check';
import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { makeFloat, makeGraph, makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import { DataType, type Model, type Node, type Tensor, valueName } from '../../../../src/onnx/model.ts';
import { modelToBytes } from '../../../../src/onnx/serialize.ts';
import { floatTensor, int64Tensor, tensorBytes, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { nestSegments } from '../../../../src/transforms/exits/nest-segments.ts';
import { affineOver, dequantized, quantized } from '../../../../src/transforms/quantize/affine.ts';
import { channelRanges, integersOfChannels } from '../../../../src/transforms/quantize/quantize-weights.ts';
import {
  quantizeStatic,
  valuesToCalibrate,
} from '../../../../src/transforms/quantize/static/quantize-static.ts';
import type { StaticForm } from '../../../../src/transforms/quantize/static/static-form.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';

const qdq: StaticForm = {
  format: 'qdq',
  activations: 'u8',
  weights: 's8',
  perChannel: true,
  symmetric: false,
  reduceRange: false,
  exclude: [],
};
const qoperator: StaticForm = { ...qdq, format: 'qoperator' };
const formats = [qdq, qoperator];

function weight(name: string, dims: readonly number[], fill = (at: number) => Math.cos(at * at)): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return floatTensor(
    name,
    dims,
    Float32Array.from({ length: count }, (_, at) => fill(at)),
  );
}

const image = [1, 2, 6, 6];

/** A model fed with `x`, of which all values are calibrated by running it. */
function imageModel(
  nodes: readonly Node[],
  outputs: readonly (readonly [string, readonly number[]])[],
  initializers: readonly Tensor[],
  opset = 17,
): Model {
  return modelOf({
    nodes: nodes.map((node, at) => ({ ...node, name: `${node.opType}_${at}` })),
    inputs: [tensorInfo('x', image)],
    outputs: outputs.map(([name, dims]) => tensorInfo(name, dims)),
    initializers,
    opset,
  });
}

const input = () => feed(image, (at) => Math.sin(at * 0.7) * 2);

/** Least and greatest of each value that the form needs, on the one image of these tests. */
async function calibrated(model: Model, form: StaticForm) {
  const values = valuesToCalibrate(model, form);
  const known = new Set<string>(model.graph.outputs.map(({ name }) => name));
  const extra = values
    .filter((name) => !known.has(name) && name !== 'x')
    .map((name) => tensorInfo(name, null));
  const tapped = { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...extra] } };
  const outputs = await runModel(tapped, { x: input() });
  return new Map(
    values.map((name) => {
      const data = (name === 'x' ? input().data : outputs.get(name)?.data) as Float32Array;
      return [name as string, { low: Math.min(...data), high: Math.max(...data) }];
    }),
  );
}

/** Quantized with calibrated ranges, run, and compared with the float model, in shares of its largest value. */
async function errorOf(model: Model, form: StaticForm): Promise<number> {
  const quantization = quantizeStatic(model, form, await calibrated(model, form));
  const [wanted, found] = [
    await runModel(model, { x: input() }),
    await runModel(quantization.model, { x: input() }),
  ];
  let worst = 0;
  for (const [name, { data }] of wanted) {
    const floats = data as Float32Array;
    const others = found.get(name)?.data as Float32Array;
    const largest = Math.max(...floats.map(Math.abs));
    worst = Math.max(worst, ...floats.map((value, at) => Math.abs(value - (others[at] as number)) / largest));
  }
  return worst;
}

const spread = fc.record({
  type: fc.constantFrom('u8' as const, 's8' as const),
  isSymmetric: fc.boolean(),
  isReduced: fc.boolean(),
});
const float = fc.float({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 });

describe('scales over a range', () => {
  it('err by at most half a step within it, and keep zero exact', () => {
    fc.assert(
      fc.property(fc.array(float, { minLength: 1, maxLength: 40 }), spread, (values, how) => {
        const affine = affineOver(Math.min(...values), Math.max(...values), how);
        for (const value of values) {
          const error = Math.abs(dequantized(quantized(value, affine), affine) - value);
          expect(error).toBeLessThanOrEqual(affine.scale * (0.5 + 4e-5));
        }
        expect(dequantized(quantized(0, affine), affine)).toBe(0);
      }),
    );
  });

  it('stay finite for ranges as wide as float32', () => {
    const affine = affineOver(-3.4e38, 3.4e38, { type: 's8', isSymmetric: false, isReduced: false });
    expect(affine.scale).toBeGreaterThan(0);
    expect(Number.isFinite(affine.scale)).toBe(true);
  });

  it('for each channel are never coarser than one for all', () => {
    const values = fc.array(float, { minLength: 24, maxLength: 24 });
    const how = { type: 's8', isSymmetric: true, isReduced: false } as const;
    const steps = (floats: Float32Array, channels: number) => {
      const ranges = channelRanges(floats, { channels, run: 24 / channels });
      return Array.from(ranges?.lows ?? [], (low, at) => affineOver(low, ranges?.highs[at] ?? 0, how));
    };
    fc.assert(
      fc.property(values, (numbers) => {
        const floats = Float32Array.from(numbers);
        const [whole] = steps(floats, 1);
        // Zeros have no scale of their own, and any is exact for them.
        for (const [channel, { scale }] of steps(floats, 4).entries()) {
          if (floats.subarray(6 * channel, 6 * channel + 6).some((value) => value !== 0))
            expect(scale).toBeLessThanOrEqual(whole?.scale ?? 0);
        }
      }),
    );
  });

  it('for each channel have less squared error than one for all', () => {
    // Channels of different size, as weights have them.
    const floats = Float32Array.from({ length: 64 }, (_, at) => Math.cos(at * at) * 2 ** Math.floor(at / 16));
    const squaredError = (channels: number): number => {
      const layout = { channels, run: 64 / channels };
      const ranges = channelRanges(floats, layout);
      const how = { type: 's8', isSymmetric: true, isReduced: false } as const;
      const affines = Array.from(ranges?.lows ?? [], (low, at) =>
        affineOver(low, ranges?.highs[at] ?? 0, how),
      );
      const integers = new Int8Array(integersOfChannels(floats, layout, affines).bytes.buffer);
      return integers.reduce((sum, integer, at) => {
        const affine = affines[Math.floor(at / layout.run)];
        return sum + (affine === undefined ? 0 : (floats[at] as number) - dequantized(integer, affine)) ** 2;
      }, 0);
    };
    expect(squaredError(4)).toBeLessThan(squaredError(1));
  });
});

const conv = (from: string, to: string, name = 'w', bias: readonly string[] = []): Node =>
  makeNode('Conv', [from, name, ...bias], [to], [makeInts('pads', [1, 1, 1, 1])]);
const kernel = (name = 'w') => weight(name, [2, 2, 3, 3]);

describe('what onnxruntime’s tool gets wrong is right here', () => {
  it.each(formats)('$format: a Relu whose input others read stays', async (form) => {
    const model = imageModel(
      [conv('x', 'c'), makeNode('Relu', ['c'], ['r']), makeNode('Add', ['c', 'r'], ['y'])],
      [['y', image]],
      [kernel()],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it.each(formats)(
    '$format: a value that leaves the graph is not clipped by the Relu behind it',
    async (form) => {
      const model = imageModel(
        [conv('x', 'c'), makeNode('Relu', ['c'], ['r'])],
        [
          ['c', image],
          ['r', image],
        ],
        [kernel()],
      );
      expect(await errorOf(model, form)).toBeLessThan(0.03);
    },
  );

  it.each(formats)('$format: a Relu behind a moved value stays or is folded rightly', async (form) => {
    const model = imageModel(
      [conv('x', 'c'), makeNode('Flatten', ['c'], ['f']), makeNode('Relu', ['f'], ['y'])],
      [['y', [1, 72]]],
      [kernel()],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it.each(formats)('$format: alpha and beta of Gemm', async (form) => {
    const attributes = [makeFloat('alpha', 0.25), makeFloat('beta', 3)];
    const model = imageModel(
      [makeNode('Flatten', ['x'], ['f']), makeNode('Gemm', ['f', 'w', 'b'], ['y'], attributes)],
      [['y', [1, 5]]],
      [weight('w', [72, 5]), weight('b', [1, 5], (at) => at * 3)],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it.each(formats)('$format: a bias that convolutions of different scale share', async (form) => {
    const model = imageModel(
      [conv('x', 'c', 'w', ['b']), conv('c', 'y', 'v', ['b'])],
      [['y', image]],
      [
        kernel('w'),
        weight('v', [2, 2, 3, 3], (at) => 20 * Math.sin(at)),
        weight('b', [2], (at) => 4 - 9 * at),
      ],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it.each(formats)('$format: u8 channels of zeros', async (form) => {
    const model = imageModel(
      [conv('x', 'y')],
      [['y', image]],
      [weight('w', [2, 2, 3, 3], (at) => (at < 18 ? 0 : Math.cos(at)))],
    );
    expect(await errorOf(model, { ...form, weights: 'u8' })).toBeLessThan(0.03);
  });

  it.each(formats)('$format: stacks of matrices, and a constant first factor', async (form) => {
    const model = imageModel(
      [makeNode('MatMul', ['x', 'w'], ['m']), makeNode('MatMul', ['v', 'm'], ['y'])],
      [['y', image]],
      [weight('w', [2, 6, 6]), weight('v', [6, 6], (at) => (at % 7 === 0 ? 1 : 0.2 * Math.sin(at)))],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });
});

it('has one scale for weights whose channels lie along different axes, and for stacks of matrices', () => {
  const model = imageModel(
    [
      makeNode('MatMul', ['x', 'w'], ['m']),
      makeNode('Reshape', ['m', 'flat'], ['f']),
      makeNode('Gemm', ['f', 'w'], ['g'], [makeInt('transB', 1)]),
      makeNode('MatMul', ['g', 'stack'], ['y']),
    ],
    [['y', [1, 12, 6]]],
    [weight('w', [6, 6]), weight('stack', [1, 6, 6]), int64Tensor('flat', [2], [12, 6])],
  );
  const { graph } = quantizeStatic(model, qdq, wide(['x', 'm', 'f', 'g', 'y'])).model;
  // With a scale for each channel the runtime takes the first for another axis, and refuses the second.
  const scales = graph.initializers.filter(({ name }) => name === 'w_scale' || name === 'stack_scale');
  expect(scales.map(({ dims }) => dims)).toEqual([[], []]);
});

/** Two convolutions with a Relu between them. */
function twoLayers(initializers: readonly Tensor[] = [kernel('w'), kernel('v')], opset = 17): Model {
  const nodes = [conv('x', 'c'), makeNode('Relu', ['c'], ['r']), conv('r', 'y', 'v')];
  return imageModel(nodes, [['y', image]], initializers, opset);
}

const wide = (names: readonly string[]) => new Map(names.map((name) => [name, { low: -4, high: 4 }]));

describe('what is left as float', () => {
  it.each(formats)('$format: exactly the ranges asked for are needed', async (form) => {
    const model = twoLayers();
    const ranges = await calibrated(model, form);
    expect([...ranges.keys()].sort()).toEqual(['r', 'x', 'y']);
    expect(quantizeStatic(model, form, ranges).coverage).toEqual({
      quantized: 3,
      grouped: 0,
      skipped: [],
      unmatched: [],
    });
    for (const missing of ranges.keys()) {
      const fewer = new Map([...ranges].filter(([name]) => name !== missing));
      const { model: partly, coverage } = quantizeStatic(model, form, fewer);
      expect(coverage.skipped.map(({ reason }) => reason)).toContain(
        `no finite range of "${missing}" was calibrated`,
      );
      const outputs = await runModel(partly, { x: input() });
      expect(outputs.get('y')?.dims).toEqual(image);
    }
  });

  it.each(formats)('$format: ranges that are not finite', (form) => {
    const ranges = new Map([...wide(['x', 'y']), ['r', { low: 0, high: Number.POSITIVE_INFINITY }] as const]);
    const { skipped } = quantizeStatic(twoLayers(), form, ranges).coverage;
    expect(skipped.map(({ node }) => node)).toContain('Conv_0');
  });

  it.each(formats)('$format: weights that are not finite, and only their node', async (form) => {
    const broken = weight('v', [2, 2, 3, 3], (at) => (at === 7 ? Number.NaN : 1));
    const model = twoLayers([kernel(), broken]);
    const { model: integer, coverage } = quantizeStatic(model, form, wide(['x', 'r', 'y']));
    expect(coverage.skipped).toEqual([{ node: 'Conv_2', reason: 'weights "v" are not all finite' }]);
    expect(coverage.quantized).toBe(2);
    expect((await runModel(integer, { x: input() })).get('y')?.dims).toEqual(image);
  });

  it.each(formats)('$format: whatever touches a value of unknown type, and says so', (form) => {
    const swish = makeNode('Swish', ['c'], ['s'], [], { domain: 'of.nobody' });
    const model = imageModel(
      [conv('x', 'c'), swish, conv('s', 'y', 'v')],
      [['y', image]],
      [kernel(), kernel('v')],
    );
    const { coverage } = quantizeStatic(model, form, wide(['x', 'c', 's', 'y']));
    expect(coverage.quantized).toBe(1);
    expect(coverage.skipped).toEqual([
      { node: 'Swish_1', reason: 'Swish has no quantized form' },
      { node: 'Conv_2', reason: 'the type of "s" is not known' },
    ]);
  });

  it.each(formats)('$format: operators without a quantized form, told by name', async (form) => {
    const nodes = [conv('x', 'c'), makeNode('Erf', ['c'], ['e']), conv('e', 'y', 'v')];
    const model = imageModel(nodes, [['y', image]], [kernel(), kernel('v')]);
    const ranges = await calibrated(model, form);
    const { coverage } = quantizeStatic(model, form, ranges);
    expect(coverage.skipped).toEqual([{ node: 'Erf_1', reason: 'Erf has no quantized form' }]);
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it.each(formats)(
    '$format: what is excluded by name, value or operator; what means nothing is told',
    async (form) => {
      const model = twoLayers();
      const excluding = { ...form, exclude: ['Conv_2', 'no such layer', 'Rel*'] };
      const { coverage } = quantizeStatic(model, excluding, await calibrated(model, excluding));
      expect(coverage.skipped).toEqual([
        { node: 'Relu_1', reason: 'excluded' },
        { node: 'Conv_2', reason: 'excluded' },
      ]);
      expect(coverage.unmatched).toEqual(['no such layer']);
      expect(await errorOf(model, excluding)).toBeLessThan(0.03);
    },
  );

  it.each(formats)('$format: models that are quantized already', (form) => {
    const once = quantizeStatic(twoLayers(), qdq, wide(['x', 'r', 'y'])).model;
    const twice = quantizeStatic(once, form, wide(valuesToCalibrate(once, form)));
    expect(twice.coverage.quantized).toBe(0);
    expect(twice.coverage.skipped.map(({ reason }) => reason)).toEqual([
      'it reads quantized values already',
      'it reads quantized values already',
    ]);
    expect(modelToBytes(twice.model)).toEqual(modelToBytes(once));
  });

  it('weights of nodes that stay float stay, and are not counted as replaced', () => {
    const nodes = [conv('x', 'c'), conv('c', 'y')];
    const model = imageModel(nodes, [['y', image]], [kernel()]);
    const { model: integer, nonZeroOfWeight } = quantizeStatic(model, qoperator, wide(['x', 'c']));
    expect(integer.graph.initializers.map(({ name }) => name)).toContain('w');
    expect([...nonZeroOfWeight]).toEqual([]);
  });

  it.each(formats)('$format: subgraphs, and what they see of the graph around them', async (form) => {
    const branch = (name: string, node: Node) =>
      makeGraph(name, {
        ...modelOf({ nodes: [node], inputs: [], outputs: [tensorInfo('out', image)] }).graph,
      });
    const model = imageModel(
      [
        conv('x', 'c'),
        // Where the Relu becomes a range of its input, branches must not see that input instead.
        makeNode('Relu', ['c'], ['r']),
        makeNode(
          'If',
          ['always'],
          ['y'],
          [
            branch('then_branch', makeNode('Neg', ['r'], ['out'])),
            branch('else_branch', makeNode('Mul', ['r', 'r'], ['out'])),
          ],
        ),
      ],
      [['y', image]],
      [
        kernel(),
        {
          ...floatTensor('always', [], Float32Array.of(0)),
          dataType: DataType.bool,
          data: { kind: 'bytes', bytes: Uint8Array.of(1) },
        },
      ],
    );
    expect(await errorOf(model, form)).toBeLessThan(0.03);
  });

  it('refuses signed activations with unsigned weights, which no runtime computes with', () => {
    const form: StaticForm = { ...qdq, activations: 's8', weights: 'u8' };
    expect(() => quantizeStatic(twoLayers(), form, new Map())).toThrow(InputError);
  });
});

describe('the files', () => {
  it.each([7, 9, 11, 13, 17, 21])(
    'of models of opset %i run, with the names and types they had',
    async (opset) => {
      for (const form of [qdq, qoperator, { ...qdq, perChannel: false }]) {
        const model = twoLayers([kernel('w'), kernel('v')], opset);
        const old: Model = {
          ...model,
          irVersion: 3,
          opsetImports: [{ domain: '', version: opset }],
          // Files of that time list weights among the inputs.
          graph: {
            ...model.graph,
            inputs: [...model.graph.inputs, tensorInfo('w', [2, 2, 3, 3]), tensorInfo('v', [2, 2, 3, 3])],
          },
        };
        const { model: integer, coverage } = quantizeStatic(old, form, await calibrated(model, form));
        expect(coverage.quantized).toBe(3);
        expect(integer.graph.inputs).toEqual([tensorInfo('x', image)]);
        expect(integer.graph.outputs).toEqual(model.graph.outputs);
        const session = await InferenceSession.create(modelToBytes(integer), { logSeverityLevel: 4 });
        const { y } = await session.run({
          x: new RuntimeTensor('float32', input().data as Float32Array, image),
        });
        expect(y?.dims).toEqual(image);
        await session.release();
      }
    },
  );

  it.each(formats)('$format: run with sizes that the model leaves open', async (form) => {
    const model = twoLayers();
    const open: Model = {
      ...model,
      graph: {
        ...model.graph,
        inputs: [tensorInfo('x', ['n', 2, null, null])],
        outputs: [tensorInfo('y', null)],
      },
    };
    const { model: integer } = quantizeStatic(open, form, await calibrated(model, form));
    const outputs = await runModel(integer, { x: feed([3, 2, 5, 4]) });
    expect(outputs.get('y')?.dims).toEqual([3, 2, 5, 4]);
  });

  it('take a bias that does not fit into 32 bits by a coarser weight', () => {
    const faint = weight('w', [2, 2, 3, 3], (at) => 1e-9 * Math.cos(at));
    const nodes = [conv('x', 'y', 'w', ['b'])];
    const model = imageModel(nodes, [['y', image]], [faint, weight('b', [2], () => 1000)]);
    const { model: integer } = quantizeStatic(model, qdq, wide(['x', 'y']));
    const tensor = (name: string) => integer.graph.initializers.find((each) => each.name === name) as Tensor;
    const bias = new Int32Array(new Uint8Array(tensorBytes(tensor('b_quantized'))).buffer);
    const scales = tensorFloats(tensor('b_quantized_scale'));
    bias.forEach((integerBias, at) => {
      expect(integerBias).toBeLessThan(2 ** 31 - 1);
      expect(integerBias * (scales[at] as number)).toBeCloseTo(1000, 3);
    });
  });

  it('keep shapes and indices as they are', async () => {
    const model = imageModel(
      [
        conv('x', 'c'),
        makeNode('Shape', ['c'], ['shape']),
        makeNode('Add', ['shape', 'nothing'], ['size']),
        makeNode('Reshape', ['c', 'size'], ['again']),
        makeNode('ArgMax', ['again'], ['best'], [makeInt('axis', 1)]),
      ],
      [['best', [1, 1, 6, 6]]],
      [kernel(), int64Tensor('nothing', [4], [0, 0, 0, 0])],
    );
    const integers = { ...model.graph, outputs: [{ ...tensorInfo('best', [1, 1, 6, 6], DataType.int64) }] };
    for (const form of formats) {
      const { model: integer } = quantizeStatic(
        { ...model, graph: integers },
        form,
        wide(['x', 'c', 'again']),
      );
      const { type, dims } = (await runModel(integer, { x: input() })).get('best') ?? {};
      expect([type, dims]).toEqual(['int64', [1, 1, 6, 6]]);
    }
  });
});

it('a file of segments imports the operators of all of them', async () => {
  const head = (output: string) =>
    imageModel(
      [makeNode('Flatten', ['x'], [`${output}_flat`]), makeNode('Gemm', [`${output}_flat`, 'w'], [output])],
      [[output, [1, 5]]],
      [weight('w', [72, 5])],
    );
  const exit = (index: number, output: string) =>
    ({ index, output: valueName(output), scores: 'logits', threshold: 2 }) as const;
  const [early, late] = [head('a'), head('y')];
  const integer = quantizeStatic(late, qoperator, await calibrated(late, qoperator)).model;
  const plain: Model = { ...early, opsetImports: [{ domain: '', version: 17 }] };
  const segments = [
    { model: plain, exit: exit(0, 'a') },
    { model: integer, exit: exit(1, 'y') },
  ];
  const { model } = nestSegments(segments, valueName('y'), early.graph.inputs);
  const outputs = await runModel(model, { x: input() });
  const wanted = await runModel(integer, { x: input() });
  expect(outputs.get('y')?.data).toEqual(wanted.get('y')?.data);
});
