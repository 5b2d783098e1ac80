import { isIdlePrune } from './prune/idle-prune.ts';
import type { Operator, Recipe } from './recipe.ts';

/**
 * The order of the operators makes no difference to what comes out, so channels are removed where that can be: from
 * what skipped blocks leave, and before heads are trained for the values they hang on.
 */
export function inOrderOfEffect(recipe: Recipe): Recipe {
  if (!recipe.some(removesChannels)) return recipe;
  const stage = (operator: Operator): number => {
    if (operator.op === 'prune' || operator.op === 'prepare') return 1;
    return operator.op === 'early-exit' && operator.kind === 'skip' ? 0 : 2;
  };
  return recipe.toSorted((a, b) => stage(a) - stage(b));
}

/** Whether an operator makes values narrower. */
export function removesChannels(operator: Operator): boolean {
  return operator.op === 'prune' && operator.kind === 'structured' && !isIdlePrune(operator);
}
