import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import type { GraphView } from '../../../../src/onnx/graph-view.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { cutGraphOfView } from '../../../../src/transforms/cuts/cut-graph.ts';
import { crossingNames, isNested, unitsUpTo } from '../../../../src/transforms/cuts/frontier.ts';
import { placementOf } from '../../../../src/transforms/placement.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import {
  build,
  cosine,
  floatsOf,
  noise,
  relativeDifference,
  runVariant,
  sampleModel,
} from '../run-variant.ts';
import { randomFrontier } from './graphs.ts';

const identity: Recipe = [{ op: 'identity' }];

function open(name: string): { model: Model; view: GraphView } {
  const model = sampleModel(name);
  return { model, view: buildGraphView(model, { modelId: name, fileName: name, fileBytes: 0 }) };
}

/** Two frontiers with branches pulled at random, the first inside the second. */
function nestedPair(view: GraphView, seed: number) {
  const graph = cutGraphOfView(view);
  const random = seededRandom(seed);
  for (;;) {
    const [first, second] = [randomFrontier(graph, 0.3, random), randomFrontier(graph, 0.7, random)];
    if (isNested(first, second)) return [crossingNames(graph, first), crossingNames(graph, second)] as const;
  }
}

describe.each(['digits', 'zoo/mobilenet_v3_small', 'zoo/shufflenet_v2_x1_0'])('%s', (name) => {
  const { model, view } = open(name);
  const graph = cutGraphOfView(view);

  test('cut anywhere, branches pulled at random, computes the same', async () => {
    const whole = build(model, identity);
    const input = noise(whole.plan.input, 3);
    const output = whole.plan.output.name;
    const wanted = floatsOf(await runVariant(whole, input), output);
    const random = seededRandom(7);
    let pulled = 0;
    for (const share of [0.2, 0.45, 0.7, 0.9]) {
      const before = randomFrontier(graph, share, random);
      const cut = crossingNames(graph, before);
      const parts = build(model, [{ op: 'partition', cut }]);
      expect(parts.cuts[0]?.crossing.map((value) => value.name).sort()).toEqual(cut.toSorted());
      expect(relativeDifference(floatsOf(await runVariant(parts, input), output), wanted)).toBeLessThan(1e-5);
      const lastBefore = graph.units[before.lastIndexOf(1)]?.nodes[0] ?? 0;
      if (String(unitsUpTo(graph, lastBefore)) !== String(before)) pulled++;
    }
    // Its blocks have two branches of several nodes each.
    if (name === 'zoo/shufflenet_v2_x1_0') expect(pulled).toBeGreaterThan(0);
  });

  test('in three parts for three tiers computes the same', async () => {
    const whole = build(model, identity);
    const input = noise(whole.plan.input, 5);
    const output = whole.plan.output.name;
    const wanted = floatsOf(await runVariant(whole, input), output);
    const [first, second] = nestedPair(view, 11);
    const parts = build(model, [{ op: 'partition', cuts: [first, second] }]);
    expect(parts.plan.segments.map(({ tier }) => tier)).toEqual(['mobile', 'edge', 'cloud']);
    expect(parts.files.map((file) => file.name)).toEqual(['m-head.onnx', 'm-middle.onnx', 'm-tail.onnx']);
    expect(parts.cuts.map(({ crossing }) => crossing.map((value) => value.name).sort())).toEqual([
      first.toSorted(),
      second.toSorted(),
    ]);
    expect(relativeDifference(floatsOf(await runVariant(parts, input), output), wanted)).toBeLessThan(1e-5);
    expect(parts.macs).toBe(whole.macs);
  });

  test.each(['equal-size', 'fewest-bytes', 'fastest'] as const)(
    'the %s cut lies where the page shows it',
    (kind) => {
      const recipe: Recipe = [{ op: 'partition', cut: kind }];
      const shown = placementOf(recipe, view);
      expect(shown.problems).toEqual([]);
      const built = build(model, recipe);
      expect(built.cuts[0]?.crossing.map((value) => value.name).sort()).toEqual(
        shown.cuts[0]?.crossing.toSorted(),
      );
      expect(built.plan.segments[0]?.macs).toBe(shown.cuts[0]?.cost.macsBefore);
    },
  );
});

