import type { Recipe } from '../recipe.ts';
import type { PruneOperator } from './prune-operator.ts';

/**
 * What a recipe does to the float model besides pruning of this kind: what is asked about parts to remove is asked of
 * that. Stops, cuts and integers change nothing of what parts are worth.
 */
export function recipeToGate(recipe: Recipe, kind: PruneOperator['kind']): Recipe {
  return recipe.filter((operator) => {
    if (operator.op === 'prune') return operator.kind !== kind;
    return operator.op === 'prepare' || (operator.op === 'early-exit' && operator.kind === 'skip');
  });
}
