import fc from 'fast-check';
import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { defined } from '../../../../src/base/assert.ts';
import { InputError } from '../../../../src/base/result.ts';
import { layoutOf } from '../../../../src/transforms/exits/value-layout.ts';
import { makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import type { Model, ValueName } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../../src/onnx/serialize.ts';
import { floatTensor, int64Tensor, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { attachHeads, featureModel } from '../../../../src/transforms/exits/attach-head.ts';
import { poolingOf, type ValueLayout } from '../../../../src/transforms/exits/pooling.ts';
import { backboneKey } from '../../../../src/transforms/exits/backbone.ts';
import {
  headsByKey,
  parseHeads,
  serialiseHeads,
  type TrainedHead,
} from '../../../../src/transforms/exits/trained-head.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { feed, modelOf, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { fileBytes, floatsOf, noise, relativeDifference, runVariant, sampleModel } from '../run-variant.ts';
import { buildVariant } from '../../../../src/transforms/build-variant.ts';
import { randomHead } from './heads.ts';

const STAGE1 = '/stage1/Relu_output_0';
const STAGE3 = '/stage3/stage3.1/Relu_output_0';

/** Runs a model and returns every output. */
async function run(bytes: Uint8Array, input: Tensor): Promise<Map<string, Tensor>> {
  const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const feeds = { [defined(session.inputNames[0], 'input')]: input };
  const outputs = new Map(Object.entries(await session.run(feeds)));
  await session.release();
  return outputs;
}

/** The model with a value as a further output. */
function withOutput(model: Model, value: string): Model {
  const { shapes } = analyseModel(model);
  const { shape = null } = shapes.get(value as ValueName) ?? {};
  return { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, tensorInfo(value, shape)] } };
}

/** Pooling and linear classifier by hand, from the value itself. */
function byHand(value: Tensor, { weights, bias, width, classCount }: TrainedHead): Float32Array {
  const features = pooledByHand(value);
  expect(features.length).toBe(width);
  return Float32Array.from({ length: classCount }, (_, each) => {
    let score = bias[each] as number;
    for (let i = 0; i < width; i++) score += (weights[each * width + i] as number) * (features[i] as number);
    return score;
  });
}

function pooledByHand({ dims, data }: Tensor): number[] {
  const at = (index: number): number => (data as Float32Array)[index] as number;
  const [, second = 1, third = 1, fourth = 1] = dims;
  if (dims.length === 2) return Array.from({ length: second }, (_, i) => at(i));
  if (dims.length === 3) {
    return Array.from({ length: third }, (_, feature) => {
      let sum = 0;
      for (let token = 0; token < second; token++) sum += at(token * third + feature);
      return sum / second;
    });
  }
  const { pooling } = defined(poolingOf([...dims]), 'pooling');
  if (pooling.kind !== 'grid') throw new Error('an image-like value is pooled over a grid');
  const { rows, columns } = pooling;
  const [height, width] = [third / rows, fourth / columns];
  const features: number[] = [];
  for (let channel = 0; channel < second; channel++) {
    for (let part = 0; part < rows * columns; part++) {
      let sum = 0;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const row = Math.floor(part / columns) * height + y;
          const column = (part % columns) * width + x;
          sum += at((channel * third + row) * fourth + column);
        }
      }
      features.push(sum / (height * width));
    }
  }
  return features;
}

function build(model: Model, recipe: Recipe, heads: readonly TrainedHead[]) {
  return buildVariant(model, recipe, { baseName: 'm', now: () => 0, heads: headsByKey(heads) });
}

