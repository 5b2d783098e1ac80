import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import type { Model } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';
import { cutGraphOfView } from '../../src/transforms/cuts/cut-graph.ts';
import { crossingNames } from '../../src/transforms/cuts/frontier.ts';
import { randomFrontier } from '../unit/transforms/cuts/graphs.ts';
import { expectComposition, randomCuts } from '../unit/transforms/cuts/structure.ts';
import {
  build,
  cosine,
  fileBytes,
  floatsOf,
  noise,
  relativeDifference,
  runVariant,
} from '../unit/transforms/run-variant.ts';

const shared = new URL('../../../shared/', import.meta.url);
const modelsFolder = new URL('models/', shared);
const trained = existsSync(modelsFolder)
  ? readdirSync(modelsFolder).filter((name) => name.endsWith('.onnx'))
  : [];
const light = existsSync(new URL('light/', modelsFolder))
  ? readdirSync(new URL('light/', modelsFolder)).map((name) => `light/${name}`)
  : [];

const identity: Recipe = [{ op: 'identity' }];
const int8: Recipe = [{ op: 'quantize', mode: 'dynamic' }];
const prune = (ratio: number): Recipe => [{ op: 'prune', kind: 'unstructured', ratio }];

function open(name: string): Model {
  return parseModel(memorySource(readFileSync(new URL(name, modelsFolder))), name);
}

/** The legal frontiers at about a quarter, a half and three quarters of the work. */
function someCuts(model: Model): string[][] {
  const view = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
  const legal = view.frontiers.filter((frontier) => frontier.legal);
  return [0.25, 0.5, 0.75].flatMap((share) => {
    const cut = legal[Math.floor(share * legal.length)];
    return cut === undefined ? [] : [[...cut.crossing]];
  });
}

/** Frontiers with branches pulled at random, at about a third and two thirds of the nodes. */
function pulledCuts(model: Model): string[][] {
  const graph = cutGraphOfView(buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 }));
  const random = seededRandom(5);
  return [0.33, 0.66].map((share) => crossingNames(graph, randomFrontier(graph, share, random)));
}

describe.skipIf(trained.length === 0)('trained models', () => {
  it.each(trained)('%s: cut in two it computes the same', async (name) => {
    const model = open(name);
    const whole = build(model, identity);
    const input = noise(whole.plan.input, 11);
    const output = whole.plan.output.name;
    const wanted = floatsOf(await runVariant(whole, input), output);
    for (const cut of [...someCuts(model), ...pulledCuts(model)]) {
      const parts = build(model, [{ op: 'partition', cut }]);
      expect(relativeDifference(floatsOf(await runVariant(parts, input), output), wanted)).toBeLessThan(1e-5);
    }
  });

  it.each(trained)('%s: in int8 it stays close, and is a third of the size', async (name) => {
    const model = open(name);
    const whole = build(model, identity);
    const input = noise(whole.plan.input, 11);
    const output = whole.plan.output.name;
    const wanted = floatsOf(await runVariant(whole, input), output);
    const integer = build(model, int8);
    // Noise is no image, and a model of depthwise convolutions suffers most: 0.962 for MobileNetV2.
    expect(cosine(floatsOf(await runVariant(integer, input), output), wanted)).toBeGreaterThan(0.95);
    expect(integer.params).toBe(whole.params);
    if (whole.params > 100_000) {
      expect(integer.files[0]?.bytes).toBeLessThan(0.4 * (whole.files[0]?.bytes ?? 0));
    }
  });
});

/** Identical blocks in a row, as each network's authors describe it; `[]`: none. */
const repeatedBlocks: Readonly<Record<string, readonly number[]>> = {
  // Eight dilated ESP modules, the first of which takes what also waits for the end of the level.
  'camvid_espnet_p2q8.onnx': [7],
  'cifar10_resnet20.onnx': [3, 2, 2],
  'cifar10_resnet56.onnx': [9, 8, 8],
  'mlperftiny_pretrainedResnet_large_float.onnx': [],
  'mnist-8.onnx': [],
  'mobilenet_v2_1.0_224_quant_deq.onnx': [2, 3, 2, 2],
};

describe.skipIf(trained.length === 0)('blocks that trained models can do without', () => {
  it.each(trained)('%s: are those of its architecture, and without the last it still runs', async (name) => {
    const model = open(name);
    const { skippable = [] } = buildGraphView(model, { modelId: '', fileName: name, fileBytes: 0 });
    const repeated = skippable.map(({ blocks }) => blocks.length).filter((count) => count > 1);
    if (name in repeatedBlocks) expect(repeated).toEqual(repeatedBlocks[name]);
    if (repeated.length === 0) return;
    const [whole, skipping] = [
      build(model, identity),
      build(model, [{ op: 'early-exit', kind: 'skip', blocks: 1 }]),
    ];
    expect(skipping.macs).toBeLessThan(whole.macs);
    const output = whole.plan.output.name;
    const input = noise(whole.plan.input, 11);
    const found = floatsOf(await runVariant(skipping, input), output);
    expect(found.every(Number.isFinite)).toBe(true);
    expect(found).toHaveLength(floatsOf(await runVariant(whole, input), output).length);
  });
});

describe.skipIf(light.length === 0)('classic graphs of opset 9', () => {
  it.each(light)('%s: can be cut wherever the view says', (name) => {
    const model = open(name);
    for (const cut of [...someCuts(model), ...pulledCuts(model)]) {
      const parts = build(model, [{ op: 'partition', cut }]);
      expect(parts.cuts[0]?.crossing.map((value) => value.name).sort()).toEqual([...cut].sort());
    }
    for (const cut of randomCuts(model, 3)) expectComposition(model, cut);
  });
});

describe.skipIf(!existsSync(new URL('data/mnist/t10k-images-idx3-ubyte.gz', shared)))(
  'on 1,000 MNIST digits',
  () => {
    const read = (name: string): Buffer => gunzipSync(readFileSync(new URL(`data/mnist/${name}`, shared)));

    async function accuracyOf(recipe: Recipe): Promise<number> {
      const [images, labels] = [read('t10k-images-idx3-ubyte.gz'), read('t10k-labels-idx1-ubyte.gz')];
      const variant = build(open('mnist-8.onnx'), recipe);
      const session = await InferenceSession.create(fileBytes(variant.files[0]!), { intraOpNumThreads: 1 });
      let correct = 0;
      for (let at = 0; at < 1000; at++) {
        const pixels = Float32Array.from(images.subarray(16 + at * 784, 16 + (at + 1) * 784));
        const feeds = { [variant.plan.input.name]: new Tensor('float32', pixels, [1, 1, 28, 28]) };
        const scores = (await session.run(feeds))[variant.plan.output.name]?.data as Float32Array;
        if (scores.indexOf(Math.max(...scores)) === labels[8 + at]) correct++;
      }
      await session.release();
      return correct / 1000;
    }

    it('int8 and 50 % pruning lose less than a point, 97 % pruning loses much', async () => {
      const [float, integer, half, most] = [
        await accuracyOf(identity),
        await accuracyOf(int8),
        await accuracyOf(prune(0.5)),
        await accuracyOf(prune(0.97)),
      ];
      expect(float).toBeGreaterThan(0.98);
      expect(integer).toBeGreaterThan(float - 0.01);
      expect(half).toBeGreaterThan(float - 0.01);
      expect(most).toBeLessThan(float - 0.1);
    });
  },
);
