import { describe, expect, it } from 'vitest';
import { makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../../../src/onnx/make-model.ts';
import type { Model, Node } from '../../../../src/onnx/model.ts';
import { floatTensor, int64Tensor, tensorFloats as floatsOf } from '../../../../src/onnx/tensor.ts';
import { parseStatistics, serialiseStatistics } from '../../../../src/study/statistics-json.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { applyRecipe } from '../../../../src/transforms/apply-recipe.ts';
import { NO_HEADS } from '../../../../src/transforms/exits/trained-head.ts';
import type { StructuredPruneOperator } from '../../../../src/transforms/prune/prune-operator.ts';
import {
  NO_STATISTICS,
  type Statistics,
} from '../../../../src/transforms/prune/statistics/channel-statistics.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { feed, runModel } from '../../../fixtures/run-onnx.ts';
import { learnStatistics } from '../../../fixtures/prune/learn-statistics.ts';

const wave = (name: string, dims: readonly number[], phase: number) =>
  floatTensor(
    name,
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => Math.sin(7 * at + phase)),
  );
const positive = (name: string, count: number) =>
  floatTensor(
    name,
    [count],
    Float32Array.from({ length: count }, (_, at) => 1 + at / 3),
  );
const pads = makeInts('pads', [1, 1, 1, 1]);

/** Conv, ReLU, depthwise Conv (with BN or without), Conv, mean, MatMul and Add, Gemm; [1, 2, 5, 5] to [1, 3]. */
function network(withNorm: boolean): Model {
  const normalized: Node[] = withNorm
    ? [makeNode('BatchNormalization', ['d0', 'scale', 'shift', 'mean', 'var'], ['d'])]
    : [makeNode('Identity', ['d0'], ['d'])];
  return makeModel({
    name: 'network',
    nodes: [
      makeNode('Conv', ['x', 'w', 'b'], ['a'], [pads]),
      makeNode('Relu', ['a'], ['r']),
      makeNode('Conv', ['r', 'dw'], ['d0'], [pads, makeInt('group', 6)]),
      ...normalized,
      makeNode('Conv', ['d', 'v', 'c'], ['e']),
      makeNode('GlobalAveragePool', ['e'], ['g']),
      makeNode('Reshape', ['g', 'flat'], ['f']),
      makeNode('MatMul', ['f', 'm'], ['m0']),
      makeNode('Add', ['m0', 'mb'], ['h']),
      makeNode('Relu', ['h'], ['k']),
      makeNode('Gemm', ['k', 'q'], ['y']),
    ],
    initializers: [
      wave('w', [6, 2, 3, 3], 1),
      wave('b', [6], 2),
      wave('dw', [6, 1, 3, 3], 3),
      ...(withNorm
        ? [wave('scale', [6], 4), wave('shift', [6], 5), wave('mean', [6], 6), positive('var', 6)]
        : []),
      wave('v', [8, 6, 1, 1], 7),
      wave('c', [8], 8),
      int64Tensor('flat', [2], [1, 8]),
      wave('m', [8, 6], 9),
      wave('mb', [6], 10),
      wave('q', [6, 3], 11),
    ],
    inputs: [tensorInfo('x', [1, 2, 5, 5])],
    outputs: [tensorInfo('y', [1, 3])],
  });
}

const images = Array.from({ length: 12 }, (_, image) =>
  feed([1, 2, 5, 5], (at) => Math.sin(at * (1 + image / 5))),
);

const pruning = (more: Partial<StructuredPruneOperator> = {}): StructuredPruneOperator => ({
  op: 'prune',
  kind: 'structured',
  ratio: 0.5,
  ...more,
});

