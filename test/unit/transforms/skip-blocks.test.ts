import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { makeGraph, makeNode } from '../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { DataType, type Model } from '../../../src/onnx/model.ts';
import { inferFacts } from '../../../src/onnx/shape-inference.ts';
import { bytesTensor, elementCount, floatTensor } from '../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';
import { lastBlocks } from '../../../src/transforms/exits/last-blocks.ts';
import { skipBlocks } from '../../../src/transforms/exits/skip-blocks.ts';
import { skippedNodes, skipsOf } from '../../../src/transforms/exits/skip-placement.ts';
import type { Bypass, Recipe, SkipExitOperator } from '../../../src/transforms/recipe.ts';
import { nonZeroParams } from '../../../src/transforms/count-non-zero.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../fixtures/run-onnx.ts';
import { build, floatsOf, noise, relativeDifference, runVariant, sampleModel } from './run-variant.ts';

const zoo = readdirSync(new URL('../../../public/samples/zoo', import.meta.url)).map((file) =>
  file.replace('.onnx', ''),
);
const views = new Map<string, GraphView>();
function viewOf(name: string): GraphView {
  const known = views.get(name);
  if (known) return known;
  const view = buildGraphView(sampleModel(`zoo/${name}`), { modelId: '', fileName: name, fileBytes: 0 });
  views.set(name, view);
  return view;
}

const skip = (blocks: number): Recipe => [{ op: 'early-exit', kind: 'skip', blocks }];
const bypass = (...bypasses: Bypass[]): Recipe => [{ op: 'early-exit', kind: 'skip', bypass: bypasses }];

