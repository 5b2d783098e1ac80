import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { makeInt, makeInts, makeNode, makeString } from '../../../../src/onnx/attributes.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { inferFacts } from '../../../../src/onnx/shape-inference.ts';
import type { Model, Node, Tensor as OnnxTensor } from '../../../../src/onnx/model.ts';
import { elementCount, floatTensor, int64Tensor } from '../../../../src/onnx/tensor.ts';
import { type AnalysedModel, analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { skipBlocks } from '../../../../src/transforms/exits/skip-blocks.ts';
import type { ChannelGroups } from '../../../../src/transforms/prune/channels/channel-group.ts';
import { channelGroups } from '../../../../src/transforms/prune/channels/channel-groups.ts';
import { keepOfEachAxis } from '../../../../src/transforms/prune/channels/choose-units.ts';
import { removeChannels } from '../../../../src/transforms/prune/channels/remove-channels.ts';
import { type GatedModel, gatedModel } from '../../../../src/transforms/prune/gated-model.ts';
import { cifarResNet } from '../../../bench/cifar-resnet.ts';
import { randomNetwork } from '../../../fixtures/prune/random-network.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { relativeDifference } from '../run-variant.ts';

/** Some units out, but of groups that are kept none, and something in on each axis. */
function someOut({ groups, places, unitCount }: ChannelGroups, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const kept = Uint8Array.from({ length: unitCount }, () => (random() < 0.5 ? 1 : 0));
  for (const { firstUnit, unitCount: count, kept: reason } of groups)
    if (reason !== null) kept.fill(1, firstUnit, firstUnit + count);
  keepOfEachAxis(places, new Float64Array(unitCount), kept);
  return kept;
}

const gatesOf = ({ gates }: GatedModel, open: ArrayLike<number>) => ({
  [gates]: new Tensor('float32', Float32Array.from(open), [open.length]),
});

async function scoresOf(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<Float32Array> {
  const outputs = await runModel(model, feeds);
  return outputs.get(model.graph.outputs[0]?.name ?? '')?.data as Float32Array;
}

async function expectAsRemoved(analysed: AnalysedModel, image: Record<string, Tensor>, seed: number) {
  const channels = channelGroups(analysed);
  const gated = gatedModel(analysed, { channels });
  expect(gated.gateCount).toBe(channels.unitCount);
  expect(inferFacts(gated.model).warnings).toEqual([]);
  const open = someOut(channels, seed);
  expect(open).toContain(0);
  const whole = await scoresOf(analysed.model, image);
  const allIn = await scoresOf(gated.model, {
    ...image,
    ...gatesOf(
      gated,
      open.map(() => 1),
    ),
  });
  expect(relativeDifference(allIn, whole)).toBeLessThan(1e-6);
  const removed = await scoresOf(removeChannels(analysed, channels, open).model, image);
  const out = await scoresOf(gated.model, { ...image, ...gatesOf(gated, open) });
  expect(relativeDifference(out, removed)).toBeLessThan(1e-4);
  expect(relativeDifference(out, whole)).toBeGreaterThan(1e-3);
}

describe('a model with gates for channels', () => {
  it.each([31, 32, 33, 34, 35, 36, 37, 38])(
    'random network %i: with all in it is the model, without some it is the pruned model',
    async (seed) => {
      const image = { image: feed([1, 3, 4, 4], (at) => Math.sin(at)) };
      await expectAsRemoved(analyseModel(randomNetwork(seed, 25, 'all')), image, seed);
    },
  );

  const waves = (name: string, ...dims: number[]): OnnxTensor =>
    floatTensor(
      name,
      dims,
      Float32Array.from({ length: elementCount(dims) }, (_, at) => Math.sin(3 * at + name.length)),
    );
  const ints = (name: string, ...values: number[]): OnnxTensor => int64Tensor(name, [values.length], values);
  const along = (axis: number) => makeInt('axis', axis);
  const reduced = (opType: string): Node[] => [
    makeNode(opType, ['h'], ['m'], [makeInts('axes', [1]), makeInt('keepdims', 1)]),
    makeNode('Sub', ['h', 'm'], ['z']),
  ];
  // From eight channels `h` to eight channels `z`.
  const cases: Readonly<
    Record<string, readonly [opset: number, nodes: readonly Node[], weights: readonly OnnxTensor[]]>
  > = {
    'a mean, with axes as an attribute': [13, reduced('ReduceMean'), []],
    'a maximum': [13, reduced('ReduceMax'), []],
    'a minimum': [13, reduced('ReduceMin'), []],
    'a logarithm of sums': [13, reduced('ReduceLogSumExp'), []],
    'a length': [13, reduced('ReduceL2'), []],
    'a normalisation of groups': [
      21,
      [makeNode('GroupNormalization', ['h', 'scale', 'shift'], ['z'], [makeInt('num_groups', 2)])],
      [waves('scale', 8), waves('shift', 8)],
    ],
    'a normalisation of groups as PyTorch writes it': [
      17,
      [
        makeNode('Reshape', ['h', 'halves'], ['a']),
        makeNode('InstanceNormalization', ['a', 'scale', 'shift'], ['b']),
        makeNode('Reshape', ['b', 'image'], ['z']),
      ],
      [waves('scale', 2), waves('shift', 2), ints('halves', 0, 2, -1), ints('image', 1, 8, 4, 4)],
    ],
    'root mean squares': [
      17,
      [
        makeNode('Transpose', ['h'], ['turned'], [makeInts('perm', [0, 2, 3, 1])]),
        makeNode('SimplifiedLayerNormalization', ['turned', 'scale'], ['n'], [along(-1)]),
        makeNode('Transpose', ['n'], ['z'], [makeInts('perm', [0, 3, 1, 2])]),
      ],
      [waves('scale', 8)],
    ],
    'a normalisation over channels and places': [
      17,
      [makeNode('LayerNormalization', ['h', 'scale', 'shift'], ['z'], [along(1)])],
      [waves('scale', 8, 4, 4), waves('shift', 8, 4, 4)],
    ],
    'a layer written as a sum over letters': [
      17,
      [makeNode('Einsum', ['w', 'h'], ['z'], [makeString('equation', 'oc,nc...->no...')])],
      [waves('w', 8, 8)],
    ],
    'a layer that is multiplied from the left': [
      17,
      [
        makeNode('Reshape', ['h', 'columns'], ['a']),
        makeNode('MatMul', ['w', 'a'], ['b']),
        makeNode('Reshape', ['b', 'image'], ['z']),
      ],
      [waves('w', 8, 8), ints('columns', 1, 8, 16), ints('image', 1, 8, 4, 4)],
    ],
  };
  it.each(Object.entries(cases))('through %s', async (_, [opset, nodes, weights]) => {
    const model = modelOf({
      opset,
      nodes: [
        makeNode('Conv', ['x', 'first', 'bias'], ['h']),
        ...nodes,
        makeNode('Conv', ['z', 'last'], ['y']),
      ],
      initializers: [waves('first', 8, 3, 1, 1), waves('bias', 8), waves('last', 5, 8, 1, 1), ...weights],
      inputs: [tensorInfo('x', [1, 3, 4, 4])],
      outputs: [tensorInfo('y', null)],
    });
    await expectAsRemoved(analyseModel(model), { x: feed([1, 3, 4, 4]) }, 1);
  });
});

describe('a model with gates for blocks', () => {
  const analysed = analyseModel(parseModel(memorySource(cifarResNet())));
  const blocks = analysed.skippable.flatMap((run) => run.blocks.map(({ from, to }) => ({ from, to })));
  const gated = gatedModel(analysed, { blocks, channels: channelGroups(analysed) });
  const image = { [analysed.inputs[0]!]: feed([1, 3, 32, 32]) };
  const withOut = async (out: readonly number[]): Promise<Float32Array> => {
    const open = Float32Array.from({ length: gated.gateCount }, (_, at) =>
      out.includes(at - gated.firstBlock) ? 0 : 1,
    );
    return scoresOf(gated.model, { ...image, ...gatesOf(gated, open) });
  };

  it('is the model while all are in, and skips those that are out, neighbours too', async () => {
    expect(blocks.length).toBeGreaterThan(3);
    const whole = await scoresOf(analysed.model, image);
    expect(await withOut([])).toEqual(whole);
    for (const out of [[1], [0, 1], [0, blocks.length - 1]]) {
      const bypass = out.map((at) => blocks[at]!);
      const skipped = skipBlocks(analysed, { op: 'early-exit', kind: 'skip', bypass });
      const scores = await withOut(out);
      expect(relativeDifference(scores, await scoresOf(skipped.analysed.model, image))).toBeLessThan(1e-6);
      expect(relativeDifference(scores, whole)).toBeGreaterThan(1e-3);
    }
  });
});