/** Mean and variance of each channel of a value over the images. */
async function momentsOf(model: Model, value: string): Promise<{ means: number[]; variances: number[] }> {
  const shown = { ...model, graph: { ...model.graph, outputs: [tensorInfo(value, null)] } };
  const seen: number[][] = [];
  for (const x of images) {
    const output = (await runModel(shown, { x })).get(value);
    const [, channels = 1] = output?.dims ?? [];
    const data = Array.from((output?.data ?? []) as ArrayLike<number>);
    data.forEach((each, at) => (seen[Math.floor((at * channels) / data.length)] ??= []).push(each));
  }
  const mean = (all: readonly number[]): number => all.reduce((sum, each) => sum + each, 0) / all.length;
  const means = seen.map(mean);
  return { means, variances: seen.map((all, at) => mean(all.map((each) => (each - (means[at] ?? 0)) ** 2))) };
}

function built(model: Model, operator: StructuredPruneOperator, statistics: Statistics, before: Recipe = []) {
  return applyRecipe(analyseModel(model), [...before, operator], 'build', NO_HEADS, statistics);
}

/** The channels that the layer making a value kept, told by their biases or first weights. */
function channelsKept(before: Model, after: Model, value: string): number[] {
  const firsts = ({ graph }: Model): number[] => {
    const { inputs = [] } = graph.nodes.find(({ outputs }) => outputs.some((each) => each === value)) ?? {};
    const name = inputs[2] ?? inputs[1];
    const weight = graph.initializers.find((tensor) => tensor.name === name);
    if (weight === undefined) return [];
    const values = floatsOf(weight);
    const size = values.length / (weight.dims[0] ?? 1);
    return Array.from({ length: weight.dims[0] ?? 0 }, (_, at) => values[at * size] as number);
  };
  const all = firsts(before);
  return firsts(after).map((first) => all.indexOf(first));
}

/** Expects that numbers differ by a thousandth of their size at most. */
function expectClose(found: readonly number[], wanted: readonly number[]): void {
  const size = Math.max(...wanted.map(Math.abs));
  found.forEach((each, at) => expect(Math.abs(each - (wanted[at] ?? NaN)) / size).toBeLessThan(2e-3));
}

describe('recalibrated channels', () => {
  it.each([
    ['alone', []],
    ['after weights became zero', [{ op: 'prune', kind: 'unstructured', ratio: 0.3 }]],
  ] satisfies [string, Recipe][])(
    'have the means and variances of the unpruned model, layer by layer: %s',
    async (_, first) => {
      const model = network(false);
      const operator = pruning({ recalibrate: ['batch-norm', 'bias'], protect: ['*MatMul*'] });
      const statistics = await learnStatistics(model, [...first, operator], images);
      const { analysed } = built(model, operator, statistics, first);
      const plain = built(model, pruning({ protect: ['*MatMul*'] }), NO_STATISTICS, first).analysed;
      const kept = (value: string): number[] => channelsKept(model, plain.model, value);
      for (const value of ['a', 'd0', 'e']) {
        const [before, after] = [await momentsOf(model, value), await momentsOf(analysed.model, value)];
        // Biases tell which are left; a depthwise layer has those of the layer before.
        const left = kept(value === 'd0' ? 'a' : value);
        expect(left.length).toBe(after.means.length);
        expectClose(
          after.means,
          left.map((at) => before.means[at] as number),
        );
        expectClose(
          after.variances,
          left.map((at) => before.variances[at] as number),
        );
      }
      const [before, after] = [await momentsOf(model, 'y'), await momentsOf(analysed.model, 'y')];
      expectClose(after.means, before.means);
    },
  );

  it('give batch normalizations the statistics of what they read', async () => {
    const model = network(true);
    const operator = pruning({ recalibrate: ['batch-norm'] });
    const statistics = await learnStatistics(model, [operator], images);
    const { analysed, notes } = built(model, operator, statistics);
    const { means, variances } = await momentsOf(analysed.model, 'd0');
    const node = analysed.model.graph.nodes.find(({ opType }) => opType === 'BatchNormalization');
    const floats = (at: number) => {
      const data = analysed.index.initializers.get(node?.inputs[at] ?? '');
      return data === undefined ? [] : [...floatsOf(data)];
    };
    expectClose(floats(3), means);
    expectClose(floats(4), variances);
    expect(notes.at(-1)).toMatch(/^prune: recalibrated 3 layers on 12 images, 0\.0 s\.$/);
  });

  it('are what they were if nothing was removed', async () => {
    const model = network(false);
    const operator = pruning({ ratio: 0, recalibrate: ['bias'] });
    const statistics = await learnStatistics(model, [operator], images);
    const x = images[3] as (typeof images)[number];
    const scores = async (each: Model) =>
      Array.from(((await runModel(each, { x })).get('y')?.data ?? []) as ArrayLike<number>);
    expectClose(await scores(built(model, operator, statistics).analysed.model), await scores(model));
  });

  it('need statistics, and a model that can run several images', async () => {
    const model = network(false);
    expect(() => built(model, pruning({ recalibrate: ['bias'] }), NO_STATISTICS)).toThrow(/no statistics/);
    expect(() => built(model, pruning({ importance: 'wanda' }), NO_STATISTICS)).toThrow(/"wanda"/);
    const turned: Model = {
      ...model,
      graph: {
        ...model.graph,
        nodes: model.graph.nodes.flatMap((node) =>
          node.outputs[0] === 'r'
            ? [
                makeNode('Relu', ['a'], ['r0']),
                makeNode('Transpose', ['r0'], ['r1'], [makeInts('perm', [1, 0, 2, 3])]),
                makeNode('Transpose', ['r1'], ['r'], [makeInts('perm', [1, 0, 2, 3])]),
              ]
            : [node],
        ),
      },
    };
    await expect(learnStatistics(turned, [pruning({ recalibrate: ['bias'] })], images)).rejects.toThrow(
      /several images at once/,
    );
  });
});

