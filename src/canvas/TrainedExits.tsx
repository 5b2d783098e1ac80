import { useMemo } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import { type SkipPlacement, skippedNodes } from '../transforms/exits/skip-placement.ts';
import { nodeOfTap, tapPlaces, trainedExitsOf, withoutTap } from '../transforms/exits/trained-placement.ts';
import { placeOfCut } from '../transforms/recipe-name.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Layout } from './layout.ts';
import { PlaceHandle } from './PlaceHandle.tsx';
import { tapsBeside } from './places.ts';
import type { HandleMoves } from './use-handle-moves.ts';

interface TrainedExitsProps {
  readonly view: GraphView;
  readonly recipe: Recipe;
  readonly onRecipe: (next: Recipe) => void;
  readonly moves: HandleMoves;
  /** A short text for an exit, by the value it hangs on; those without one are not trained yet. */
  readonly notes: ReadonlyMap<string, string> | undefined;
  readonly layout: Layout;
  /** What the recipe leaves out. */
  readonly skips: readonly SkipPlacement[];
}

/** The trained exits of a recipe, each a handle along the graph, and the one that is being added. */
export function TrainedExits({ view, recipe, onRecipe, moves, notes, layout, skips }: TrainedExitsProps) {
  const places = tapPlaces(view);
  const left = useMemo(() => tapsBeside(view, skips), [view, skips]);
  const skipped = useMemo(() => skippedNodes(view, skips), [view, skips]);
  const exits = (trainedExitsOf(recipe)?.at ?? []).flatMap((value, index) => {
    const resting = nodeOfTap(view, value);
    return resting < 0 ? [] : [{ value, index, resting }];
  });
  const moved = moves.state.kind === 'dragging' || moves.state.kind === 'stepping' ? moves.state : null;
  const moving = moved?.subject === 'tap' ? moved : null;
  const isAdding = moving !== null && moving.from === null && moving.place !== null;
  const shown = isAdding ? [...exits, { value: null, index: exits.length, resting: null }] : exits;
  return shown.map(({ value, index, resting }) => {
    const at = moving?.from === resting ? (moving.place ?? resting) : resting;
    if (at === null) return null;
    // Inside a branch there is no place along the graph; an exit can hang there nevertheless.
    const here = places.find(({ afterNode }) => afterNode === at);
    const share = Math.round((100 * (view.frontiers[at]?.macsBefore ?? 0)) / Math.max(1, view.totals.macs));
    const isGone = here ? !left.includes(here) : skipped.has(at);
    const note = isGone ? 'skipped' : (notes?.get(here?.value ?? value ?? '') ?? 'not trained');
    return (
      <PlaceHandle
        key={value ?? 'added'}
        subject="tap"
        name={`trained exit ${index + 1}`}
        moves={moves}
        at={at}
        y={layout.frontierY[at] ?? 0}
        resting={resting}
        isGone={isGone}
        valueText={`${placeOfCut(view, at)}, ${note}, ${share} % of MACs`}
        onRemove={() => value !== null && onRecipe(withoutTap(recipe, view, value))}
      >
        <b>
          exit {index + 1} · {note}
        </b>
        <span>{share} % of MACs</span>
      </PlaceHandle>
    );
  });
}
