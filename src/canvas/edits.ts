import { unreachable } from '../base/assert.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { scoresMaps } from '../study/scores-classes.ts';
import {
  nodeOfTap,
  tapPlaces,
  trainedExitsOf,
  withTap,
  withTapMoved,
} from '../transforms/exits/trained-placement.ts';
import {
  DEFAULT_EXIT_THRESHOLD,
  type ExitPlacement,
  type Placement,
  withCuts,
  withDynamicExits,
  withFixedExit,
  withoutExits,
} from '../transforms/placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { cutsAfterMove, movedCut } from './cut-moves.ts';
import type { Drop } from './drag-state.ts';

/** Which cut a gesture that began at this place moves. */
export function indexOfMoved({ cuts }: Placement, from: number | null): number {
  return from === null ? cuts.length : cuts.findIndex(({ afterNode }) => afterNode === from);
}

/** The recipe once a handle has come to rest somewhere else. */
export function recipeAfter(
  { subject, place, from }: Drop,
  recipe: Recipe,
  view: GraphView,
  placement: Placement,
): Recipe {
  switch (subject) {
    case 'cut': {
      const moved = indexOfMoved(placement, from);
      const cut = movedCut(view, placement, moved, place);
      if (cut === null) return recipe;
      const cuts = moved < placement.cuts.length ? cutsAfterMove(placement, moved, cut) : [cut.crossing];
      return withCuts(recipe, cuts);
    }
    case 'stop':
      return withFixedExit(recipe, place);
    case 'tap': {
      const valueAt = (at: number | null) => tapPlaces(view).find(({ afterNode }) => afterNode === at)?.value;
      const own = trainedExitsOf(recipe)?.at.find((each) => nodeOfTap(view, each) === from);
      const [old, value] = [own ?? valueAt(from), valueAt(place)];
      if (value === undefined) return recipe;
      return old === undefined ? withTap(recipe, view, value) : withTapMoved(recipe, view, old, value);
    }
    default:
      return unreachable(subject);
  }
}

/** The recipe with an exit taken in or left out; where inference always stops at one exit, it stops there instead. */
export function withExitToggled(
  recipe: Recipe,
  view: GraphView,
  placed: ExitPlacement,
  exit: number,
): Recipe {
  const final = view.exits.length - 1;
  switch (placed.kind) {
    case 'none':
      // Nobody can be confident of outputs that are not one score for each class.
      return scoresMaps(view)
        ? withFixedExit(recipe, exit)
        : withDynamicExits(recipe, [exit, final], DEFAULT_EXIT_THRESHOLD);
    case 'fixed':
      return placed.exit === exit ? withoutExits(recipe) : withFixedExit(recipe, exit);
    case 'dynamic': {
      // Thresholds stay with their exits; a new one takes the default.
      const thresholds = new Map(placed.exits.map((index, i) => [index, placed.thresholds[i]]));
      const exits = placed.exits.includes(exit)
        ? placed.exits.filter((index) => index !== exit)
        : [...placed.exits, exit].toSorted((a, b) => a - b);
      const kept = exits
        .slice(0, -1)
        .map((index) => thresholds.get(index) ?? commonThreshold(placed.thresholds));
      const [first] = kept;
      const same = first !== undefined && kept.every((threshold) => threshold === first);
      return withDynamicExits(recipe, exits, same ? first : kept);
    }
  }
}

/** The threshold that all exits share, or the default. */
function commonThreshold(thresholds: readonly number[]): number {
  const [first = DEFAULT_EXIT_THRESHOLD] = thresholds;
  return thresholds.every((threshold) => threshold === first) ? first : DEFAULT_EXIT_THRESHOLD;
}