function refusal(model: Model, recipe: Recipe): { code: string; message: string; hint?: string } {
  try {
    checkRecipe(model, recipe);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was not refused');
}

/**
 * Repeated blocks of each architecture, as its paper or torchvision's source has them: [blocks in a row, channels].
 * The first block of a stage changes channels or resolution, so a stage of n has n - 1 to skip.
 */
const expectedRuns: Readonly<Record<string, readonly (readonly [number, number])[]>> = {
  // Stages of 3, 3, 27, 3 blocks; the layers that halve the resolution stand between them.
  convnext_small: [
    [3, 96],
    [3, 192],
    [27, 384],
    [3, 768],
  ],
  // Inverted residuals with (expansion, channels): (72, 24), (120, 40) x 2; then 80 with expansions 200, 184, 184, of
  // which only the last two are alike; (672, 112) once; (960, 160) x 2, dilated in DeepLab.
  deeplabv3_mobilenet_v3_large: [
    [2, 40],
    [2, 80],
    [2, 160],
  ],
  mobilenet_v3_large: [
    [2, 40],
    [2, 80],
    [2, 160],
  ],
  mobilenet_v3_small: [
    [2, 40],
    [2, 96],
  ],
  // (t, c, n): 24 x 2, 32 x 3, 64 x 4, 96 x 3, 160 x 3, 320 x 1.
  mobilenet_v2: [
    [2, 32],
    [3, 64],
    [2, 96],
    [2, 160],
  ],
  // Every dense layer makes its input wider by 32 channels.
  densenet169: [],
  densenet201: [],
  // Stages of B0 with 1, 2, 2, 3, 3, 4, 1 blocks, deeper by 1.1, 1.2 and 1.4 (rounded up).
  efficientnet_b1: [
    [2, 24],
    [2, 40],
    [3, 80],
    [3, 112],
    [4, 192],
  ],
  efficientnet_b2: [
    [2, 24],
    [2, 48],
    [3, 88],
    [3, 120],
    [4, 208],
  ],
  efficientnet_b3: [
    [2, 32],
    [2, 48],
    [4, 96],
    [4, 136],
    [5, 232],
  ],
  // ResNet-101 has 3, 4, 23, 3 bottlenecks, ResNet-152 has 3, 8, 36, 3. Dilated ones differ in their dilations only.
  fcn_resnet101: [
    [2, 256],
    [3, 512],
    [22, 1024],
    [2, 2048],
  ],
  resnet101_duc_hdc: [
    [2, 256],
    [3, 512],
    [22, 1024],
    [2, 2048],
  ],
  resnext101_64x4d: [
    [2, 256],
    [3, 512],
    [22, 1024],
    [2, 2048],
  ],
  wide_resnet101_2: [
    [2, 256],
    [3, 512],
    [22, 1024],
    [2, 2048],
  ],
  resnet152: [
    [2, 256],
    [7, 512],
    [35, 1024],
    [2, 2048],
  ],
  // Stages of 4, 8, 4 units: a unit splits, convolves one half and shuffles.
  shufflenet_v2_x1_0: [
    [3, 116],
    [7, 232],
    [3, 464],
  ],
  // Twelve encoder layers over 197 tokens, each attention and MLP.
  vit_b_16: [[12, 197]],
};

describe('skippable blocks', () => {
  it.each(zoo)('of %s are those of its architecture', (name) => {
    const view = viewOf(name);
    const repeated = (view.skippable ?? []).filter(({ blocks }) => blocks.length > 1);
    expect(repeated.map(({ from, blocks }) => [blocks.length, view.values.get(from)?.shape?.[1]])).toEqual(
      expectedRuns[name],
    );
  });

  it.each(zoo)('of %s follow each other, with equal shapes around each', (name) => {
    const view = viewOf(name);
    let lastNode = -1;
    for (const run of view.skippable ?? []) {
      let from = run.from;
      for (const block of run.blocks) {
        expect(block.from).toBe(from);
        expect(view.values.get(block.to)?.shape).toEqual(view.values.get(block.from)?.shape);
        expect(block.firstNode).toBeGreaterThan(lastNode);
        lastNode = block.lastNode;
        from = block.to;
      }
      expect(from).toBe(run.to);
    }
  });

  it('are the whole residual block, with its activation behind the sum', () => {
    const view = viewOf('resnet152');
    const last = view.skippable?.at(-1)?.blocks.at(-1);
    const operators = view.nodes
      .slice(last?.firstNode, (last?.lastNode ?? 0) + 1)
      .map(({ opType }) => opType);
    expect(operators).toEqual(['Conv', 'Relu', 'Conv', 'Relu', 'Conv', 'Add', 'Relu']);
  });

  it('of a model with exits leave the exits out', () => {
    const view = buildGraphView(sampleModel('digits'), { modelId: '', fileName: '', fileBytes: 0 });
    const exits = new Set(view.exits.map(({ node }) => node));
    for (const { firstNode, lastNode } of view.skippable ?? [])
      for (let node = firstNode; node <= lastNode; node++) expect(exits.has(node)).toBe(false);
    expect(view.skippable?.length).toBeGreaterThan(0);
  });
});

describe('blocks beside values that wait for a decoder', () => {
  const weight = floatTensor('w', [4, 4], new Float32Array(16).fill(0.25));
  const layer = (from: string, to: string) => [
    makeNode('MatMul', [from, 'w'], [`${to}/product`]),
    makeNode('Add', [`${to}/product`, from], [to]),
  ];
  const model = modelOf({
    nodes: [
      ...layer('x', 'early'),
      ...['early>a', 'a>b', 'b>c'].flatMap((edge) =>
        layer(edge.split('>')[0] ?? '', edge.split('>')[1] ?? ''),
      ),
      makeNode('Relu', ['c'], ['late']),
      makeNode('Add', ['late', 'early'], ['y']),
    ],
    inputs: [tensorInfo('x', [1, 4])],
    outputs: [tensorInfo('y', [1, 4])],
    initializers: [weight],
  });

  it('are found, but for the one that takes such a value', () => {
    const { skippable = [] } = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
    const repeated = skippable.filter(({ blocks }) => blocks.length > 1);
    expect(repeated.map(({ blocks }) => blocks.map(({ from, to }) => [from, to]))).toEqual([
      [
        ['a', 'b'],
        ['b', 'c'],
      ],
    ]);
  });

  it('are skipped, and what waits is still used', async () => {
    const { analysed } = skipBlocks(analyseModel(model), { op: 'early-exit', kind: 'skip', blocks: 2 });
    const outputs = await runModel(analysed.model, { x: feed([1, 4], () => 1) });
    // Each layer doubles what is 1 everywhere: early 2, a 4, and their sum.
    expect(Array.from(outputs.get('y')?.data ?? [])).toEqual([6, 6, 6, 6]);
  });
});

describe('skipping the last blocks', () => {
  const skippableZoo = zoo.filter((name) => (expectedRuns[name]?.length ?? 0) > 0);

  it.each(skippableZoo)('of %s drops exactly their work and weights, and keeps every shape', (name) => {
    const model = sampleModel(`zoo/${name}`);
    const analysed = analyseModel(model);
    const { skippable = [], totals, values } = viewOf(name);
    for (const count of [1, 2, 3]) {
      const blocks = lastBlocks(skippable, count);
      if (blocks === null) continue;
      const operator: SkipExitOperator = { op: 'early-exit', kind: 'skip', blocks: count };
      const { analysed: skipped } = skipBlocks(analysed, operator);
      const sum = (key: 'macs' | 'params') => blocks.reduce((total, block) => total + block[key], 0);
      const view = buildGraphView(skipped.model, { modelId: '', fileName: '', fileBytes: 0 });
      expect(view.totals.macs).toBe(totals.macs - sum('macs'));
      expect(view.totals.params).toBe(totals.params - sum('params'));

      const { facts, warnings } = inferFacts(skipped.model);
      expect(warnings).toEqual([]);
      for (const node of skipped.model.graph.nodes)
        for (const output of node.outputs)
          expect(facts.get(output)?.shape).toEqual(values.get(output)?.shape);
      // The weights that remain are the very ranges of the file: nothing was copied.
      const data = new Set(analysed.model.graph.initializers.map((tensor) => tensor.data));
      for (const tensor of skipped.model.graph.initializers) expect(data.has(tensor.data)).toBe(true);
      const read = new Set(skipped.model.graph.nodes.flatMap(({ inputs }) => inputs as readonly string[]));
      for (const tensor of skipped.model.graph.initializers) expect(read.has(tensor.name)).toBe(true);
    }
  });

  it.each(skippableZoo)('of %s is what the placement shows', (name) => {
    const view = viewOf(name);
    const { analysed } = skipBlocks(analyseModel(sampleModel(`zoo/${name}`)), {
      op: 'early-exit',
      kind: 'skip',
      blocks: 2,
    });
    const { skips, problem } = skipsOf(skip(2), view);
    expect(problem).toBeNull();
    const kept = new Set(analysed.model.graph.nodes.flatMap(({ outputs }) => outputs as readonly string[]));
    const vanished = view.nodes.filter(({ outputs }) => !outputs.some((output) => kept.has(output)));
    expect(new Set(vanished.map(({ index }) => index))).toEqual(skippedNodes(view, skips));
    expect(vanished.length).toBeGreaterThan(0);
  });

  it.each([
    'mobilenet_v2',
    'mobilenet_v3_small',
    'mobilenet_v3_large',
    'shufflenet_v2_x1_0',
    'efficientnet_b1',
    'deeplabv3_mobilenet_v3_large',
    'resnet152',
  ])('of %s runs, and in two parts gives the same', async (name) => {
    const model = sampleModel(`zoo/${name}`);
    const whole = build(model, skip(2));
    const input = noise(whole.plan.input, 5);
    const wanted = floatsOf(await runVariant(whole, input), whole.plan.output.name);
    expect(wanted.every(Number.isFinite)).toBe(true);
    const { skippable = [] } = viewOf(name);
    const cut = lastBlocks(skippable, 2)?.[0]?.from ?? '';
    const parts = build(model, [{ op: 'partition', cut }, ...skip(2)]);
    expect(parts.files).toHaveLength(2);
    const found = floatsOf(await runVariant(parts, input), parts.plan.output.name);
    expect(relativeDifference(found, wanted)).toBeLessThan(1e-5);
  });

  it('with quantize gives the same files in either order, and pruning is as before', () => {
    const model = sampleModel('zoo/mobilenet_v3_small');
    const quantize = { op: 'quantize', mode: 'dynamic' } as const;
    const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 } as const;
    const sizes = (recipe: Recipe) => build(model, recipe).files.map(({ bytes }) => bytes);
    expect(sizes([quantize, ...skip(2)])).toEqual(sizes([...skip(2), quantize]));
    const [first, second] = [build(model, [prune, ...skip(2)]), build(model, [...skip(2), prune])];
    expect(nonZeroParams(first.parameters)).toBe(nonZeroParams(second.parameters));
    expect(nonZeroParams(first.parameters) / build(model, skip(2)).params).toBeCloseTo(0.5, 1);
  });

  it('goes with exits that the model has', async () => {
    const model = sampleModel('digits');
    const exits = { op: 'early-exit', kind: 'existing', threshold: 0.9 } as const;
    for (const recipe of [
      [exits, ...skip(1)],
      [...skip(1), exits],
    ]) {
      const variant = build(model, recipe);
      expect(variant.plan.segments.map(({ exit }) => exit?.index)).toEqual([0, 1, 2]);
      expect(variant.macs).toBeLessThan(build(model, [exits]).macs);
      const values = await runVariant(variant, noise(variant.plan.input, 2));
      expect(floatsOf(values, variant.plan.output.name).every(Number.isFinite)).toBe(true);
    }
  });
});