describe('with other operators', () => {
  const { model, view } = open('digits');

  test('exits before, between and behind two cuts run on their tiers', async () => {
    const [first, second] = nestedPair(view, 2);
    const recipe: Recipe = [
      { op: 'early-exit', kind: 'existing', threshold: 1 },
      { op: 'quantize', mode: 'dynamic' },
      { op: 'partition', cuts: [first, second] },
    ];
    const variant = build(model, recipe);
    const tiers = variant.plan.segments.map(({ tier }) => tier);
    expect(tiers).toEqual(tiers.toSorted((a, b) => 'mec'.indexOf(a[0]!) - 'mec'.indexOf(b[0]!)));
    expect(new Set(tiers).size).toBe(3);
    expect(variant.plan.segments.filter(({ exit }) => exit !== null)).toHaveLength(3);
    expect(variant.cuts).toHaveLength(2);
    const whole = build(model, identity);
    const input = noise(whole.plan.input, 9);
    const output = whole.plan.output.name;
    const [found, wanted] = [await runVariant(variant, input), await runVariant(whole, input)];
    expect(cosine(floatsOf(found, output), floatsOf(wanted, output))).toBeGreaterThan(0.98);
  });

  test.each([
    ['a fixed exit', { op: 'early-exit', kind: 'existing', exit: 1 }],
    ['dynamic exits', { op: 'early-exit', kind: 'existing', threshold: 0.8, exits: [0] }],
    ['pruning', { op: 'prune', kind: 'unstructured', ratio: 0.5 }],
  ] as const)('an automatic cut and %s agree on the page and in the files', (_, operator) => {
    for (const kind of ['equal-size', 'fewest-bytes', 'fastest'] as const) {
      const recipe: Recipe = [operator, { op: 'partition', cut: kind }];
      const [cut] = build(model, recipe).cuts;
      expect(cut?.crossing.map((value) => value.name).sort()).toEqual(
        placementOf(recipe, view).cuts[0]?.crossing.toSorted(),
      );
    }
  });

  test('an automatic cut and skipped blocks agree on the page and in the files', () => {
    const resnet = open('zoo/resnet152');
    for (const kind of ['equal-size', 'fastest'] as const) {
      const recipe: Recipe = [
        { op: 'early-exit', kind: 'skip', blocks: 8 },
        { op: 'partition', cut: kind },
      ];
      const shown = placementOf(recipe, resnet.view);
      expect(shown.problems).toEqual([]);
      // Building would make all of its weights; the plan is what counts.
      const named: Recipe = [recipe[0]!, { op: 'partition', cut: shown.cuts[0]?.crossing ?? [] }];
      expect(() => checkRecipe(resnet.model, named)).not.toThrow();
      expect(placementOf(named, resnet.view).cuts[0]?.cost).toEqual(shown.cuts[0]?.cost);
    }
  });
});

describe('two cuts that do not fit', () => {
  const { model, view } = open('digits');
  const [first, second] = nestedPair(view, 4);
  const wrong = (recipe: Recipe) => {
    try {
      checkRecipe(model, recipe);
      return 'nothing wrong';
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : '';
    }
  };

  test('are refused in the wrong order, with what to do', () => {
    expect(wrong([{ op: 'partition', cuts: [second, first] }])).toContain('lies before the one at');
  });

  test('are refused where nothing lies between them', () => {
    expect(wrong([{ op: 'partition', cuts: [first, first] }])).toContain('nothing is left between');
  });
});

test('the parts of the equal-size cut differ less than those of any single-value cut', () => {
  const { model, view } = open('zoo/shufflenet_v2_x1_0');
  const sizes = (cut: string | readonly string[]) => {
    const files = build(model, [{ op: 'partition', cut }]).files.map(({ bytes }) => bytes);
    return Math.abs((files[0] ?? 0) - (files[1] ?? 0));
  };
  const equal = sizes('equal-size');
  const single = view.frontiers.filter(({ legal, crossing }) => legal && crossing.length === 1);
  const half = view.totals.weightBytes / 2;
  const nearest = single
    .toSorted((a, b) => Math.abs(a.weightBytesBefore - half) - Math.abs(b.weightBytesBefore - half))
    .slice(0, 6);
  // Files hold the graph as well as the weights: some hundred bytes a node.
  for (const { crossing } of nearest) expect(equal).toBeLessThan(sizes(crossing) + 50_000);
});
