import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { headOfNodes } from '../onnx/exit-heads.ts';
import { type SkipPlacement, skippedNodes } from '../transforms/exits/skip-placement.ts';
import { type TapPlace, tapPlaces } from '../transforms/exits/trained-placement.ts';
import type { Layout } from './layout.ts';

/** A legal place for a handle. */
export interface Place {
  /** Node after which a cut lies, or an exit's index. */
  readonly at: number;
  /** Height at zoom 1. */
  readonly y: number;
  /** Extra distance, in pixels on screen, from which this place attracts the pointer. */
  readonly pullPx: number;
  /** Whether it ends a block: where PageUp and PageDown stop. */
  readonly endsBlock: boolean;
}

/** Single-value cuts are what most people want: they attract from this much farther away. */
const SINGLE_VALUE_PULL_PX = 14;

/** Legal cuts of a graph's trunk from top to bottom; of frontiers that the same values cross only the last. */
export function cutPlaces(view: GraphView, layout: Layout): readonly Place[] {
  const blockEnds = new Set(view.blocks.map(({ lastNode }) => lastNode));
  return legalCuts(view).map(({ afterNode, single }) => ({
    at: afterNode,
    y: layout.frontierY[afterNode] ?? 0,
    pullPx: single ? SINGLE_VALUE_PULL_PX : 0,
    endsBlock: blockEnds.has(afterNode),
  }));
}

/**
 * Where exits can be trained: behind the node that makes each value, in order.
 * @param skips what the recipe leaves out: nothing can hang on it
 */
export function trainedExitPlaces(
  view: GraphView,
  layout: Layout,
  skips: readonly SkipPlacement[],
): readonly Place[] {
  const blockEnds = new Set(view.blocks.map(({ lastNode }) => lastNode));
  return tapsBeside(view, skips).map(({ afterNode }) => ({
    at: afterNode,
    y: layout.frontierY[afterNode] ?? 0,
    pullPx: blockEnds.has(afterNode) ? SINGLE_VALUE_PULL_PX : 0,
    endsBlock: blockEnds.has(afterNode),
  }));
}

/** Values on which exits can hang when blocks are skipped. */
export function tapsBeside(view: GraphView, skips: readonly SkipPlacement[]): readonly TapPlace[] {
  const skipped = skippedNodes(view, skips);
  if (skipped.size === 0) return tapPlaces(view);
  const gone = new Set([...skipped].flatMap((node) => view.nodes[node]?.outputs ?? []));
  return tapPlaces(view).filter(({ value }) => !gone.has(value));
}

/** Where a fixed exit can stand: below the node that makes each output, in order. */
export function stopPlaces(view: GraphView, layout: Layout): readonly Place[] {
  return view.exits.map(({ index, node }) => ({
    at: index,
    y: layout.frontierY[Math.max(0, node)] ?? 0,
    pullPx: 0,
    endsBlock: true,
  }));
}

/**
 * The place that a pointer means: the nearest on screen, counting a place nearer by its pull.
 * @param y height of the pointer at zoom 1
 * @param zoom screen pixels per pixel at zoom 1
 */
export function nearestPlace(places: readonly Place[], y: number, zoom: number): Place | undefined {
  let best: Place | undefined;
  let bestPx = Infinity;
  for (const place of places) {
    const px = Math.abs(place.y - y) * zoom - place.pullPx;
    if (px < bestPx) {
      best = place;
      bestPx = px;
    }
  }
  return best;
}

export type Step = 'previous' | 'next' | 'previousBlock' | 'nextBlock' | 'first' | 'last';

/** The place one step away from `at`; at either end it stays. */
export function stepFrom(places: readonly Place[], at: number | null, step: Step): Place | undefined {
  const current = at ?? -1;
  const after = places.filter((place) => place.at > current);
  const before = places.filter((place) => place.at < current);
  const here = places.find((place) => place.at === current);
  switch (step) {
    case 'next':
      return after[0] ?? here;
    case 'previous':
      return before.at(-1) ?? here;
    case 'nextBlock':
      return after.find(({ endsBlock }) => endsBlock) ?? places.at(-1);
    case 'previousBlock':
      return before.findLast(({ endsBlock }) => endsBlock) ?? places[0];
    case 'first':
      return places[0];
    case 'last':
      return places.at(-1);
  }
}

export interface LegalCut {
  readonly afterNode: number;
  readonly single: boolean;
}

const legalCutsCache = new WeakMap<GraphView, readonly LegalCut[]>();

/** Legal cuts in order; of those that the same values cross only the last. */
export function legalCuts(view: GraphView): readonly LegalCut[] {
  const cached = legalCutsCache.get(view);
  if (cached) return cached;
  const insideHeads = valuesInsideHeads(view);
  // Keyed by what crosses, the last one wins: an exit at the cut is decided before anything is sent.
  const cuts = new Map<string, LegalCut>();
  for (const { afterNode, crossing, legal } of view.frontiers) {
    const key = crossing.toSorted().join('\0');
    cuts.delete(key);
    const divides = legal && !crossing.some((value) => insideHeads.has(value));
    if (divides) cuts.set(key, { afterNode, single: crossing.length === 1 });
  }
  const inOrder = [...cuts.values()];
  legalCutsCache.set(view, inOrder);
  return inOrder;
}

/** Values between nodes of an exit's head: a cut through a head would divide an exit, not the model. */
function valuesInsideHeads(view: GraphView): ReadonlySet<ValueName> {
  const heads = headOfNodes(view);
  const inside = view.edges.filter(({ from, to }) => from >= 0 && to >= 0 && (heads[from] ?? -1) >= 0);
  return new Set(inside.map(({ value }) => value));
}
