import type { LeavesBlocksOut } from './exits/skip-blocks.ts';
import { isIdlePrune } from './prune/idle-prune.ts';
import type { StructuredPruneOperator } from './prune/prune-operator.ts';
import type { Operator, Recipe } from './recipe.ts';

/**
 * The order of the operators makes no difference to what comes out, so channels are removed where that can be: from
 * what blocks that are left out leave, and before heads are trained for the values they hang on.
 */
export function inOrderOfEffect(recipe: Recipe): Recipe {
  if (!recipe.some(removesChannels)) return recipe;
  return recipe.toSorted((a, b) => stageOf(a) - stageOf(b));
}

const HEADS_STAGE = 2;

function stageOf(operator: Operator): number {
  if (leavesBlocksOut(operator)) return 0;
  return operator.op === 'prune' || operator.op === 'prepare' ? 1 : HEADS_STAGE;
}

/** The first operator of a recipe that is about channels, whatever it removes, and what is done to a model before. */
export function untilChannelsGo(recipe: Recipe): {
  readonly before: Recipe;
  readonly operator: StructuredPruneOperator | null;
} {
  const early = recipe
    .filter((operator) => stageOf(operator) < HEADS_STAGE)
    .toSorted((a, b) => stageOf(a) - stageOf(b));
  const at = early.findIndex(isAboutChannels);
  const operator = early[at];
  return operator !== undefined && isAboutChannels(operator)
    ? { before: early.slice(0, at), operator }
    : { before: early, operator: null };
}

/** Whether an operator goes round blocks, be it called an exit or pruning. */
export function leavesBlocksOut(operator: Operator): operator is LeavesBlocksOut {
  if (operator.op === 'early-exit') return operator.kind === 'skip';
  return operator.op === 'prune' && operator.kind === 'block';
}

export function isAboutChannels(operator: Operator): operator is StructuredPruneOperator {
  return operator.op === 'prune' && operator.kind === 'structured';
}

/** Whether an operator makes values narrower. */
export function removesChannels(operator: Operator): boolean {
  return operator.op === 'prune' && operator.kind === 'structured' && !isIdlePrune(operator);
}
