import { unreachable } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import type { EarlyExitOperator, Operator, Recipe } from './recipe.ts';

/**
 * Refuses sequences of operators that make no sense whatever the model is.
 * @throws InputError `recipe-sequence` naming the operators that do not go together, and why
 */
export function checkSequence(recipe: Recipe): void {
  const firstIndexOf = new Map<Step, number>();
  recipe.forEach((operator, index) => {
    const problem = problemAfter(operator, firstIndexOf);
    if (problem !== null) {
      throw new InputError({
        code: 'recipe-sequence',
        message: `recipe[${index}]: ${problem.message}`,
        where: `recipe[${index}]`,
        hint: problem.hint,
      });
    }
    const step = stepOf(operator);
    if (!firstIndexOf.has(step)) firstIndexOf.set(step, index);
  });
  const nested = recipe.findIndex((operator) => operator.op === 'early-exit' && isNested(operator));
  const cut = firstIndexOf.get('partition');
  if (nested < 0 || cut === undefined) return;
  throw new InputError({
    code: 'recipe-sequence',
    message: `recipe[${cut}]: partition with recipe[${nested}] early-exit "form": "if": the one file that decides inside cannot be divided`,
    where: `recipe[${cut}]`,
    hint: 'Use "form": "segments" to run the parts on different tiers.',
  });
}

/** What a recipe may have once: leaving blocks out is another thing than stopping at an output. */
export type Step = Operator['op'] | 'skip';

function isNested(operator: EarlyExitOperator): boolean {
  return operator.kind !== 'skip' && operator.form === 'if';
}

/** The step that an operator is. */
export function stepOf(operator: Operator): Step {
  return operator.op === 'early-exit' && operator.kind === 'skip' ? 'skip' : operator.op;
}

function problemAfter(
  operator: Operator,
  firstIndexOf: ReadonlyMap<Step, number>,
): { message: string; hint: string } | null {
  const earlier = firstIndexOf.get(stepOf(operator));
  switch (operator.op) {
    case 'identity':
      return null;
    case 'prune': {
      const quantized = firstIndexOf.get('quantize');
      if (quantized === undefined) return null;
      return {
        message: `prune after recipe[${quantized}] quantize: the weights are integers by then, and their magnitudes are ranked before rounding`,
        hint: 'Move prune before quantize; zeros stay exactly zero when they are quantized.',
      };
    }
    case 'quantize':
      if (earlier === undefined) return null;
      return {
        message: `quantize again after recipe[${earlier}]: the weights are integers already`,
        hint: 'Keep one quantize operator.',
      };
    case 'early-exit':
      if (earlier === undefined) return null;
      if (operator.kind === 'skip') {
        return {
          message: `early-exit "skip" again after recipe[${earlier}]: one operator says which blocks are left out`,
          hint: 'Keep one; its "bypass" can name several places.',
        };
      }
      return {
        message: `early-exit again after recipe[${earlier}]: one operator says where inference may stop`,
        hint: 'Keep one; its "exits" and "threshold" can name several exits.',
      };
    case 'partition':
      if (earlier === undefined) return null;
      return {
        message: `partition again after recipe[${earlier}]: one cut into two segments is supported`,
        hint: 'Keep one partition operator.',
      };
    default:
      return unreachable(operator);
  }
}
