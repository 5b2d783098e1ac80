import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import type { FrontierView } from '../../../src/onnx/graph-view.ts';
import type { ValueName } from '../../../src/onnx/model.ts';
import { type AnalysedModel, analyseModel } from '../../../src/transforms/analyse-model.ts';
import { planSegments, type SegmentNodes } from '../../../src/transforms/plan-segments.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { build, floatsOf, noise, relativeDifference, runVariant, sampleModel } from './run-variant.ts';

/** The values that cross after the first `count` nodes, found the plain way. */
function crossingOfPrefix({ model, index, inputs }: AnalysedModel, count: number): ValueName[] {
  const before = new Set(index.order.slice(0, count));
  const available = new Set<ValueName>(inputs);
  for (const node of before) for (const name of model.graph.nodes[node]?.outputs ?? []) available.add(name);
  const needed = new Set(index.order.slice(count).flatMap((node) => index.inputsOf(node)));
  return [...needed].filter((name) => available.has(name));
}

const identity: Recipe = [{ op: 'identity' }];

describe('partition', () => {
  it.each(['zoo/mobilenet_v2', 'zoo/shufflenet_v2_x1_0', 'zoo/mobilenet_v3_small'])(
    'of %s composes to the whole, wherever it is cut',
    async (name) => {
      const model = sampleModel(name);
      const analysed = analyseModel(model);
      const whole = build(model, identity);
      const input = noise(whole.plan.input, 1);
      const output = whole.plan.output.name;
      const wanted = floatsOf(await runVariant(whole, input), output);
      const random = seededRandom(7);
      for (let trial = 0; trial < 8; trial++) {
        const count = 1 + Math.floor(random() * (analysed.index.order.length - 1));
        const cut = crossingOfPrefix(analysed, count);
        const parts = build(model, [{ op: 'partition', cut }]);
        expect(parts.files.map((file) => file.name)).toEqual(['m-head.onnx', 'm-tail.onnx']);
        expect(new Set(parts.cuts[0]?.crossing.map((value) => value.name))).toEqual(new Set(cut));
        expect(relativeDifference(floatsOf(await runVariant(parts, input), output), wanted)).toBeLessThan(
          1e-5,
        );
      }
    },
  );

  it.each(['zoo/densenet169', 'zoo/vit_b_16', 'zoo/convnext_small', 'zoo/fcn_resnet101', 'digits'])(
    'of %s at every prefix divides work and weights without loss',
    (name) => {
      const model = sampleModel(name);
      const analysed = analyseModel(model);
      const { order } = analysed.index;
      const macs = analysed.costs.reduce((sum, cost) => sum + cost.macs, 0);
      const step = Math.max(1, Math.floor(order.length / 12));
      for (let count = 1; count < order.length; count += step) {
        const cut = crossingOfPrefix(analysed, count);
        if (cut.length === 0) continue;
        const outputs = analysed.exits.map(({ output }) => output);
        const segments = planSegments(analysed.model.graph, analysed.index, {
          outputs,
          stops: [],
          cuts: [cut],
        });
        const seen = segments.flatMap(({ nodes }) => [...nodes]);
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.length).toBe(order.length);
        const sum = seen.reduce((total, node) => total + (analysed.costs[node]?.macs ?? 0), 0);
        expect(sum).toBe(macs);
      }
    },
  );
});

describe('every legal frontier of the graph view', () => {
  it.each(readdirSync(new URL('../../../public/samples/zoo', import.meta.url)))(
    'of %s is a cut, with the work before it that the view tells',
    (file) => {
      const model = sampleModel(`zoo/${file.replace('.onnx', '')}`);
      const view = buildGraphView(model, { modelId: '', fileName: file, fileBytes: 0 });
      const analysed = analyseModel(model);
      const outputs = analysed.exits.map(({ output }) => output);
      const legal = view.frontiers.filter((frontier) => frontier.legal);
      const step = Math.max(1, Math.floor(legal.length / 60));
      for (let at = 0; at < legal.length; at += step) {
        const { crossing, macsBefore } = legal[at] as FrontierView;
        const [head, tail] = planSegments(analysed.model.graph, analysed.index, {
          outputs,
          stops: [],
          cuts: [crossing],
        });
        const macsOf = (segment: SegmentNodes | undefined): number =>
          [...(segment?.nodes ?? [])].reduce((sum, node) => sum + (analysed.costs[node]?.macs ?? 0), 0);
        expect(macsOf(head)).toBe(macsBefore);
        expect(macsOf(head) + macsOf(tail)).toBe(view.totals.macs);
        expect(new Set(tail?.inputs)).toEqual(new Set(crossing));
      }
    },
  );

  it.each(['digits', 'zoo/mobilenet_v2', 'zoo/deeplabv3_mobilenet_v3_large'])(
    'and its totals are those of the unchanged variant of %s',
    (name) => {
      const model = sampleModel(name);
      const { totals } = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
      const { params, macs } = build(model, identity);
      expect({ params, macs }).toEqual({ params: totals.params, macs: totals.macs });
    },
  );
});

