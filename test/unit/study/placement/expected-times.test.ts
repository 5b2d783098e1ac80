import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../../src/base/assert.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import type { GraphView } from '../../../../src/onnx/graph-view.ts';
import { refillHollow } from '../../../../src/onnx/hollow.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { emulate, type PartFacts, partFacts } from '../../../../src/study/placement/emulate.ts';
import {
  crossingBytes,
  expectedCuts,
  expectedSegments,
  expectedWork,
  transferOf,
} from '../../../../src/study/placement/expected-work.ts';
import { predictStrategy } from '../../../../src/study/placement/predict-strategy.ts';
import {
  canHold,
  DEFAULT_SETUP,
  meanRoundTripMs,
  PLACEMENT_NAMES,
  roundTripMs,
  type TierPlacement,
} from '../../../../src/study/placement/tiers.ts';
import { headMs, headWork } from '../../../../src/study/placement/head-work.ts';
import { costsByTier, predictPlacements } from '../../../../src/study/predict.ts';
import { type CostProfile, costProfileByMacs } from '../../../../src/study/profile/cost-profile.ts';
import { buildVariant } from '../../../../src/transforms/build-variant.ts';
import { placeCuts } from '../../../../src/transforms/cuts/placed-cut.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';

interface Opened {
  readonly model: Model;
  readonly view: GraphView;
}

function opened(file: string): Opened {
  const model = refillHollow(parseModel(memorySource(readFileSync(file)), file));
  return { model, view: buildGraphView(model, { modelId: file, fileName: file, fileBytes: 0 }) };
}
const digits = opened('public/samples/digits.onnx');
const shufflenet = opened('public/samples/zoo/shufflenet_v2_x1_0.onnx');

/** Values that cross a cut after a share of the nodes, straight across all branches. */
function cutAt({ view }: Opened, share: number): readonly string[] {
  const legal = view.frontiers.filter((frontier) => frontier.legal);
  return defined(legal[Math.floor(share * legal.length)], 'a cut').crossing;
}
/** A cut whose branches lie at different depths. */
function pulledCut({ view }: Opened): readonly string[] {
  const { cuts } = placeCuts(view, { op: 'partition', cut: 'equal-size' }, {});
  return defined(cuts[0], 'a cut').crossing;
}
const dynamic = { op: 'early-exit', kind: 'existing', threshold: 0.9 } as const;
const cases: readonly (readonly [string, Opened, Recipe])[] = [
  ['the whole', digits, [{ op: 'identity' }]],
  ['a cut', digits, [{ op: 'partition', cut: cutAt(digits, 0.5) }]],
  ['a cut in bytes', digits, [{ op: 'partition', cut: cutAt(digits, 0.3), transfer: 'uint8' }]],
  ['two cuts', digits, [{ op: 'partition', cuts: [cutAt(digits, 0.3), cutAt(digits, 0.7)] }]],
  ['a fixed exit', digits, [{ op: 'early-exit', kind: 'existing', exit: 0 }]],
  ['thresholds', digits, [dynamic]],
  ['thresholds in one file', digits, [{ ...dynamic, form: 'if' }]],
  ['thresholds and a cut', digits, [dynamic, { op: 'partition', cut: cutAt(digits, 0.6) }]],
  [
    'two cuts and one exit of several, pruned',
    digits,
    [
      { op: 'prune', kind: 'unstructured', ratio: 0.5 },
      { ...dynamic, exits: [1] },
      { op: 'partition', cuts: [cutAt(digits, 0.4), cutAt(digits, 0.8)], transfer: 'float16' },
    ],
  ],
  ['skipped blocks', shufflenet, [{ op: 'early-exit', kind: 'skip', blocks: 2 }]],
  ['values that cross at different depths', shufflenet, [{ op: 'partition', cut: pulledCut(shufflenet) }]],
  [
    'skipped blocks and a cut that the lab chose',
    shufflenet,
    [
      { op: 'early-exit', kind: 'skip', blocks: 2 },
      { op: 'partition', cut: 'equal-size' },
    ],
  ],
];

