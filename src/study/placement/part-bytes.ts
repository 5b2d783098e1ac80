import type { Recipe } from '../../transforms/recipe.ts';
import { weightShare } from '../../transforms/quantize/quantize-operator.ts';
import { unitsUpTo } from '../../transforms/cuts/frontier.ts';
import { shortOfMemory } from './check-placement.ts';
import type { CutPlace, ExpectedWork } from './expected-work.ts';
import type { TierPlacement } from './tiers.ts';

/**
 * About how large the files of each part will be, by their weights; those that several parts need count in each.
 * @param cuts in order of the graph
 */
export function expectedPartBytes(
  { graph }: ExpectedWork,
  cuts: readonly CutPlace[],
  recipe: Recipe,
): readonly number[] {
  const quantize = recipe.find((operator) => operator.op === 'quantize');
  // The rest of a file weighs little.
  const factor = quantize === undefined ? 1 : weightShare(quantize);
  const weights = Array.from({ length: cuts.length + 1 }, () => new Set<number>());
  graph.units.forEach((unit) => {
    const node = unit.nodes[0] ?? -1;
    const part = cuts.findIndex((cut) => cut.before[cut.graph.unitOfNode[node] ?? -1] === 1);
    for (const weight of unit.weights) weights[part < 0 ? cuts.length : part]?.add(weight);
  });
  return weights.map((own) =>
    [...own].reduce((sum, weight) => sum + factor * (graph.weightBytes[weight] ?? 0), 0),
  );
}

/**
 * The cut straight across the graph, nearest to a place, whose parts fit the memories of a placement of two tiers.
 * @param afterNode topological position
 * @returns a topological position; null if none fits
 */
export function nearestFittingCut(
  work: ExpectedWork,
  recipe: Recipe,
  placement: Pick<TierPlacement, 'name' | 'setup'>,
  afterNode: number,
): number | null {
  const { graph, view } = work;
  const places = view.frontiers
    .filter(({ legal }) => legal)
    .toSorted((a, b) => Math.abs(a.afterNode - afterNode) - Math.abs(b.afterNode - afterNode));
  const fitting = places.find((place) => {
    const before = unitsUpTo(graph, place.afterNode);
    if (!before.includes(1) || !before.includes(0)) return false;
    const partBytes = expectedPartBytes(work, [{ graph, before }], recipe);
    return shortOfMemory(placement, { partBytes }) === null;
  });
  return fitting?.afterNode ?? null;
}
