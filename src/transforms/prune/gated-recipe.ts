import type { SkippableBlock } from '../../onnx/graph-view.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { applyRecipe } from '../apply-recipe.ts';
import { canBypass } from '../exits/skip-blocks.ts';
import { NO_HEADS } from '../exits/trained-head.ts';
import type { Bypass, Recipe } from '../recipe.ts';
import { channelGroups } from './channels/channel-groups.ts';
import { type GatedModel, gatedModel } from './gated-model.ts';
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

/** What gets gates: the units of all channel groups, and these blocks. */
export interface GatedQuestion {
  readonly channels: boolean;
  readonly blocks: readonly Bypass[];
}

/**
 * @param recipe as `recipeToGate` gives it
 * @throws InputError as `applyRecipe`
 */
export function gatedRecipe(
  original: AnalysedModel,
  recipe: Recipe,
  { channels, blocks }: GatedQuestion,
): GatedModel {
  const { analysed } = applyRecipe(original, recipe, 'build', NO_HEADS);
  const parts = channels ? { channels: channelGroups(analysed), blocks } : { blocks };
  return gatedModel(analysed, parts);
}

/**
 * The blocks that can be left out of what a recipe makes, in order of work.
 * @param recipe as `recipeToGate` gives it
 * @throws InputError as `applyRecipe`
 */
export function removableBlocks(original: AnalysedModel, recipe: Recipe): readonly SkippableBlock[] {
  const { analysed } = applyRecipe(original, recipe, 'build', NO_HEADS);
  return analysed.skippable
    .flatMap(({ blocks }) => blocks)
    .filter((block) => canBypass(analysed, block))
    .toSorted((a, b) => a.firstNode - b.firstNode);
}
