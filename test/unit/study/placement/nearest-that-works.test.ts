import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../../src/base/assert.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { refillHollow } from '../../../../src/onnx/hollow.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { MEMORY_PER_FILE_BYTE } from '../../../../src/study/placement/check-placement.ts';
import { expectedWork } from '../../../../src/study/placement/expected-work.ts';
import { fastestCuts } from '../../../../src/study/placement/fastest-cut.ts';
import { expectedPartBytes, nearestFittingCut } from '../../../../src/study/placement/part-bytes.ts';
import { DEFAULT_SETUP, type TierSetup } from '../../../../src/study/placement/tiers.ts';
import {
  type Assumptions,
  costsByTier,
  dividedWork,
  expectedTimes,
  predictPlacements,
} from '../../../../src/study/predict.ts';
import { costProfileByMacs } from '../../../../src/study/profile/cost-profile.ts';
import { type UnitsBefore, unitsUpTo } from '../../../../src/transforms/cuts/frontier.ts';
import { endsOfWork } from '../../../../src/transforms/cuts/minimum-cut.ts';

const file = 'public/samples/zoo/shufflenet_v2_x1_0.onnx';
const model = refillHollow(parseModel(memorySource(readFileSync(file)), file));
const view = buildGraphView(model, { modelId: file, fileName: file, fileBytes: 0 });
const work = expectedWork(view, []);
const { graph } = work;
const pairs = ['mobile-edge', 'edge-cloud', 'mobile-cloud'] as const;

describe('the fastest cut', () => {
  it('is never slower than the best of the chart along the graph', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...pairs),
        fc.double({ min: 1, max: 2000, noNaN: true }),
        fc.double({ min: 0.5, max: 1000, noNaN: true }),
        fc.constantFrom('float32' as const, 'uint8' as const),
        (name, computeMs, bandwidthMbps, transfer) => {
          const link = { bandwidthMbps, rttMs: 5, jitterMs: 1 };
          const setup: TierSetup = { ...DEFAULT_SETUP, links: { 'mobile-edge': link, 'edge-cloud': link } };
          const costs = costsByTier(costProfileByMacs(view, computeMs, 1000), setup);
          const given: Assumptions = {
            setup,
            sends: 'encoded-image',
            transfer,
            shares: new Map(),
            imageBytes: 1000,
          };
          const along = defined(predictPlacements(work, costs, given).cut.get(name), name);
          const best = along.reduce((least, ms) => (ms < least ? ms : least), Number.POSITIVE_INFINITY);
          const found = defined(fastestCuts(work, costs, name, given), 'a cut');
          expect(found.times.totalMs).toBeLessThanOrEqual(best + 1e-9);
        },
      ),
      { numRuns: 12 },
    );
  });

  it('of three tiers is never slower than any two cuts straight across', () => {
    const legal = view.frontiers.filter((frontier) => frontier.legal).map(({ afterNode }) => afterNode);
    const setup: TierSetup = {
      ...DEFAULT_SETUP,
      links: { ...DEFAULT_SETUP.links, 'edge-cloud': { bandwidthMbps: 20, rttMs: 10, jitterMs: 1 } },
    };
    const costs = costsByTier(costProfileByMacs(view, 400, 1000), setup);
    const given: Assumptions = {
      setup,
      sends: 'encoded-image',
      transfer: 'float16',
      shares: new Map(),
      imageBytes: 1000,
    };
    const totalOf = (befores: readonly UnitsBefore[]): number => {
      const cuts = befores.map((before) => ({ graph, before }));
      const times = expectedTimes(dividedWork(work, cuts, given), costs, 'mobile-edge-cloud', given);
      return times?.totalMs ?? Number.NaN;
    };
    const found = defined(fastestCuts(work, costs, 'mobile-edge-cloud', given), 'cuts');
    expect(found.before).toHaveLength(2);
    expect(totalOf(found.before)).toBeCloseTo(found.times.totalMs, 9);
    const { work: units } = endsOfWork(graph);
    const hasWork = (first: UnitsBefore, second: UnitsBefore): boolean =>
      [2, 1, 0].every((sum) => units.some((unit) => first[unit]! + second[unit]! === sum));
    fc.assert(
      fc.property(fc.constantFrom(...legal), fc.constantFrom(...legal), (a, b) => {
        const pair = [Math.min(a, b), Math.max(a, b)].map((at) => unitsUpTo(graph, at));
        fc.pre(hasWork(pair[0]!, pair[1]!));
        expect(found.times.totalMs).toBeLessThanOrEqual(totalOf(pair) + 1e-9);
      }),
      { numRuns: 60 },
    );
  });
});

describe('a tier without enough memory', () => {
  it('is offered the nearest cut whose parts fit, and none if none does', () => {
    const total = expectedPartBytes(work, [], [])[0] ?? 0;
    const needed = MEMORY_PER_FILE_BYTE * total;
    const legal = view.frontiers.filter((frontier) => frontier.legal).map(({ afterNode }) => afterNode);
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1.1, noNaN: true }), fc.constantFrom(...legal), (share, from) => {
        const { tiers } = DEFAULT_SETUP;
        const edge = { ...tiers.edge, memoryLimitBytes: share * needed };
        const placement = {
          name: 'mobile-edge',
          setup: { ...DEFAULT_SETUP, tiers: { ...tiers, edge } },
        } as const;
        const fits = (afterNode: number): boolean => {
          const parts = expectedPartBytes(work, [{ graph, before: unitsUpTo(graph, afterNode) }], []);
          return parts.length === 2 && MEMORY_PER_FILE_BYTE * (parts[1] ?? 0) <= share * needed;
        };
        const found = nearestFittingCut(work, [], placement, from);
        const distances = legal.filter(fits).map((afterNode) => Math.abs(afterNode - from));
        if (found === null) expect(distances).toEqual([]);
        else expect(Math.abs(found - from)).toBe(Math.min(...distances));
      }),
      { numRuns: 12 },
    );
  });
});
