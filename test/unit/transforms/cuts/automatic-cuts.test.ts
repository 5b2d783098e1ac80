import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutGraphOfView, type CutGraph } from '../../../../src/transforms/cuts/cut-graph.ts';
import { equalSizeCut, equalSizeCuts } from '../../../../src/transforms/cuts/equal-size.ts';
import { costOfFrontier, isNested, type UnitsBefore } from '../../../../src/transforms/cuts/frontier.ts';
import { FlowNetwork } from '../../../../src/transforms/cuts/max-flow.ts';
import {
  costOf,
  costOfCuts,
  endsOfWork,
  fewestBytesCut,
  minimumCut,
  minimumCuts,
} from '../../../../src/transforms/cuts/minimum-cut.ts';
import {
  AUTOMATIC_CUTS,
  type CutWish,
  DEFAULT_THREE_TIERS,
  DEFAULT_TIERS,
  predictCuts,
  resolveCuts,
} from '../../../../src/transforms/cuts/resolve-cut.ts';
import { TRANSFER_TYPES } from '../../../../src/transforms/transfer.ts';
import { bundledModels, viewOf } from '../../canvas/views.ts';
import { anyGraph, properFrontiers } from './graphs.ts';

const least = (numbers: readonly number[]): number => numbers.reduce((a, b) => Math.min(a, b), Infinity);

function dividingWork(graph: CutGraph): UnitsBefore[] {
  const { first, last } = endsOfWork(graph);
  return properFrontiers(graph).filter(
    (before) => first.some((unit) => before[unit] === 1) && last.some((unit) => before[unit] === 0),
  );
}

const wishFor = (kind: CutWish['kind'], cuts: CutWish['cuts'] = 1): CutWish => ({
  kind,
  cuts,
  tiers: cuts === 1 ? DEFAULT_TIERS : DEFAULT_THREE_TIERS,
  transfer: 'float32',
});

/** Pairs of frontiers with work before the first, behind the second, and between them. */
function pairsDividingWork(graph: CutGraph): [UnitsBefore, UnitsBefore][] {
  const { work, last } = endsOfWork(graph);
  const frontiers = dividingWork(graph);
  return frontiers.flatMap((first) =>
    frontiers
      .filter((second) => last.some((unit) => second[unit] === 0))
      .filter((second) => work.some((unit) => first[unit] === 0 && second[unit] === 1))
      .map((second): [UnitsBefore, UnitsBefore] => [first, second]),
  );
}

describe('the equal-size cut', () => {
  const differenceOf = (graph: CutGraph, before: UnitsBefore): number => {
    const { weightBytesBefore, weightBytesAfter } = costOfFrontier(graph, before);
    return Math.abs(weightBytesBefore - weightBytesAfter);
  };

  test('has the least difference of all frontiers', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const found = equalSizeCut(graph);
        expect(found?.isExact).toBe(true);
        const best = least(properFrontiers(graph).map((before) => differenceOf(graph, before)));
        expect(differenceOf(graph, found!.before)).toBe(best);
      }),
    );
  });

  test('into three parts has the least difference of all pairs of frontiers', () => {
    const differenceOfParts = (graph: CutGraph, pair: readonly UnitsBefore[]): number => {
      const sizes = [0, 1, 2].map((part) => {
        const own = graph.units.filter((_, unit) => 2 - pair[0]![unit]! - pair[1]![unit]! === part);
        const weights = new Set(own.flatMap((unit) => unit.weights));
        return [...weights].reduce((sum, weight) => sum + graph.weightBytes[weight]!, 0);
      });
      return Math.max(...sizes) - Math.min(...sizes);
    };
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const frontiers = properFrontiers(graph);
        const pairs = frontiers.flatMap((first) =>
          frontiers
            .filter((second) => isNested(first, second) && String(first) !== String(second))
            .map((second) => [first, second] as const),
        );
        const found = equalSizeCuts(graph);
        if (pairs.length === 0) {
          expect(found).toBeNull();
          return;
        }
        expect(found?.isExact).toBe(true);
        expect(pairs.map(String)).toContain(String(found!.before));
        const best = least(pairs.map((pair) => differenceOfParts(graph, pair)));
        expect(differenceOfParts(graph, found!.before)).toBe(best);
      }),
    );
  });

  test('of too many frontiers is a frontier, and no worse than any prefix or single move', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const found = equalSizeCut(graph, 3);
        expect(found).not.toBeNull();
        const all = properFrontiers(graph);
        expect(all.map(String)).toContain(String(found!.before));
        const prefixes = all.filter((before) =>
          before.every((each, at) => at === 0 || each <= before[at - 1]!),
        );
        const near = all.filter(
          (before) => before.filter((each, unit) => each !== found!.before[unit]).length <= 1,
        );
        const bound = least([...prefixes, ...near].map((before) => differenceOf(graph, before)));
        expect(differenceOf(graph, found!.before)).toBeLessThanOrEqual(bound);
      }),
    );
  });

  test('lies inside a block where that is more equal', () => {
    const view = viewOf('zoo:resnet152');
    const graph = cutGraphOfView(view);
    const [cut] = resolveCuts(graph, wishFor('equal-size')).cuts;
    const { crossing, before } = cut!;
    const difference = differenceOf(graph, before);
    const single = view.frontiers.filter(({ legal, crossing: names }) => legal && names.length === 1);
    const bestSingle = least(
      single.map(({ weightBytesBefore }) => Math.abs(view.totals.weightBytes - 2 * weightBytesBefore)),
    );
    expect(difference).toBeLessThan(bestSingle);
    expect(crossing).toHaveLength(2);
  });
});

