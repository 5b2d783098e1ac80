import type { GraphView, SkippableBlock, SkippableRun } from '../onnx/graph-view.ts';
import { type SkipPlacement, skipsOf } from '../transforms/exits/skip-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Layout } from './layout.ts';

/** A run of blocks that a ramp can lead past. */
export interface Ramp {
  readonly run: SkippableRun;
  /** How many of its last blocks are skipped. */
  readonly count: number;
  /** Height of the ramp's start for 0, 1, … skipped blocks: from the run's end upwards. */
  readonly stops: readonly number[];
}

/** What is skipped, as heights in the layout. */
export interface Bridge extends SkipPlacement {
  readonly top: number;
  readonly bottom: number;
}

/** The repeated blocks of a graph and those that are skipped; a lone block has a ramp only while it is skipped. */
export function rampsOf(
  view: GraphView,
  layout: Layout,
  skipped: ReadonlySet<SkippableBlock>,
): readonly Ramp[] {
  return (view.skippable ?? []).flatMap((run) => {
    const kept = run.blocks.findLastIndex((block) => !skipped.has(block));
    const count = run.blocks.length - 1 - kept;
    if (run.blocks.length < 2 && count === 0) return [];
    const starts = run.blocks.map(({ firstNode }) => heightAfter(layout, firstNode - 1)).reverse();
    return [{ run, count, stops: [heightAfter(layout, run.lastNode), ...starts] }];
  });
}

/** What a recipe leaves out, where the layout has it. */
export function bridgesOf(recipe: Recipe, view: GraphView, layout: Layout): readonly Bridge[] {
  return skipsOf(recipe, view).skips.map((skip) => ({
    ...skip,
    top: heightAfter(layout, skip.afterNode),
    bottom: heightAfter(layout, skip.lastNode),
  }));
}

/** The stop nearest to a height: how many blocks a ramp that starts there skips. */
export function nearestStop(stops: readonly number[], y: number): number {
  let best = 0;
  for (const [count, stop] of stops.entries())
    if (Math.abs(stop - y) < Math.abs((stops[best] ?? 0) - y)) best = count;
  return best;
}

/** Height of the frontier after a node; before the first node it is below the model's input. */
function heightAfter({ frontierY, boxes }: Layout, node: number): number {
  const [input, first] = boxes;
  if (node >= 0) return frontierY[node] ?? 0;
  return input && first ? (input.y + input.height + first.y) / 2 : 0;
}