describe('early exit', () => {
  const model = sampleModel('digits');
  const exits = analyseModel(model).exits;
  const full = build(model, identity);
  const input = noise(full.plan.input, 3);

  it('fixed at one exit gives that output of the whole model, with less of it', async () => {
    const wanted = await runVariant(full, input);
    let lessThan = full;
    for (const exit of [...exits].reverse()) {
      const fixed = build(model, [{ op: 'early-exit', kind: 'existing', exit: exit.index }]);
      expect(fixed.files.map((file) => file.name)).toEqual(['m.onnx']);
      expect(fixed.plan.segments[0]?.outputs.map((value) => value.name)).toEqual([exit.output]);
      const found = floatsOf(await runVariant(fixed, input), exit.output);
      expect(relativeDifference(found, floatsOf(wanted, exit.output))).toBeLessThan(1e-5);
      expect(fixed.macs).toBeLessThan(lessThan.macs);
      expect(fixed.params).toBeLessThan(lessThan.params);
      expect(fixed.files[0]?.bytes).toBeLessThan(lessThan.files[0]?.bytes ?? 0);
      lessThan = fixed;
    }
  });

  it('dynamic makes one segment for each exit, which together are the whole', async () => {
    const wanted = await runVariant(full, input);
    const dynamic = build(model, [{ op: 'early-exit', kind: 'existing', threshold: [0.6, 0.9] }]);
    expect(dynamic.plan.segments.map(({ exit }) => [exit?.index, exit?.threshold])).toEqual([
      [0, 0.6],
      [1, 0.9],
      [2, 0],
    ]);
    expect(dynamic.macs).toBe(full.macs);
    expect(dynamic.params).toBe(full.params);
    const found = await runVariant(dynamic, input);
    for (const { output } of exits) {
      expect(relativeDifference(floatsOf(found, output), floatsOf(wanted, output))).toBeLessThan(1e-5);
    }
  });

  it('over some exits leaves the others out', () => {
    const dynamic = build(model, [{ op: 'early-exit', kind: 'existing', threshold: 0.7, exits: [1] }]);
    expect(dynamic.plan.segments.map(({ exit }) => exit?.index)).toEqual([1, 2]);
    expect(dynamic.macs).toBeLessThan(full.macs);
    expect(dynamic.plan.output.name).toBe(exits.at(-1)?.output);
  });

  it('mixes with a cut anywhere: exits before it are decided before anything is sent', async () => {
    const analysed = analyseModel(model);
    const wanted = await runVariant(full, input);
    for (let count = 1; count < analysed.index.order.length; count += 3) {
      const cut = crossingOfPrefix(analysed, count);
      if (cut.length === 0) continue;
      const both = build(model, [
        { op: 'partition', cut },
        { op: 'early-exit', kind: 'existing', threshold: 0.8 },
      ]);
      const { segments } = both.plan;
      const tiers = segments.map(({ tier }) => tier);
      expect(tiers).toEqual([...tiers].sort().reverse());
      expect(new Set(tiers)).toEqual(new Set(['mobile', 'edge']));
      expect(segments.map(({ exit }) => exit?.index).filter((exit) => exit !== undefined)).toEqual([0, 1, 2]);
      expect(both.macs).toBe(full.macs);
      expect(both.cuts).toHaveLength(1);
      const found = await runVariant(both, input);
      for (const { output } of exits) {
        expect(relativeDifference(floatsOf(found, output), floatsOf(wanted, output))).toBeLessThan(1e-5);
      }
    }
  });
});
