import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { countedDims, countedKey, dimsAtSize, isCountedAt } from '../../../src/onnx/counted-size.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { type Model, valueName } from '../../../src/onnx/model.ts';
import { buildVariant, checkRecipe } from '../../../src/transforms/build-variant.ts';
import { cutGraphOfView } from '../../../src/transforms/cuts/cut-graph.ts';
import { crossingNames } from '../../../src/transforms/cuts/frontier.ts';
import { placeCuts } from '../../../src/transforms/cuts/placed-cut.ts';
import type { PartitionOperator, Recipe } from '../../../src/transforms/recipe.ts';
import { withOpenSize } from '../../fixtures/open-models.ts';
import { randomFrontier } from './cuts/graphs.ts';
import { build, floatsOf, noise, relativeDifference, runVariant, sampleModel } from './run-variant.ts';

const automatic = ['equal-size', 'fewest-bytes', 'fastest'] as const;

function viewAt(model: Model, size: { height?: number; width?: number } = {}): GraphView {
  return buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 }, dimsAtSize(size));
}

const crossingOf = (view: GraphView, partition: PartitionOperator) =>
  placeCuts(view, partition, {}).cuts.map(({ crossing }) => crossing);

describe.each([
  ['digits', 32],
  ['zoo/mobilenet_v3_small', 224],
] as const)('%s with its size left open', (name, side) => {
  const fixed = sampleModel(name);
  const model = withOpenSize(fixed);
  const size = { height: side, width: side };
  const view = viewAt(model, size);
  const original = viewAt(fixed);

  test('counts at a size what the model of that size counts', () => {
    expect(view.totals).toEqual(original.totals);
    expect(view.frontiers).toEqual(original.frontiers);
    expect(view.exits).toEqual(original.exits);
    expect(view.skippable).toEqual(original.skippable);
    expect(view.blocks).toEqual(original.blocks);
    for (const [value, { shape, counted, bytes }] of view.values) {
      expect([value, counted ?? shape, bytes]).toEqual([
        value,
        original.values.get(value)?.shape,
        original.values.get(value)?.bytes,
      ]);
    }
    for (const cut of automatic) {
      const partition = { op: 'partition', cut } as const;
      expect(crossingOf(view, partition)).toEqual(crossingOf(original, partition));
    }
  });

  test('has its automatic cuts where the page shows them, at any size', () => {
    for (const other of [
      { height: 64, width: 96 },
      { height: 448, width: 320 },
    ]) {
      const shown = viewAt(model, other);
      for (const cut of automatic) {
        const partition: PartitionOperator = { op: 'partition', cut, bandwidthMbps: 20, rttMs: 1 };
        const recipe: Recipe = [partition];
        checkRecipe(model, recipe, undefined, other);
        const { cuts, macs } = buildVariant(model, recipe, { baseName: 'm', now: () => 0, size: other });
        expect([cuts[0]?.crossing.map((value) => value.name)]).toEqual(crossingOf(shown, partition));
        expect(cuts[0]?.crossing.map(({ bytes }) => bytes)).toEqual(
          cuts[0]?.crossing.map((value) => shown.values.get(value.name)?.bytes),
        );
        expect(macs).toBe(shown.totals.macs);
      }
    }
  });

  test('cut anywhere computes the same at several sizes, from the same files', async () => {
    const graph = cutGraphOfView(view);
    const whole = build(model, [{ op: 'identity' }]);
    const output = whole.plan.output.name;
    const random = seededRandom(5);
    const frontiers = [0.3, 0.7].map((share) => crossingNames(graph, randomFrontier(graph, share, random)));
    const skipping: Recipe = [{ op: 'early-exit', kind: 'skip', blocks: 1 }];
    const variants = frontiers.map((cut) => build(model, [{ op: 'partition', cut }]));
    for (const { plan } of variants) {
      const [input] = plan.segments[0]?.inputs ?? [];
      expect(input?.shape).toEqual(['N', 3, 'height', 'width']);
    }
    for (const dims of [
      [1, 3, 32, 32],
      [1, 3, 64, 96],
    ]) {
      const input = noise({ ...whole.plan.input, shape: dims }, 9);
      const wanted = floatsOf(await runVariant(whole, input), output);
      for (const variant of variants) {
        expect(relativeDifference(floatsOf(await runVariant(variant, input), output), wanted)).toBeLessThan(
          1e-5,
        );
      }
      if ((view.skippable ?? []).length === 0) continue;
      const shorter = await runVariant(build(model, skipping), input);
      expect(floatsOf(shorter, output)).toHaveLength(wanted.length);
    }
  });
});

test('what is open takes the size asked for, the batch one, and what is fixed stays', () => {
  const size = { height: 40, width: 60, length: 7 };
  expect(countedDims(['N', 3, 'h', 'w'], size)).toEqual([1, 3, 40, 60]);
  expect(countedDims([null, null, null, null], size)).toEqual([1, 3, 40, 60]);
  expect(countedDims([1, 'h', 'w', 3], size)).toEqual([1, 40, 60, 3]);
  expect(countedDims([3, 'h', 'w'], size)).toEqual([3, 40, 60]);
  expect(countedDims([2, 1, 'h', 28], size)).toEqual([2, 1, 40, 28]);
  expect(countedDims(null, size)).toEqual([1, 3, 40, 60]);
  expect(countedDims(['N', 'tokens', 768], size)).toEqual([1, 7, 768]);
  expect(countedDims([1, 'tokens', 768], size)).toEqual([1, 7, 768]);
  expect(countedDims(['N', 'tokens'], size)).toEqual([1, 7]);
  expect(countedDims([], size)).toEqual([]);
  // The known side stands for the other: most inputs are square.
  expect(countedDims(['N', 1, 'h', 28], {})).toEqual([1, 1, 28, 28]);
});

test('a size that the weights or reshapes of the model do not take is told', () => {
  const shuffles = withOpenSize(sampleModel('zoo/shufflenet_v2_x1_0'));
  const told = (size: { height: number; width: number }) =>
    viewAt(shuffles, size).warnings.filter((warning) => warning.includes('does not fit'));
  expect(told({ height: 64, width: 96 })).toEqual([expect.stringContaining('/stage2/stage2.0/Reshape')]);
  expect(told({ height: 224, width: 224 })).toEqual([]);
});

test('a view knows at which size it was counted', () => {
  const digits = sampleModel('digits');
  const open = viewAt(withOpenSize(digits), { height: 48, width: 64 });
  expect(isCountedAt(open, { height: 48, width: 64 })).toBe(true);
  expect(isCountedAt(open, { height: 64, width: 48 })).toBe(false);
  expect(countedKey(open)).toBe('1x3x48x64');
  // Nothing is open here, so any size will do.
  expect(isCountedAt(viewAt(digits), { height: 48, width: 64 })).toBe(true);
  expect(countedKey(viewAt(digits))).toBe('');
  expect(open.values.get(valueName(open.inputs[0] ?? ''))?.shape).toEqual(['N', 3, 'height', 'width']);
});
