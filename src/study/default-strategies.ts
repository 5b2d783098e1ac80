import type { FrontierView, GraphView } from '../onnx/graph-view.ts';
import { lastBlocks } from '../transforms/exits/last-blocks.ts';
import { distinctlyNamed, recipeName } from '../transforms/recipe-name.ts';
import {
  DEFAULT_SKIPPED_BLOCKS,
  type NamedRecipe,
  type Operator,
  type Recipe,
} from '../transforms/recipe.ts';

/** Confidence at which a dynamic exit is taken, from eager to careful. */
const exitThresholds = [0.5, 0.7, 0.9] as const;

/** Threshold of the combination: the careful one, because int8 costs confidence too. */
const combinedThreshold = 0.9;

/**
 * A sensible first set of recipes for a model with no choices made: the model as it is, each exit it has, exits
 * by confidence (or, with a single output, its last two identical blocks left out), int8, weights and channels
 * pruned, a cut in the middle of the work, and a combination. Not every model takes all of them: the model worker's
 * `check` says which are refused and why.
 */
export function defaultRecipes(view: GraphView): readonly NamedRecipe[] {
  const lastExit = view.exits.length - 1;
  const hasExits = lastExit > 0;
  const cut = middleCut(view);
  const quantize: Operator = { op: 'quantize', mode: 'dynamic' };
  const recipes: Recipe[] = [[{ op: 'identity' }]];
  for (let exit = 0; exit < lastExit; exit++) recipes.push([{ op: 'early-exit', kind: 'existing', exit }]);
  if (!hasExits && lastBlocks(view.skippable ?? [], DEFAULT_SKIPPED_BLOCKS)) {
    recipes.push([{ op: 'early-exit', kind: 'skip', blocks: DEFAULT_SKIPPED_BLOCKS }]);
  }
  if (hasExits) for (const threshold of exitThresholds) recipes.push([dynamicExits(threshold)]);
  recipes.push([quantize]);
  recipes.push([{ op: 'prune', kind: 'unstructured', ratio: 0.5 }]);
  // Nothing is trained or looked at first, so few go: of more, little stays right.
  recipes.push([{ op: 'prune', kind: 'structured', ratio: 0.25 }]);
  if (cut) recipes.push([{ op: 'partition', cut }]);
  if (hasExits) recipes.push([quantize, dynamicExits(combinedThreshold)]);
  else if (cut) recipes.push([quantize, { op: 'partition', cut }]);
  return distinctlyNamed(recipes.map((recipe) => ({ name: recipeName(recipe, view), recipe })));
}

function dynamicExits(threshold: number): Operator {
  return { op: 'early-exit', kind: 'existing', threshold };
}

/** The value of the single-value cut nearest to half of the work; undefined if there is none. */
function middleCut(view: GraphView): string | undefined {
  const half = view.totals.macs / 2;
  const distance = (frontier: FrontierView): number => Math.abs(frontier.macsBefore - half);
  const nearest = view.frontiers
    .filter((frontier) => frontier.legal && frontier.crossing.length === 1)
    .reduce<FrontierView | undefined>(
      (best, frontier) => (best && distance(best) <= distance(frontier) ? best : frontier),
      undefined,
    );
  return nearest?.crossing[0];
}