interface SkipGolden {
  readonly madeBy: { readonly onnx: string; readonly onnxruntime: string };
  /** Every so many logits are noted. */
  readonly every: number;
  readonly cases: readonly {
    readonly model: string;
    readonly bypass: Bypass;
    readonly floats: number;
    readonly weights: string;
    readonly logits: readonly number[];
  }[];
}
/** Made by `test/fixtures/transforms/make_skip_golden.py`. */
const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/transforms/golden/skip.json', import.meta.url), 'utf8'),
) as SkipGolden;

describe(`skipping is what onnx ${golden.madeBy.onnx} makes of blocks chosen by hand`, () => {
  it.each(golden.cases.map((wanted) => [wanted.model, wanted] as const))('in %s', async (name, wanted) => {
    const model = sampleModel(`zoo/${name}`);
    const operator: SkipExitOperator = { op: 'early-exit', kind: 'skip', blocks: 2 };
    const { graph } = skipBlocks(analyseModel(model), operator).analysed.model;
    const floats = graph.initializers.filter(({ dataType }) => dataType === DataType.float);
    // Folding may turn constants of the file into further initializers.
    const original = new Set(model.graph.initializers.map((tensor) => tensor.name));
    const weights = floats.filter((tensor) => original.has(tensor.name));
    expect(weights.reduce((sum, { dims }) => sum + elementCount(dims), 0)).toBe(wanted.floats);
    const names = weights.map((tensor) => tensor.name).sort();
    expect(createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 16)).toBe(wanted.weights);

    for (const recipe of [[operator], bypass(wanted.bypass)]) {
      const variant = build(model, recipe);
      const dims = (variant.plan.input.shape ?? []).map(Number);
      const values = await runVariant(
        variant,
        feed(dims, (at) => Math.sin(at * 0.37)),
      );
      const logits = floatsOf(values, variant.plan.output.name).filter((_, at) => at % golden.every === 0);
      expect(relativeDifference(logits, Float32Array.from(wanted.logits))).toBeLessThan(1e-5);
    }
  });
});