describe('the minimum cut', () => {
  const costs = (graph: CutGraph, drawn: readonly number[]) => {
    let at = 0;
    const next = (): number => drawn[at++ % drawn.length] as number;
    return {
      before: graph.units.map(next),
      after: graph.units.map(next),
      crossing: graph.values.map(next),
    };
  };

  test('is as cheap as the cheapest frontier, for whole numbers exactly', () => {
    fc.assert(
      fc.property(
        anyGraph,
        fc.array(fc.nat({ max: 20 }), { minLength: 5, maxLength: 40 }),
        (graph, drawn) => {
          const all = dividingWork(graph);
          const given = costs(graph, drawn);
          const found = minimumCut(graph, given);
          if (all.length === 0) {
            expect(found).toBeNull();
            return;
          }
          expect(found?.cost).toBe(least(all.map((before) => costOf(graph, given, before))));
          expect(all.map(String)).toContain(String(found?.before));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is as cheap as the cheapest frontier, for any numbers but rounding', () => {
    const numbers = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(anyGraph, numbers, (graph, drawn) => {
        const all = dividingWork(graph);
        fc.pre(all.length > 0);
        const given = costs(graph, drawn);
        const best = least(all.map((before) => costOf(graph, given, before)));
        expect(minimumCut(graph, given)?.cost).toBeCloseTo(best, 9);
      }),
    );
  });

  test('never sends what must not be sent', () => {
    fc.assert(
      fc.property(anyGraph, fc.nat(), (graph, pick) => {
        const forbidden = pick % graph.values.length;
        const given = {
          ...costs(graph, [1, 2, 3]),
          crossing: graph.values.map((_, value) => (value === forbidden ? Infinity : 1)),
        };
        const best = least(dividingWork(graph).map((before) => costOf(graph, given, before)));
        const found = minimumCut(graph, given);
        expect(found?.cost ?? Infinity).toBe(best);
      }),
    );
  });

  test('of three parts is the cheapest pair of frontiers, one inside the other, with work in each part', () => {
    const numbers = fc.array(fc.nat({ max: 20 }), { minLength: 5, maxLength: 60 });
    fc.assert(
      fc.property(anyGraph, numbers, (graph, drawn) => {
        let at = 0;
        const next = (): number => drawn[at++ % drawn.length] as number;
        const parts = [0, 1, 2].map(() => graph.units.map(next));
        const given = { parts, crossing: [0, 1].map(() => graph.values.map(next)) };
        const all = pairsDividingWork(graph).filter(([first, second]) => isNested(first, second));
        const found = minimumCuts(graph, given);
        expect(found?.cost ?? Infinity).toBe(least(all.map((pair) => costOfCuts(graph, given, pair))));
        if (found) expect(all.map(String)).toContain(String(found.before));
      }),
      { numRuns: 200 },
    );
  });

  test('of bytes crossing is the least of all', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const all = dividingWork(graph);
        fc.pre(all.length > 0);
        const bytes = all.map((before) => costOfFrontier(graph, before).crossingBytes ?? Infinity);
        expect(fewestBytesCut(graph)?.cost).toBe(least(bytes));
      }),
    );
  });
});

