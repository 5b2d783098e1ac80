import type { GraphView, SkippableBlock, SkippableRun } from '../onnx/graph-view.ts';
import { type SkipPlacement, skipsOf } from '../transforms/exits/skip-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Layout } from './layout.ts';

/** A run of blocks that a ramp can lead past. */
export interface Ramp {
  readonly run: SkippableRun;
  /** How many of its blocks are skipped, in a row. */
  readonly count: number;
  /** The block behind the last of them, from 0; where none is skipped the run's end. */
  readonly end: number;
  /** Height of the ramp's start for 0, 1, … skipped blocks before `end`: upwards. */
  readonly stops: readonly number[];
  /** Height of the ramp's end for 0, 1, … skipped blocks behind its start: downwards. */
  readonly ends: readonly number[];
}

/** What is skipped, as heights in the layout. */
export interface Bridge extends SkipPlacement {
  readonly top: number;
  readonly bottom: number;
}

/** The blocks of a graph that can be skipped, and those that are: of several parts of a run the last. */
export function rampsOf(
  view: GraphView,
  layout: Layout,
  skipped: ReadonlySet<SkippableBlock>,
): readonly Ramp[] {
  return (view.skippable ?? []).map((run) => {
    const { blocks } = run;
    const last = blocks.findLastIndex((block) => skipped.has(block));
    const end = last < 0 ? blocks.length : last + 1;
    const kept = last < 0 ? end - 1 : blocks.findLastIndex((block, at) => at < end && !skipped.has(block));
    const count = end - 1 - kept;
    // Between the blocks, from the run's start to its end.
    const heights = [
      ...blocks.map(({ firstNode }) => heightAfter(layout, firstNode - 1)),
      heightAfter(layout, run.lastNode),
    ];
    return {
      run,
      count,
      end,
      stops: heights.slice(0, end + 1).reverse(),
      ends: heights.slice(end - count),
    };
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