function built({ model }: Opened, recipe: Recipe) {
  const { plan, cuts, files } = buildVariant(model, recipe, { baseName: 'm', now: () => 0 });
  return { plan, cuts, files: files.map(({ bytes }) => ({ blob: { size: bytes } })) };
}

function anyProfile(view: GraphView): fc.Arbitrary<CostProfile> {
  const anyMs = fc.double({ min: 0, max: 9, noNaN: true });
  return fc
    .record({
      seed: fc.array(anyMs, { minLength: 3, maxLength: 9 }),
      decodeMs: anyMs,
      preprocessMs: anyMs,
      postprocessMs: anyMs,
      imageBytes: fc.nat(1e5),
    })
    .map(({ seed, ...rest }) => ({
      ...rest,
      nodeMs: Float64Array.from(view.nodes, (_, node) => (seed[node % seed.length] ?? 0) * (1 + (node % 3))),
      source: 'measured' as const,
    }));
}

describe('what a recipe is expected to run', () => {
  it.each(cases)('is what its built files run: %s', (_name, model, recipe) => {
    const { plan, ...variant } = built(model, recipe);
    const facts = partFacts({ plan, ...variant });
    const work = expectedWork(model.view, recipe);
    const { cuts, problem } = expectedCuts(work, recipe);
    expect(problem).toBeNull();
    const segments = expectedSegments(work, cuts);
    expect(segments.map(({ part }) => part)).toEqual(facts.partOfSegment);
    expect(
      segments.map(({ nodes }) => nodes.reduce((sum, node) => sum + (model.view.nodes[node]?.macs ?? 0), 0)),
    ).toEqual(plan.segments.map(({ macs }) => macs));
    const stops = plan.segments.map(({ exit }) => (exit && exit.threshold > 0 ? exit.index : null));
    expect(segments.map(({ exitIndex }) => exitIndex)).toEqual(stops);
    const crossing = cuts.map((cut) => crossingBytes(model.view, cut, transferOf(recipe)));
    expect(crossing).toEqual(facts.crossingBytes);
  });
});