describe('the fastest cut', () => {
  test('has the least predicted time, with measured times where there are any', () => {
    const tiers = fc.record({
      headSpeed: fc.constantFrom(0.5, 1, 2),
      tailSpeed: fc.constantFrom(1, 4, 20),
      bandwidthMbps: fc.constantFrom(0.001, 0.01, 1),
      rttMs: fc.constantFrom(0, 5),
      gmacsPerSecond: fc.constant(1e-6),
    });
    fc.assert(
      fc.property(
        anyGraph,
        tiers,
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { maxLength: 4 }),
        fc.constantFrom(...TRANSFER_TYPES),
        (graph, model, ms, transfer) => {
          const all = dividingWork(graph);
          fc.pre(all.length > 0);
          const nodeMs = new Map(ms.map((each, node) => [node, each]));
          const wish = { ...wishFor('fastest'), tiers: model, transfer };
          const times = all.map((before) => predictCuts(graph, wish, nodeMs, [before]).totalMs);
          const { prediction } = resolveCuts(graph, wish, nodeMs);
          expect(prediction?.totalMs).toBeCloseTo(least(times), 6);
        },
      ),
    );
  });

  test('moves to the fast tier as the link gets faster', () => {
    const graph = cutGraphOfView(viewOf('zoo:mobilenet_v2'));
    const shares = [0.1, 1, 10, 100, 1000].map((bandwidthMbps) => {
      const tiers = { ...DEFAULT_TIERS, bandwidthMbps };
      const [cut] = resolveCuts(graph, { ...wishFor('fastest'), tiers }).cuts;
      return costOfFrontier(graph, cut!.before).macsBefore;
    });
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(new Set(shares).size).toBeGreaterThan(2);
  });

  test('moves to the fast tier as what crosses gets smaller', () => {
    const graph = cutGraphOfView(viewOf('zoo:mobilenet_v2'));
    const tiers = { ...DEFAULT_TIERS, bandwidthMbps: 20 };
    const shares = TRANSFER_TYPES.map((transfer) => {
      const [cut] = resolveCuts(graph, { ...wishFor('fastest'), tiers, transfer }).cuts;
      return costOfFrontier(graph, cut!.before).macsBefore;
    });
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(new Set(shares).size).toBeGreaterThan(1);
  });

  test('of three tiers has the least predicted time of all pairs', () => {
    const tiers = fc.record({
      middleSpeed: fc.constantFrom(0.5, 2, 8),
      tailSpeed: fc.constantFrom(1, 4, 20),
      bandwidthMbps: fc.constantFrom(0.001, 0.01, 1),
      tailBandwidthMbps: fc.constantFrom(0.001, 0.01, 1),
      gmacsPerSecond: fc.constant(1e-6),
    });
    fc.assert(
      fc.property(anyGraph, tiers, fc.constantFrom(...TRANSFER_TYPES), (graph, given, transfer) => {
        const wish = { ...wishFor('fastest', 2), tiers: { ...DEFAULT_THREE_TIERS, ...given }, transfer };
        const all = pairsDividingWork(graph).filter((pair) => isNested(...pair));
        fc.pre(all.length > 0);
        const times = all.map((pair) => predictCuts(graph, wish, new Map(), pair).totalMs);
        expect(resolveCuts(graph, wish).prediction?.totalMs).toBeCloseTo(least(times), 6);
      }),
    );
  });
});

test.each(bundledModels)('automatic cuts of %s are found in a moment, on a slow machine too', (name) => {
  const graph = cutGraphOfView(viewOf(name));
  for (const kind of AUTOMATIC_CUTS) {
    for (const count of [1, 2] as const) {
      const { cuts, isExact } = resolveCuts(graph, wishFor(kind, count));
      expect(isExact).toBe(true);
      const sizes = cuts.map(({ before }) => before.filter((each) => each === 1).length);
      const bounds = [0, ...sizes, graph.units.length];
      expect(new Set(bounds).size).toBe(count + 2);
      expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
    }
  }
});

describe('the flow network', () => {
  test('finds the textbook flow', () => {
    // Cormen et al., figure 26.1: the maximum flow is 23.
    const network = new FlowNetwork(6);
    const edges = [
      [0, 1, 16],
      [0, 2, 13],
      [1, 3, 12],
      [2, 1, 4],
      [3, 2, 9],
      [2, 4, 14],
      [4, 3, 7],
      [3, 5, 20],
      [4, 5, 4],
    ] as const;
    for (const [from, to, capacity] of edges) network.addEdge(from, to, capacity);
    const { capacity, onSourceSide } = network.minimumCut(0, 5);
    expect(capacity).toBe(23);
    expect([...onSourceSide]).toEqual([1, 1, 1, 0, 1, 0]);
  });

  test('tells that nothing can be cut', () => {
    const network = new FlowNetwork(3);
    network.addEdge(0, 1, Infinity);
    network.addEdge(1, 2, Infinity);
    expect(network.minimumCut(0, 2).capacity).toBe(Infinity);
  });

  test('goes through chains of any length', () => {
    const length = 30_000;
    const network = new FlowNetwork(length);
    for (let at = 1; at < length; at++) network.addEdge(at - 1, at, at === 20_000 ? 3 : 5);
    expect(network.minimumCut(0, length - 1).capacity).toBe(3);
  });
});
