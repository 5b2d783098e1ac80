import type { Operator, Recipe } from '../../transforms/recipe.ts';

/**
 * What of a recipe changes the numbers that a model computes: it gives one file, which can be compared with the
 * unchanged model value by value. Cuts and stops only divide it; heads of trained exits have nothing to be compared
 * with.
 */
export function recipeToCompare(recipe: Recipe): Recipe {
  return recipe.filter(changesNumbers);
}

/** What of it changes the float model without changing what it computes: the other side has it, too. */
export function recipeOfReference(recipe: Recipe): Recipe {
  return recipe.filter(({ op }) => op === 'prepare');
}

function changesNumbers(operator: Operator): boolean {
  switch (operator.op) {
    case 'identity':
    case 'partition':
      return false;
    case 'early-exit':
      return operator.kind === 'skip';
    default:
      return true;
  }
}