describe('what channels hold', () => {
  it.each(['activation', 'wanda'] as const)(
    '%s: the channels that readers see least of go',
    async (importance) => {
      // The first layer passes each channel on, by 1, 4, 2 and 3.
      const model = makeModel({
        name: 'scales',
        nodes: [
          makeNode('Conv', ['x', 'w'], ['a']),
          makeNode('Relu', ['a'], ['r']),
          makeNode('Conv', ['r', 'v'], ['y']),
        ],
        initializers: [
          floatTensor('w', [4, 2, 1, 1], Float32Array.of(1, 0, 4, 0, 2, 0, 3, 0)),
          // By weights and activations: 5, 4, 2 and 9.
          floatTensor('v', [2, 4, 1, 1], Float32Array.of(5, 1, 0.5, 3, 0, 0, 0.5, 0)),
        ],
        inputs: [tensorInfo('x', [1, 2, 5, 5])],
        outputs: [tensorInfo('y', [1, 2, 5, 5])],
      });
      const operator = pruning({ importance });
      const statistics = await learnStatistics(model, [operator], images);
      const { analysed } = built(model, operator, statistics);
      const left = analysed.index.initializers.get('w');
      const scales = left === undefined ? [] : [...floatsOf(left)].filter((each) => each > 0);
      expect(scales).toEqual(importance === 'activation' ? [4, 3] : [1, 3]);
    },
  );

  it('is written and read again, and what is no statistics is refused', async () => {
    const statistics = await learnStatistics(network(true), [pruning({ importance: 'wanda' })], images);
    const all = [...statistics.values()];
    expect(parseStatistics(serialiseStatistics(all))).toEqual(all);
    expect(() => parseStatistics('{}')).toThrow(/format/);
    expect(() =>
      parseStatistics(serialiseStatistics(all).replace('"magnitude":[', '"magnitude":[1,')),
    ).toThrow(/as many numbers/);
  });

  it('that is not finite ranks channels by their weights', async () => {
    const model = network(false);
    const broken = [...images, feed([1, 2, 5, 5], () => Number.NaN)];
    const operator = pruning({ importance: 'activation' });
    const statistics = await learnStatistics(model, [operator], broken);
    expect([...statistics.values()][0]?.notFinite).toContain('a');
    const { notes } = built(model, operator, statistics);
    expect(notes.join(' ')).toMatch(/ranked by "l1": "activation" says nothing/);
  });
});
