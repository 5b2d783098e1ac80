import { type CutGraph } from '../../transforms/cuts/cut-graph.ts';
import { type UnitsBefore, unitsUpTo } from '../../transforms/cuts/frontier.ts';
import { minimumCut } from '../../transforms/cuts/minimum-cut.ts';
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

/** The cut that is expected to be the fastest for two tiers, and what it is expected to take. */
export interface FastestCut {
  readonly graph: CutGraph;
  readonly before: UnitsBefore;
  readonly times: ExpectedTimes;
}

/**
 * Finds the fastest cut of all, also of those whose branches are cut at different depths: a minimum cut by the costs
 * of nodes and values, or the best cut straight across the graph, where exits make that one faster.
 * @returns null if there is no legal cut, or the placement has not two tiers
 */
export function fastestCut(
  work: ExpectedWork,
  costs: CostsByTier,
  name: PlacementName,
  assumptions: Assumptions,
): FastestCut | null {
  const [first, last, ...others] = tiersOfPlacement(name);
  if (first === undefined || last === undefined || others.length > 0) return null;
  const { graph, view } = work;
  const reach = nodeShares(work, assumptions.shares);
  const onTier = (nodeMs: ArrayLike<number>): number[] =>
    graph.units.map(({ nodes }) =>
      nodes.reduce((sum, node) => sum + (reach[node] ?? 0) * (nodeMs[node] ?? 0), 0),
    );
  const msPerByte = linksBetween(first, last).reduce(
    (sum, link) => sum + 8 / (1000 * assumptions.setup.links[link].bandwidthMbps),
    0,
  );
  const found = minimumCut(graph, {
    before: onTier(costs[first].nodeMs),
    after: onTier(costs[last].nodeMs),
    crossing: graph.values.map(({ name: value }) => {
      const facts = view.values.get(value);
      const bytes = facts ? transferredBytes(facts, assumptions.transfer) : null;
      return bytes === null ? Number.POSITIVE_INFINITY : bytes * msPerByte;
    }),
  });
  const along = predictPlacements(work, costs, assumptions).cut.get(name) ?? new Float64Array(0);
  const straight = along.reduce((best, ms, at) => (ms < (along[best] ?? Infinity) ? at : best), -1);
  const candidates = [
    ...(straight >= 0 ? [unitsUpTo(graph, straight)] : []),
    ...(found ? [found.before] : []),
  ].flatMap((before): FastestCut[] => {
    const times = expectedTimes(
      dividedWork(work, [{ graph, before }], assumptions),
      costs,
      name,
      assumptions,
    );
    return times ? [{ graph, before, times }] : [];
  });
  const [one, other] = candidates;
  // Straight cuts are easier to read; the other must be faster, not only as fast.
  return other && one && other.times.totalMs < one.times.totalMs - 1e-9 ? other : (one ?? null);
}