describe('skipping by name', () => {
  const model = sampleModel('zoo/shufflenet_v2_x1_0');
  const { skippable = [] } = viewOf('shufflenet_v2_x1_0');
  const [stage] = skippable;
  if (!stage) throw new Error('shufflenet has stages');
  const [first, second, third] = stage.blocks;
  if (!first || !second || !third) throw new Error('its first has three units');

  it('of neighbouring blocks is the same in one bypass or several, in any order', () => {
    const sizes = (recipe: Recipe) => build(model, recipe).files.map(({ bytes }) => bytes);
    const joined = sizes(bypass({ from: first.from, to: second.to }));
    expect(sizes(bypass({ from: first.from, to: first.to }, { from: second.from, to: second.to }))).toEqual(
      joined,
    );
    expect(sizes(bypass({ from: second.from, to: second.to }, { from: first.from, to: first.to }))).toEqual(
      joined,
    );
  });

  it('takes two dense layers of which one stands in for the other', async () => {
    const dense = sampleModel('zoo/densenet169');
    const { message, hint = '' } = refusal(dense, skip(2));
    expect(message).toContain('concatenate');
    // The refusal offers what is possible instead, ready to be used.
    const offered = JSON.parse(/\[.*\]/.exec(hint)?.[0] ?? '') as Bypass[];
    const variant = build(dense, bypass(...offered));
    expect(variant.macs).toBeLessThan(viewOf('densenet169').totals.macs);
    const values = await runVariant(variant, noise(variant.plan.input, 3));
    expect(floatsOf(values, variant.plan.output.name).every(Number.isFinite)).toBe(true);
  });

  it.each([
    [
      'more blocks than there are in a row',
      skip(8),
      'no-skippable-blocks',
      'at most 7 identical blocks in a row, wanted 8',
    ],
    [
      'an unknown value',
      bypass({ from: first.from, to: `${first.to}x` }),
      'bypass-unknown-value',
      'no value of this name',
    ],
    [
      'a value that comes later',
      bypass({ from: second.to, to: first.to }),
      'bypass-not-legal',
      'not computed from the first',
    ],
    [
      'another shape',
      bypass({ from: first.from, to: skippable[1]?.from ?? '' }),
      'bypass-not-legal',
      '[1, 116, 28, 28]',
    ],
    [
      'a cut in what is skipped',
      [...bypass({ from: first.from, to: second.to }), { op: 'partition', cut: first.to }] as Recipe,
      'cut-in-skipped-blocks',
      'blocks that are skipped',
    ],
  ])('refuses %s', (_, recipe, code, reason) => {
    expect(refusal(model, recipe)).toMatchObject({ code, message: expect.stringContaining(reason) });
  });

  it('refuses a weight as a value, and names the value before the blocks when a cut lies in them', () => {
    const weight = analyseModel(model).model.graph.initializers[0]?.name ?? '';
    expect(refusal(model, bypass({ from: weight, to: first.to })).message).toContain('it is a weight');
    const cut: Recipe = [{ op: 'partition', cut: first.to }, ...bypass({ from: first.from, to: second.to })];
    expect(refusal(model, cut).hint).toContain(first.from);
  });
});