function failureOf(work: () => unknown): { code: string; message: string; hint?: string } {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('a trained head in the graph', () => {
  const digits = sampleModel('digits');
  const input = noise(defined(viewOf(digits).values.get(viewOf(digits).inputs[0] as ValueName), 'input'), 3);

  test('computes pooling and linear classifier, and leaves the original outputs as they are', async () => {
    const heads = [STAGE1, STAGE3].map((value) => randomHead(digits, value));
    const { model, outputOf } = attachHeads(analyseModel(digits), heads);
    const found = await run(modelToBytes(model), input);
    const original = await run(modelToBytes(withOutput(withOutput(digits, STAGE1), STAGE3)), input);
    for (const head of heads) {
      const value = defined(original.get(head.value), head.value);
      const output = defined(outputOf.get(head.value), 'output');
      expect(output).toBe(`exit_${head.value}`);
      expect(relativeDifference(floatsOf(found, output), byHand(value, head))).toBeLessThan(1e-5);
    }
    for (const { name } of digits.graph.outputs)
      expect(relativeDifference(floatsOf(found, name), floatsOf(original, name))).toBeLessThan(1e-6);
  });

  test('is an exit like any other when the file is opened again', () => {
    const heads = [STAGE3, STAGE1].map((value) => randomHead(digits, value));
    const { model } = attachHeads(analyseModel(digits), heads);
    const view = viewOf(parseModel(memorySource(modelToBytes(model))));
    const outputs = view.exits.map(({ output }) => output as string);
    expect(outputs.indexOf(`exit_${STAGE1}`)).toBeLessThan(outputs.indexOf(`exit_${STAGE3}`));
    expect(outputs.at(-1)).toBe(viewOf(digits).exits.at(-1)?.output);
    expect(view.exits.map(({ scores }) => scores)).toEqual(view.exits.map(() => 'logits'));
    expect(view.warnings).toEqual(viewOf(digits).warnings);
    // Cuts behind an exit need not carry what its head reads.
    const singles = (each: ReturnType<typeof viewOf>) =>
      new Set(
        each.frontiers.flatMap(({ legal, crossing }) => (legal && crossing.length === 1 ? crossing : [])),
      );
    for (const name of singles(viewOf(digits))) expect(singles(view)).toContain(name);
  });

  test('pools as by hand at any value of any of these models', async () => {
    const models = ['digits', 'zoo/mobilenet_v3_small', 'zoo/shufflenet_v2_x1_0'].map(sampleModel);
    const places = models.flatMap((model) => {
      const { shapes, index } = analyseModel(model);
      return [...shapes].flatMap(([name, { shape, dataType }]) =>
        dataType === 1 && index.producer.has(name) && poolingOf(shape)
          ? [{ model, value: name as string }]
          : [],
      );
    });
    expect(places.length).toBeGreaterThan(200);
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.integer(), async ({ model, value }, seed) => {
        const { model: pooled, outputs, widths } = featureModel(analyseModel(model), [value]);
        const view = viewOf(model);
        const fed = noise(defined(view.values.get(view.inputs[0] as ValueName), 'input'), seed);
        const found = floatsOf(await run(modelToBytes(pooled), fed), outputs[0] as string);
        const raw = defined((await run(modelToBytes(withOutput(model, value)), fed)).get(value), value);
        expect(found.length).toBe(widths[0]);
        expect(relativeDifference(found, Float32Array.from(pooledByHand(raw)))).toBeLessThan(1e-4);
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  test('takes the mean over the tokens of a sequence, and vectors as they are', async () => {
    const tokens = modelOf({
      nodes: [
        makeNode('Relu', ['x'], ['hidden']),
        makeNode('ReduceMax', ['hidden', 'axes'], ['vector'], [makeInt('keepdims', 0)]),
        makeNode('MatMul', ['vector', 'w'], ['squeezed']),
        makeNode('Reshape', ['squeezed', 'to'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 5, 8])],
      outputs: [tensorInfo('y', [1, 3])],
      initializers: [
        floatTensor(
          'w',
          [8, 3],
          Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)),
        ),
        int64Tensor('axes', [1], [1]),
        int64Tensor('to', [2], [1, 3]),
      ],
      opset: 18,
    });
    for (const value of ['hidden', 'vector']) {
      const head = randomHead(tokens, value);
      const { model } = attachHeads(analyseModel(tokens), [head]);
      const fed = feed([1, 5, 8]);
      const raw = defined((await run(modelToBytes(withOutput(tokens, value)), fed)).get(value), value);
      const found = floatsOf(await run(modelToBytes(model), fed), `exit_${value}`);
      expect(relativeDifference(found, byHand(raw, head))).toBeLessThan(1e-5);
    }
  });

  test.each<readonly [string, Readonly<Record<string, Partial<ValueLayout>>>]>([
    [
      'vit_b_16',
      {
        '/conv_proj/Conv_output_0': { featuresLast: false },
        '/Reshape_output_0': { featuresLast: false },
        '/Transpose_output_0': { featuresLast: true, hasClassToken: false },
        '/encoder/layers/encoder_layer_4/Add_1_output_0': { featuresLast: true, hasClassToken: true },
      },
    ],
    [
      'convnext_small',
      {
        '/features/features.0/features.0.1/Mul_output_0': { featuresLast: true },
        '/features/features.1/features.1.2/Add_output_0': { featuresLast: false },
      },
    ],
  ])('what the dimensions of values of %s mean is told by what is around them', (name, wanted) => {
    const analysed = analyseModel(sampleModel(`zoo/${name}`));
    for (const [value, layout] of Object.entries(wanted)) {
      expect(analysed.shapes.has(value as ValueName)).toBe(true);
      expect(layoutOf(analysed, value as ValueName), value).toMatchObject(layout);
    }
  });

  test('pools channels that come last over their place, and takes the class token next to the mean', async () => {
    const model = modelOf({
      nodes: [
        makeNode('Transpose', ['x'], ['last'], [makeInts('perm', [0, 2, 3, 1])]),
        makeNode('Relu', ['last'], ['image']),
        makeNode('Reshape', ['image', 'to'], ['tokens']),
        makeNode('MatMul', ['tokens', 'w'], ['mixed']),
        makeNode('Gather', ['mixed', 'zero'], ['first'], [makeInt('axis', 1)]),
        makeNode('Identity', ['first'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 3, 8, 4])],
      outputs: [tensorInfo('y', [1, 3])],
      initializers: [
        int64Tensor('to', [3], [1, 32, 3]),
        int64Tensor('zero', [], [0]),
        floatTensor(
          'w',
          [3, 3],
          Float32Array.from({ length: 9 }, (_, i) => Math.cos(i)),
        ),
      ],
    });
    const fed = feed([1, 3, 8, 4]);
    const raw = await run(modelToBytes(withOutput(withOutput(model, 'image'), 'mixed')), fed);
    const pooled = featureModel(analyseModel(model), ['image', 'mixed']);
    const found = await run(modelToBytes(pooled.model), fed);
    const [image = '', mixed = ''] = pooled.outputs;
    // 2 x 2 parts of 4 x 2 pixels, as of the image with its channels second.
    const at = (y: number, x: number, channel: number) =>
      floatsOf(raw, 'image')[(y * 4 + x) * 3 + channel] ?? 0;
    const parts = [0, 1, 2].flatMap((channel) =>
      [0, 1, 2, 3].map((part) => {
        let sum = 0;
        for (let y = 0; y < 4; y++)
          for (let x = 0; x < 2; x++) sum += at(4 * Math.floor(part / 2) + y, 2 * (part % 2) + x, channel);
        return sum / 8;
      }),
    );
    expect(relativeDifference(floatsOf(found, image), Float32Array.from(parts))).toBeLessThan(1e-5);
    const tokens = floatsOf(raw, 'mixed');
    const means = [0, 1, 2].map(
      (feature) => tokens.filter((_, i) => i % 3 === feature).reduce((a, b) => a + b) / 32,
    );
    const both = Float32Array.from([...tokens.slice(0, 3), ...means]);
    expect(relativeDifference(floatsOf(found, mixed), both)).toBeLessThan(1e-5);
  });

  test.each<readonly [string, Recipe]>([
    ['always the first', [{ op: 'early-exit', kind: 'trained', at: [STAGE3, STAGE1], exit: 1 }]],
    ['by confidence', [{ op: 'early-exit', kind: 'trained', at: [STAGE3, STAGE1], threshold: [0.7, 0.9] }]],
  ])('stops where the recipe says: %s', async (_, recipe) => {
    const heads = [STAGE1, STAGE3].map((value) => randomHead(digits, value));
    const variant = build(digits, recipe, heads);
    const exits = variant.plan.segments.map(({ exit }) => exit);
    const whole = await run(modelToBytes(attachHeads(analyseModel(digits), heads).model), input);
    const values = await runVariant(variant, input);
    for (const exit of exits) {
      const { output } = defined(exit, 'exit');
      expect(relativeDifference(floatsOf(values, output), floatsOf(whole, output))).toBeLessThan(1e-5);
    }
    if (recipe[0]?.op === 'early-exit' && 'exit' in recipe[0]) {
      expect(exits.map((exit) => [exit?.output, exit?.threshold])).toEqual([[`exit_${STAGE1}`, 0]]);
    } else {
      // Thresholds stay with their values, however these are ordered.
      expect(exits.slice(0, -1).map((exit) => [exit?.output, exit?.threshold])).toEqual([
        [`exit_${STAGE1}`, 0.9],
        [`exit_${STAGE3}`, 0.7],
      ]);
    }
  });

  test('with nothing to stop it is one file with further outputs', async () => {
    const variant = build(
      digits,
      [{ op: 'early-exit', kind: 'trained', at: [STAGE1] }],
      [randomHead(digits, STAGE1)],
    );
    expect(variant.files.length).toBe(1);
    const outputs = await run(fileBytes(defined(variant.files[0], 'file')), input);
    expect([...outputs.keys()].sort()).toEqual(
      [`exit_${STAGE1}`, ...digits.graph.outputs.map(({ name }) => name as string)].sort(),
    );
    expect(variant.plan.output.name).toBe(viewOf(digits).exits.at(-1)?.output);
  });

  test('goes together with quantization, pruning and a cut', async () => {
    const recipe: Recipe = [
      { op: 'prune', kind: 'unstructured', ratio: 0.2 },
      { op: 'early-exit', kind: 'trained', at: [STAGE1], threshold: 0.9 },
      { op: 'partition', cut: '/stage2/Relu_output_0' },
      { op: 'quantize', mode: 'dynamic' },
    ];
    const variant = build(digits, recipe, [randomHead(digits, STAGE1)]);
    const values = await runVariant(variant, input);
    expect(variant.plan.segments.map(({ tier, exit }) => [tier, exit !== null])).toEqual([
      ['mobile', true],
      ['mobile', false],
      ['edge', true],
    ]);
    expect(floatsOf(values, variant.plan.output.name).every(Number.isFinite)).toBe(true);
  });

  test('a pruned model takes the head that was trained for it, and says where it has none', async () => {
    const prune: Recipe = [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }];
    const recipe: Recipe = [...prune, { op: 'early-exit', kind: 'trained', at: [STAGE1, STAGE3], exit: 0 }];
    const unchanged = [STAGE1, STAGE3].map((value) => randomHead(digits, value));
    const own = {
      ...randomHead(digits, STAGE1, 1),
      backbone: backboneKey(recipe),
      bias: new Float32Array(10),
    };
    expect(backboneKey(recipe)).toBe(backboneKey(prune));
    expect(backboneKey([{ op: 'quantize', mode: 'dynamic' }])).toBe('');
    const biasOf = (heads: readonly TrainedHead[]) => {
      const variant = build(digits, recipe, heads);
      const { graph } = parseModel(memorySource(fileBytes(defined(variant.files[0], 'file'))));
      const bias = graph.initializers.find(({ name }) => name === `exit_${STAGE1}_bias`);
      return { bias: [...tensorFloats(defined(bias, 'bias'))], warnings: variant.warnings.join() };
    };
    expect(biasOf(unchanged).bias).toEqual([...defined(unchanged[0], 'head').bias]);
    expect(biasOf(unchanged).warnings).toContain('2 exits were trained for the unchanged model');
    expect(biasOf([...unchanged, own]).bias).toEqual([...own.bias]);
    expect(biasOf([...unchanged, own]).warnings).toContain('An exit was trained for the unchanged model');
    expect(parseHeads(serialiseHeads([own]))).toEqual([own]);
  });

  test('without a trained head the recipe is refused, saying where to get one', () => {
    const recipe: Recipe = [{ op: 'early-exit', kind: 'trained', at: [STAGE1, STAGE3], exit: 0 }];
    const failure = failureOf(() => checkRecipe(digits, recipe, headsByKey([randomHead(digits, STAGE1)])));
    expect(failure.code).toBe('exit-not-trained');
    expect(failure.message).toContain(STAGE3);
    expect(failure.message).not.toContain(STAGE1);
    expect(failure.hint).toContain('Train');
    const otherSeed = headsByKey([randomHead(digits, STAGE1, 2)]);
    expect(failureOf(() => checkRecipe(digits, recipe, otherSeed)).code).toBe('exit-not-trained');
  });

  test('what can never be trained is refused for that, not for being untrained', () => {
    const refused = (model: Model, value: string) =>
      failureOf(() => checkRecipe(model, [{ op: 'early-exit', kind: 'trained', at: [value] }]));
    expect(refused(digits, '/stage1/Relu_output').code).toBe('exit-unknown-value');
    expect(refused(flatModel(), 'flat').code).toBe('exit-not-poolable');
    const scoring = (shape: readonly number[]) =>
      modelOf({
        nodes: [makeNode('Relu', ['x'], ['early']), makeNode('Sigmoid', ['early'], ['y'])],
        inputs: [tensorInfo('x', shape)],
        outputs: [tensorInfo('y', shape)],
      });
    expect(refused(scoring([1, 1]), 'early')).toMatchObject({
      code: 'exit-not-class-scores',
      message: expect.stringContaining('found a single score, shape [1, 1], at the output "y"') as string,
    });
    const map = refused(scoring([1, 5, 8, 8]), 'early');
    expect(map.code).toBe('exit-not-class-scores');
    expect(map.message).toContain('found shape [1, 5, 8, 8], at the output "y"');
  });

  test.each([
    ['head-mismatch', STAGE1, { width: 3 }],
    ['exit-unknown-value', '/stage1/Relu_output', {}],
    ['exit-not-poolable', '/stage1/Relu_output_0', {}],
  ])('bad heads and places are refused: %s', (code, value, change) => {
    const model = code === 'exit-not-poolable' ? flatModel() : digits;
    const place = code === 'exit-not-poolable' ? 'flat' : value;
    const head = { ...randomHead(digits, STAGE1), value: place, ...change };
    expect(failureOf(() => attachHeads(analyseModel(model), [head])).code).toBe(code);
  });
});

function flatModel(): Model {
  return modelOf({
    nodes: [
      makeNode('ReduceMax', ['x', 'axes'], ['flat'], [makeInt('keepdims', 0)]),
      makeNode('Identity', ['x'], ['y']),
    ],
    inputs: [tensorInfo('x', [1, 10])],
    outputs: [tensorInfo('y', [1, 10])],
    initializers: [int64Tensor('axes', [1], [1])],
    opset: 18,
  });
}

function viewOf(model: Model) {
  return buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
}
