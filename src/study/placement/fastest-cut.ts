import { type CutGraph } from '../../transforms/cuts/cut-graph.ts';
import { type UnitsBefore, unitsUpTo } from '../../transforms/cuts/frontier.ts';
import { minimumCuts } from '../../transforms/cuts/minimum-cut.ts';
import { transferredBytes } from '../../transforms/transfer.ts';
import {
  type Assumptions,
  type CostsByTier,
  dividedWork,
  type ExpectedTimes,
  expectedTimes,
  predictPlacements,
} from '../predict.ts';
import { type ExpectedWork, nodeShares } from './expected-work.ts';
import { linksBetween, type PlacementName, tiersOfPlacement } from './tiers.ts';

/** The cuts that are expected to be the fastest for a placement, and what they are expected to take. */
export interface FastestCuts {
  readonly graph: CutGraph;
  /** What lies before each cut, in order. */
  readonly before: readonly UnitsBefore[];
  readonly times: ExpectedTimes;
}

/**
 * Finds the fastest cuts of all, also of those whose branches are cut at different depths: minimum cuts by the costs
 * of nodes and values; for two tiers also the best cut straight across the graph, where exits make that one faster.
 * @returns null if there are no legal cuts, or the placement has a single tier
 */
export function fastestCuts(
  work: ExpectedWork,
  costs: CostsByTier,
  name: PlacementName,
  assumptions: Assumptions,
): FastestCuts | null {
  const tiers = tiersOfPlacement(name);
  if (tiers.length < 2) return null;
  const { graph } = work;
  const reach = nodeShares(work, assumptions.shares);
  const onTier = (nodeMs: ArrayLike<number>): number[] =>
    graph.units.map(({ nodes }) =>
      nodes.reduce((sum, node) => sum + (reach[node] ?? 0) * (nodeMs[node] ?? 0), 0),
    );
  const found = minimumCuts(graph, {
    parts: tiers.map((tier) => onTier(costs[tier].nodeMs)),
    crossing: tiers.slice(1).map((to, at) => {
      const links = linksBetween(tiers[at] ?? to, to).map((link) => assumptions.setup.links[link]);
      const msPerByte = links.reduce((sum, { bandwidthMbps }) => sum + 8 / (1000 * bandwidthMbps), 0);
      return graph.values.map((value) => {
        const bytes = transferredBytes(value, assumptions.transfer);
        return bytes === null ? Number.POSITIVE_INFINITY : bytes * msPerByte;
      });
    }),
  });
  const along = predictPlacements(work, costs, assumptions).cut.get(name) ?? new Float64Array(0);
  const straight = along.reduce((best, ms, at) => (ms < (along[best] ?? Infinity) ? at : best), -1);
  const candidates = [
    ...(straight >= 0 ? [[unitsUpTo(graph, straight)]] : []),
    ...(found ? [found.before] : []),
  ].flatMap((before): FastestCuts[] => {
    const cuts = before.map((each) => ({ graph, before: each }));
    const times = expectedTimes(dividedWork(work, cuts, assumptions), costs, name, assumptions);
    return times ? [{ graph, before, times }] : [];
  });
  const [one, other] = candidates;
  // Straight cuts are easier to read; the other must be faster, not only as fast.
  return other && one && other.times.totalMs < one.times.totalMs - 1e-9 ? other : (one ?? null);
}
