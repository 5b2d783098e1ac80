import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import { analyseModel, type AnalysedModel } from '../../src/transforms/analyse-model.ts';
import type { ChannelGroup } from '../../src/transforms/prune/channels/channel-group.ts';
import { channelGroups } from '../../src/transforms/prune/channels/channel-groups.ts';

const zoo = fileURLToPath(new URL('../../../shared/models/zoo/', import.meta.url));
const missing = !existsSync(zoo);

/** Layers by their number in order of work. */
interface GoldenGroup {
  readonly out: readonly number[];
  readonly in: readonly number[];
}

interface Golden {
  readonly networks: Readonly<
    Record<string, { readonly layers: readonly string[]; readonly groups: readonly GoldenGroup[] }>
  >;
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/prune/golden/torch-pruning-groups.json', import.meta.url), 'utf8'),
) as Golden;

function open(file: string): AnalysedModel {
  return analyseModel(openModelArgument(`${zoo}${file}.onnx`).model);
}

/** Convolutions and matrix products with a weight, as their positions in the graph. */
function layersOf({ model, index }: AnalysedModel): number[] {
  const isLayer = new Set(['Conv', 'Gemm', 'MatMul']);
  return index.order.filter((position) => {
    const node = model.graph.nodes[position];
    return (
      node !== undefined && isLayer.has(node.opType) && node.inputs.some((name) => index.isConstant(name))
    );
  });
}

/** Which layers' outputs and inputs a group holds; a depthwise filter counts as output, as Torch-Pruning has it. */
function tiedLayers(group: ChannelGroup, layers: readonly number[]): GoldenGroup {
  const sides = { out: new Set<number>(), in: new Set<number>() };
  for (const { kind, role, node } of group.places) {
    const layer = layers.indexOf(node);
    if (kind === 'weight' && layer >= 0) sides[role === 'reads' ? 'in' : 'out'].add(layer);
  }
  const sorted = (side: ReadonlySet<number>) => [...side].toSorted((a, b) => a - b);
  return { out: sorted(sides.out), in: sorted(sides.in) };
}

function groupsOf(file: string): GoldenGroup[] {
  const analysed = open(file);
  const layers = layersOf(analysed);
  expect(layers).toHaveLength(golden.networks[file]?.layers.length ?? -1);
  return inOrder(channelGroups(analysed).groups.map((group) => tiedLayers(group, layers)));
}

function inOrder(groups: readonly GoldenGroup[]): GoldenGroup[] {
  return groups.toSorted((a, b) => (a.out[0] ?? -1) - (b.out[0] ?? -1));
}

/** Groups that share a layer's outputs, as one. */
function unitedBy(
  groups: readonly GoldenGroup[],
  pairs: readonly (readonly [number, number])[],
): GoldenGroup[] {
  let united = [...groups];
  for (const [a, b] of pairs) {
    const joined = united.filter((group) => group.out.includes(a) || group.out.includes(b));
    if (joined.length < 2) continue;
    const all = (side: 'out' | 'in') =>
      [...new Set(joined.flatMap((group) => group[side]))].toSorted((x, y) => x - y);
    united = [...united.filter((group) => !joined.includes(group)), { out: all('out'), in: all('in') }];
  }
  return inOrder(united);
}

describe.skipIf(missing)('groups of channels agree with those of Torch-Pruning 1.6.1', () => {
  test.each([
    'resnet152',
    'wide_resnet101_2',
    'densenet201',
    'mobilenet_v2',
    'mobilenet_v3_large',
    'mobilenet_v3_small',
    'efficientnet_b2',
    'convnext_small',
  ])('%s: as many, and each ties the same layers', (file) => {
    expect(groupsOf(file)).toEqual(inOrder(golden.networks[file]?.groups ?? []));
  });

  test('resnext101_64x4d: a grouped convolution loses whole groups, so its inputs and outputs are one', () => {
    // Torch-Pruning keeps the number of groups and thins each of the 64, independently on both sides.
    const { layers = [], groups = [] } = golden.networks.resnext101_64x4d ?? {};
    const pairs = [...layers.entries()].flatMap(([layer, name]) =>
      name.endsWith('conv2') ? [[layer - 1, layer] as const] : [],
    );
    const expected = unitedBy(groups, pairs).map((group) => ({
      ...group,
      in: group.in.filter((layer) => !(layers[layer] ?? '').endsWith('conv2')),
    }));
    expect(groups.length - expected.length).toBe(33);
    expect(groupsOf('resnext101_64x4d')).toEqual(expected);
  });

  test('shufflenet_v2_x1_0: what a shuffle interleaves is one', () => {
    // Torch-Pruning divides by zero on the shuffle. Given to it as one operator, it takes the shuffle for the identity
    // and splits what a stage hands on into up to six groups, none of which holds all its readers. Inside of the
    // blocks both agree.
    const { layers = [], groups = [] } = golden.networks.shufflenet_v2_x1_0 ?? {};
    const layersLike = (pattern: RegExp): number[] =>
      [...layers.keys()].filter((layer) => pattern.test(layers[layer] ?? ''));
    const stages = [2, 3, 4].map((stage) => ({
      // The first layer of a downsampling branch is depthwise: it carries channels on.
      out: layersLike(new RegExp(`^stage${stage}.*(branch1.2|branch2.5)$|^stage${stage + 1}.0.branch1.0$`)),
      in: layersLike(
        new RegExp(
          `^stage${stage}.[1-9].branch2.0$|^stage${stage + 1}.0.branch(1.2|2.0)$${stage === 4 ? '|^conv5' : ''}`,
        ),
      ),
    }));
    const inside = groups.filter(
      ({ out }) => !stages.some((stage) => stage.out.some((layer) => out.includes(layer))),
    );
    expect(inside).toHaveLength(19);
    expect(groupsOf('shufflenet_v2_x1_0')).toEqual(inOrder([...inside, ...stages]));
  });
});

describe.skipIf(missing)('groups of whole networks', () => {
  test('vit_b_16: the residual stream, heads and hidden features of each block, and the classes', () => {
    const { groups } = channelGroups(open('vit_b_16'));
    expect(groups.map(({ unitCount }) => unitCount)).toEqual([
      768,
      ...Array.from({ length: 12 }, () => [12, 3072]).flat(),
      1000,
    ]);
    expect(groups.filter(({ kept }) => kept).map(({ unitCount }) => unitCount)).toEqual([1000]);
  });

  test.each(['fcn_resnet101', 'resnet101_duc_hdc', 'deeplabv3_mobilenet_v3_large'])(
    '%s: only the classes must stay',
    (file) => {
      const kept = channelGroups(open(file)).groups.filter((group) => group.kept);
      expect(kept).toHaveLength(1);
      expect(kept[0]?.kept?.code).toMatch(/^channels-kept-(output|shares)$/);
    },
  );
});
