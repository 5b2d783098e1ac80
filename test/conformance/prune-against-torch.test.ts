import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeInts, makeNode } from '../../src/onnx/attributes.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import type { Model, Node, Tensor } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { floatTensor, tensorFloats } from '../../src/onnx/tensor.ts';
import { analyseModel } from '../../src/transforms/analyse-model.ts';
import { foldConstants } from '../../src/onnx/fold.ts';
import { pruneChannels } from '../../src/transforms/prune/channels/prune-channels.ts';
import type { StructuredPruneOperator } from '../../src/transforms/prune/prune-operator.ts';
import { applyRecipe } from '../../src/transforms/apply-recipe.ts';
import { NO_HEADS } from '../../src/transforms/exits/trained-head.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';
import { learnStatistics } from '../fixtures/prune/learn-statistics.ts';
import { feed, runModel } from '../fixtures/run-onnx.ts';
import { relativeDifference } from '../unit/transforms/run-variant.ts';

const file = new URL('../../../shared/models/cifar10_resnet56.onnx', import.meta.url);

/** Made by `test/fixtures/prune/make_torch_pruning_cifar.py`, which tells what is what. */
interface Golden {
  readonly cases: readonly {
    readonly part: 'inner' | 'all';
    readonly ratio: number;
    /** By the name of the layer, in hexadecimal digits, the first channel in the highest bit. */
    readonly stays: Readonly<Record<string, string>>;
    readonly logits: readonly number[];
    /** Of `inner`, recalibrated on 64 images of sines. */
    readonly logitsRecalibrated?: readonly number[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/prune/golden/cifar-resnet56.json', import.meta.url), 'utf8'),
) as Golden;

/** Each shortcut that leaves out pixels and pads channels, as a layer of ones and zeros that does the same. */
function withLayersForPaddings(model: Model): Model {
  const { graph } = foldConstants(model).model;
  const madeBy = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name as string, node])));
  const initializers: Tensor[] = [...graph.initializers];
  const nodes = graph.nodes.map((node): Node => {
    if (node.opType !== 'Pad') return node;
    let source = node;
    while (/^(Pad|Slice)$/.test(source.opType)) source = madeBy.get(source.inputs[0] ?? '') as Node;
    const inputs = initializers.filter(({ name }) => name.startsWith('shortcut')).length === 0 ? 16 : 32;
    const weights = new Float32Array(2 * inputs * inputs);
    for (let channel = 0; channel < inputs; channel++) weights[(channel + inputs / 2) * inputs + channel] = 1;
    const name = `shortcut_${inputs}`;
    initializers.push(floatTensor(name, [2 * inputs, inputs, 1, 1], weights));
    return makeNode('Conv', [source.outputs[0] ?? '', name], node.outputs, [makeInts('strides', [2, 2])], {
      name,
    });
  });
  return { ...model, graph: { ...graph, nodes, initializers } };
}

async function scoresOf(model: Model): Promise<Float32Array> {
  const outputs = await runModel(model, { input: feed([1, 3, 32, 32]) });
  return outputs.get('logits')?.data as Float32Array;
}

describe.skipIf(!existsSync(file))('a trained ResNet-56 without channels', () => {
  it.each(golden.cases)(
    '$part, $ratio: Torch-Pruning removes the same',
    async ({ part, ratio, stays, logits }) => {
      const model = parseModel(memorySource(readFileSync(file)));
      const original = analyseModel(part === 'all' ? withLayersForPaddings(model) : model);
      const operator: StructuredPruneOperator = {
        op: 'prune',
        kind: 'structured',
        ...(part === 'all' ? { ratio } : { ratio: 0, groups: [{ at: '/layer*conv1/Conv', ratio }] }),
      };
      const { analysed } = pruneChannels(original, operator, 'build');
      // Biases tell which channels are left, as no two of a layer are equal.
      const biasOf = ({ index }: typeof original, node: Node): number[] => [
        ...tensorFloats(index.initializers.get(node.inputs[2] ?? '') as Tensor),
      ];
      const found: Record<string, string> = {};
      original.model.graph.nodes.forEach((node, at) => {
        if (node.opType !== 'Conv' || !(node.name in stays)) return;
        const left = new Set(biasOf(analysed, analysed.model.graph.nodes[at] as Node));
        const before = biasOf(original, node);
        expect(new Set(before).size).toBe(before.length);
        const bits = before.map((bias) => (left.has(bias) ? '1' : '0')).join('');
        found[node.name] = BigInt(`0b${bits}`)
          .toString(16)
          .padStart(before.length / 4, '0');
      });
      expect(found).toEqual(stays);
      const scores = await scoresOf(analysed.model);
      expect(relativeDifference(scores, Float32Array.from(logits))).toBeLessThan(1e-3);
    },
  );

  it.each(golden.cases.filter(({ logitsRecalibrated }) => logitsRecalibrated))(
    '$part, $ratio: batch normalizations in PyTorch learn the same from images',
    async ({ ratio, logitsRecalibrated = [] }) => {
      const model = parseModel(memorySource(readFileSync(file)));
      const recipe: Recipe = [
        {
          op: 'prune',
          kind: 'structured',
          ratio: 0,
          groups: [{ at: '/layer*conv1/Conv', ratio }],
          recalibrate: ['batch-norm'],
        },
      ];
      const images = Array.from({ length: 64 }, (_, number) =>
        feed([1, 3, 32, 32], (at) => Math.sin(at * (1 + number / 7))),
      );
      const statistics = await learnStatistics(model, recipe, images);
      const { analysed } = applyRecipe(analyseModel(model), recipe, 'build', NO_HEADS, statistics);
      const scores = await scoresOf(analysed.model);
      expect(relativeDifference(scores, Float32Array.from(logitsRecalibrated))).toBeLessThan(0.01);
    },
  );
});