describe('a bypassed value that is seen by its name', () => {
  const scale = floatTensor('scale', [1], Float32Array.of(2));
  const twice = (from: string, to: string) => makeNode('Mul', [from, 'scale'], [to]);
  const input = tensorInfo('x', [1, 4]);

  it('stays an output of the model', async () => {
    const model = modelOf({
      nodes: [twice('x', 'a'), twice('a', 'b'), twice('b', 'c')],
      inputs: [input],
      outputs: [tensorInfo('b', [1, 4]), tensorInfo('c', [1, 4])],
      initializers: [scale],
    });
    const { analysed } = skipBlocks(analyseModel(model), {
      op: 'early-exit',
      kind: 'skip',
      bypass: [{ from: 'a', to: 'b' }],
    });
    const outputs = await runModel(analysed.model, { x: feed([1, 4], (at) => at) });
    expect(Array.from(outputs.get('b')?.data ?? [])).toEqual([0, 2, 4, 6]);
    expect(Array.from(outputs.get('c')?.data ?? [])).toEqual([0, 4, 8, 12]);
  });

  it('stays visible to a subgraph', async () => {
    const branch = (name: string) => ({
      ...modelOf({
        nodes: [makeNode('Identity', ['b'], [name])],
        inputs: [],
        outputs: [tensorInfo(name, [1, 4])],
      }).graph,
    });
    const model = modelOf({
      nodes: [
        twice('x', 'a'),
        twice('a', 'b'),
        makeNode(
          'If',
          ['yes'],
          ['c'],
          [makeGraph('then_branch', branch('t')), makeGraph('else_branch', branch('e'))],
        ),
      ],
      inputs: [input],
      outputs: [tensorInfo('c', [1, 4])],
      initializers: [scale, bytesTensor('yes', [], DataType.bool, Uint8Array.of(1))],
    });
    const { analysed } = skipBlocks(analyseModel(model), {
      op: 'early-exit',
      kind: 'skip',
      bypass: [{ from: 'a', to: 'b' }],
    });
    expect(analysed.model.graph.nodes.filter(({ opType }) => opType === 'Mul')).toHaveLength(1);
    const outputs = await runModel(analysed.model, { x: feed([1, 4], (at) => at) });
    expect(Array.from(outputs.get('c')?.data ?? [])).toEqual([0, 2, 4, 6]);
  });
});
