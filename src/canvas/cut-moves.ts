import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { isNested, unitsUpTo } from '../transforms/cuts/frontier.ts';
import { cutGraphFor, type PlacedCut, placedCut } from '../transforms/cuts/placed-cut.ts';
import { cutScope, type Placement } from '../transforms/placement.ts';
import { legalCuts } from './places.ts';

/** The cut after a node, straight across all branches; null if nothing is left on one side. */
export function straightCut(view: GraphView, placement: Placement, afterNode: number): PlacedCut | null {
  const graph = cutGraphFor(view, cutScope(placement, view));
  const before = unitsUpTo(graph, afterNode);
  return before.includes(1) && before.includes(0) ? placedCut(graph, before, null, null) : null;
}

/**
 * The cut at the place where one of a placement's cuts is being moved, or nearest to it where it would meet the
 * other cut: two cuts never cross.
 * @param moved index of the cut that moves; one beyond the last for a cut that is being added
 */
export function movedCut(
  view: GraphView,
  placement: Placement,
  moved: number,
  afterNode: number,
): PlacedCut | null {
  const other = placement.cuts.length > 1 ? placement.cuts[1 - moved] : undefined;
  const wanted = straightCut(view, placement, afterNode);
  if (other === undefined || (wanted !== null && fits(wanted, other, moved))) return wanted;
  const places = legalCuts(view).toSorted(
    (a, b) => Math.abs(a.afterNode - afterNode) - Math.abs(b.afterNode - afterNode),
  );
  for (const place of places) {
    const cut = straightCut(view, placement, place.afterNode);
    if (cut !== null && fits(cut, other, moved)) return cut;
  }
  return null;
}

/** What crosses all cuts after one of them has moved, in order of the graph. */
export function cutsAfterMove(
  { cuts }: Placement,
  moved: number,
  cut: PlacedCut,
): readonly (readonly ValueName[])[] {
  return cuts.map((old, at) => (at === moved ? cut : old)).map(({ crossing }) => crossing);
}

/** Two cuts where there was one: the new one in the middle of the larger part's work. Null: no room. */
export function secondCut(view: GraphView, placement: Placement): readonly (readonly ValueName[])[] | null {
  const [first] = placement.cuts;
  if (first === undefined) return null;
  const { macs } = view.totals;
  const isBehind = first.cost.macsBefore < macs / 2;
  const target = isBehind ? (first.cost.macsBefore + macs) / 2 : first.cost.macsBefore / 2;
  const distance = (afterNode: number): number =>
    Math.abs((view.frontiers[afterNode]?.macsBefore ?? 0) - target);
  const places = legalCuts(view).toSorted(
    (a, b) => Number(b.single) - Number(a.single) || distance(a.afterNode) - distance(b.afterNode),
  );
  for (const { afterNode } of places) {
    const cut = straightCut(view, placement, afterNode);
    if (cut === null) continue;
    if (fits(cut, first, 1)) return [first.crossing, cut.crossing];
    if (fits(cut, first, 0)) return [cut.crossing, first.crossing];
  }
  return null;
}

function fits(cut: PlacedCut, other: PlacedCut, at: number): boolean {
  if (cut.graph !== other.graph) return false;
  const [first, second] = at === 0 ? [cut, other] : [other, cut];
  return isNested(first.before, second.before) && String(first.before) !== String(second.before);
}