describe('a prediction', () => {
  it.each(cases)('is the mean of emulated inferences of exactly these costs: %s', (_name, model, recipe) => {
    const { view } = model;
    const facts: PartFacts = partFacts(built(model, recipe));
    const work = expectedWork(view, recipe);
    const segments = expectedSegments({ ...work, isNested: false }, expectedCuts(work, recipe).cuts);
    const parts = facts.partBytes.length;
    const exits = [...work.stops.map(({ exitIndex }) => exitIndex), view.exits.length - 1];
    fc.assert(
      fc.property(
        anyProfile(view),
        fc.constantFrom(...PLACEMENT_NAMES.filter((name) => canHold(name, parts))),
        fc.constantFrom('encoded-image' as const, 'input-tensor' as const),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: exits.length, maxLength: exits.length }),
        (costs, name, sends, weights) => {
          const total = weights.reduce((sum, weight) => sum + weight, 0);
          const shares = new Map(exits.map((exit, at) => [exit, (weights[at] ?? 0) / total]));
          const placement: TierPlacement = { name, sends, setup: DEFAULT_SETUP };
          const prediction = predictStrategy(view, recipe, placement, { costs, basis: 'nodes', shares });
          if (prediction.kind === 'unknown') throw new Error(prediction.reason);
          const segmentMs = segments.map(({ nodes }) =>
            nodes.reduce((sum, node) => sum + (costs.nodeMs[node] ?? 0), 0),
          );
          let mean = 0;
          for (const [exit, share] of shares) {
            const last = segments.findIndex(({ exitIndex }) => exitIndex === exit);
            const ranParts = last < 0 ? segmentMs : segmentMs.slice(0, last + 1);
            // One file that decides inside is a single segment.
            const ran = work.isNested ? [ranParts.reduce((sum, ms) => sum + ms, 0)] : ranParts;
            const times = emulate(
              { ...costs, segmentMs: ran },
              facts,
              placement,
              costs.imageBytes,
              () => 0.5,
            );
            mean += share * times.totalMs;
          }
          const { times } = prediction;
          expect(times.totalMs).toBeCloseTo(mean, 6);
          const { decodeMs, preprocessMs, postprocessMs, latencyMs, transferMs, tierMs } = times;
          expect(decodeMs + preprocessMs + latencyMs + postprocessMs).toBeCloseTo(times.totalMs, 9);
          expect(tierMs.reduce((sum, ms) => sum + ms, transferMs)).toBeCloseTo(latencyMs, 9);
        },
      ),
      { numRuns: 25 },
    );
  });
  it('along the graph is that of the recipe with this cut, on every placement', () => {
    const { view } = digits;
    const shares = new Map([
      [0, 0.25],
      [view.exits.length - 1, 0.75],
    ]);
    const costs = { ...costProfileByMacs(view, 100, 700), decodeMs: 2, preprocessMs: 3, postprocessMs: 1 };
    const given = {
      setup: DEFAULT_SETUP,
      sends: 'encoded-image' as const,
      transfer: 'float16' as const,
      shares,
    };
    const along = predictPlacements(expectedWork(view, [dynamic]), costsByTier(costs, DEFAULT_SETUP), {
      ...given,
      imageBytes: 700,
    });
    let compared = 0;
    for (const { afterNode, crossing, legal } of view.frontiers) {
      for (const name of PLACEMENT_NAMES.filter((each) => canHold(each, 2))) {
        const recipe: Recipe = [dynamic, { op: 'partition', cut: crossing, transfer: 'float16' }];
        const predicted = legal
          ? predictStrategy(view, recipe, { name, ...given }, { costs, basis: 'nodes', shares })
          : null;
        const shown = along.alone.get(name) ?? along.cut.get(name)?.[afterNode] ?? Number.NaN;
        if (predicted?.kind !== 'predicted') continue;
        compared++;
        expect(shown).toBeCloseTo(predicted.times.totalMs, 9);
      }
    }
    expect(compared).toBeGreaterThan(60);
  });
  it('counts what sessions cost besides nodes: the start once, handing over for each further one', () => {
    const { view } = digits;
    const bare = costProfileByMacs(view, 100, 700);
    const costs = { ...bare, startMs: 8, handOverMs: 2, handOverMsPerByte: 0.001 };
    const latencyOf = (recipe: Recipe, of: typeof costs | typeof bare): number => {
      const prediction = predictStrategy(view, recipe, null, {
        costs: of,
        basis: 'nodes',
        shares: new Map(),
      });
      return prediction.kind === 'predicted' ? prediction.times.latencyMs : Number.NaN;
    };
    const extra = (recipe: Recipe): number => latencyOf(recipe, costs) - latencyOf(recipe, bare);
    expect(extra([])).toBeCloseTo(8, 9);
    const nested: Recipe = [{ op: 'early-exit', kind: 'existing', threshold: 0.9, form: 'if' }];
    expect(extra(nested), 'one session decides inside').toBeCloseTo(8, 9);
    const frontier = defined(
      view.frontiers.find(({ legal, crossing }) => legal && crossing.length === 1),
      'a cut',
    );
    const cut: Recipe = [{ op: 'partition', cut: frontier.crossing }];
    expect(extra(cut)).toBeCloseTo(8 + 2 + 0.001 * defined(frontier.bytes, 'bytes'), 9);
  });
  it('counts the heads of trained exits: pooling and a linear layer, in proportion to their size', () => {
    const { view } = digits;
    const nodeMs = new Float64Array(view.nodes.length).fill(1);
    const headOf = (size: number): number => headMs(view, nodeMs, { elements: size, macs: size });
    expect(headOf(2e8)).toBeCloseTo(2 * headOf(1e8), 6);
    expect(headOf(1), 'no less than the least layer of its kind, twice').toBe(2);
    const at = defined(view.nodes.find(({ opType }) => opType === 'Relu')?.outputs[0], 'a value');
    const costs = { ...costProfileByMacs(view, 100, 700), nodeMs };
    const latencyOf = (recipe: Recipe): number => {
      const known = { costs, basis: 'nodes' as const, shares: new Map([[0, 0]]) };
      const prediction = predictStrategy(view, recipe, null, known);
      return prediction.kind === 'predicted' ? prediction.times.latencyMs : Number.NaN;
    };
    const head = defined(headWork(view, at), 'a head');
    const trained = { op: 'early-exit', kind: 'trained', at: [at] } as const;
    const expected = latencyOf([]) + headMs(view, nodeMs, head);
    expect(latencyOf([{ ...trained, threshold: 0.5 }]), 'none leaves early').toBeCloseTo(expected, 9);
    expect(latencyOf([trained]), 'all exits run').toBeCloseTo(expected, 9);
    expect(latencyOf([{ ...trained, exit: 0 }])).toBeLessThan(expected);
  });
  it('is refused, with the reason, where it would be a guess', () => {
    const { view } = digits;
    const costs = costProfileByMacs(view, 100, 700);
    const reason = (recipe: Recipe, known: object) => {
      const full = { costs, basis: 'nodes' as const, shares: new Map(), ...known };
      const prediction = predictStrategy(view, recipe, null, full);
      return prediction.kind === 'unknown' ? prediction.reason : null;
    };
    expect(reason([dynamic], {})).toBeNull();
    expect(reason([], { basis: null })).toContain('profile it first');
    expect(reason([dynamic], { shares: null })).toContain('how many images leave at each exit is not known');
    expect(reason([{ op: 'partition', cut: 'nowhere' }], {})).toContain('nowhere');
  });
  it('uses what a tier was measured to take instead of its speed factor', () => {
    const { view } = digits;
    const recipe: Recipe = [{ op: 'partition', cut: cutAt(digits, 0.5) }];
    const costs = costProfileByMacs(view, 100, 700);
    const measured = {
      device: 'a board',
      source: 'recipe' as const,
      segmentMs: [40, 80],
      decodeMs: 1,
      preprocessMs: 2,
      postprocessMs: 3,
    };
    const { tiers } = DEFAULT_SETUP;
    const setup = { ...DEFAULT_SETUP, tiers: { ...tiers, edge: { ...tiers.edge, measured } } };
    const placement: TierPlacement = { name: 'mobile-edge', sends: 'encoded-image', setup };
    const known = { costs, basis: 'nodes' as const, shares: new Map<number, number>() };
    const prediction = predictStrategy(view, recipe, placement, known);
    if (prediction.kind === 'unknown') throw new Error(prediction.reason);
    expect(prediction.times.tierMs[1]).toBe(80);
    expect(prediction.times.postprocessMs).toBe(3);
    const facts = partFacts(built(digits, recipe));
    const times = emulate({ ...costs, segmentMs: [7, 9] }, facts, placement, 700, () => 0.5);
    expect(times.tierMs).toEqual([7, 80]);
    expect(times.postprocessMs).toBe(3);
  });
});

describe("a link's jitter", () => {
  it('moves the mean by no more than its own mean, and the prediction knows by how much', () => {
    const even = Array.from({ length: 1000 }, (_, at) => (at + 0.5) / 1000);
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 200, noNaN: true }),
        fc.double({ min: 0, max: 200, noNaN: true }),
        (rttMs, jitterMs) => {
          const link = { bandwidthMbps: 1, rttMs, jitterMs };
          const mean = even.reduce((sum, at) => sum + roundTripMs(link, () => at), 0) / even.length;
          expect(meanRoundTripMs(link)).toBeCloseTo(mean, 2);
          expect(meanRoundTripMs(link)).toBeGreaterThanOrEqual(rttMs);
          // How far a round trip is off, in the mean, lies halfway within ± jitter.
          expect(meanRoundTripMs(link) - rttMs).toBeLessThanOrEqual(jitterMs / 2);
        },
      ),
    );
  });
});
