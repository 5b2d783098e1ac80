import type { AnalysedModel } from './analyse-model.ts';
import { applyOperator } from './apply-operator.ts';
import { type Draft, outputsOf, type PlannedDraft, untouched } from './draft.ts';
import { cutsOf } from './draft-cuts.ts';
import type { Heads } from './exits/trained-head.ts';
import { inOrderOfEffect } from './order-of-effect.ts';
import { planSegments } from './plan-segments.ts';
import { NO_STATISTICS, type Statistics } from './prune/statistics/channel-statistics.ts';
import { checkSequence } from './recipe-sequence.ts';
import type { Recipe } from './recipe.ts';

/**
 * Applies a recipe.
 * @param purpose `check`: only whether it fits, so weights are neither read nor changed
 * @param heads what trained exits need
 * @param statistics what pruning on images needs
 * @throws InputError with the reason if the recipe does not fit the model
 */
export function applyRecipe(
  analysed: AnalysedModel,
  recipe: Recipe,
  purpose: 'check' | 'build',
  heads: Heads,
  statistics: Statistics = NO_STATISTICS,
): PlannedDraft {
  checkSequence(recipe);
  const ordered = inOrderOfEffect(recipe);
  const draft = ordered.reduce<Draft>(
    (made, operator, position) =>
      applyOperator(made, operator, {
        recipe,
        before: ordered.slice(0, position),
        purpose,
        heads,
        statistics,
      }),
    untouched(analysed),
  );
  const { model, index } = draft.analysed;
  const { cuts, automaticCuts } = cutsOf(draft, analysed);
  const segments = planSegments(model.graph, index, { outputs: outputsOf(draft), stops: draft.stops, cuts });
  return { ...draft, cuts, automaticCuts, segments };
}
