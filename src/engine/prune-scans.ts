import { attempt, InputError } from '../base/result.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { Model } from '../onnx/model.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { planPruning, pruneQuestions } from '../study/prune-plan.ts';
import { type PruneSubjects, pruneSubjects } from '../study/prune-subjects.ts';
import { type AnalysedModel, analyseModel } from '../transforms/analyse-model.ts';
import { applyRecipe } from '../transforms/apply-recipe.ts';
import { NO_HEADS } from '../transforms/exits/trained-head.ts';
import { untilChannelsGo } from '../transforms/order-of-effect.ts';
import type { WeightImportance } from '../transforms/prune/channels/importance.ts';
import { unitImportance } from '../transforms/prune/channels/importance.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';
import type { Recipe } from '../transforms/recipe.ts';

/** What a scan of a recipe's channels is about; ranking them reads weights, so the last is kept. */
interface Scanned {
  readonly key: string;
  readonly analysed: AnalysedModel;
  readonly operator: StructuredPruneOperator;
  readonly found: PruneSubjects;
}

const lastScanned = new WeakMap<Model, Scanned>();

function scannedBy(model: Model, size: CountedSize, recipe: Recipe): Scanned {
  const { before, operator } = untilChannelsGo(recipe);
  if (operator === null) {
    throw new InputError({
      code: 'nothing-to-prune',
      message: 'prune: found no step that removes channels, wanted one to look into',
      hint: 'Add one that prunes whole channels.',
    });
  }
  const { importance = PRUNE_DEFAULTS.importance, seed = PRUNE_DEFAULTS.seed } = operator;
  const key = JSON.stringify([before, operator, size]);
  const last = lastScanned.get(model);
  if (last?.key === key) return last;
  const original = analyseModel(model, size);
  const analysed = before.length === 0 ? original : applyRecipe(original, before, 'build', NO_HEADS).analysed;
  const found = pruneSubjects(
    analysed,
    operator,
    (groups) => unitImportance(analysed, groups, importance as WeightImportance, seed).scores,
  );
  const scanned = { key, analysed, operator, found };
  lastScanned.set(model, scanned);
  return scanned;
}

/** The part of a model's worker that looks into pruning of single groups, and allocates ratios. */
export function createPruneScans(
  current: () => { readonly model: Model; readonly size: CountedSize },
): Pick<ModelApi, 'pruneQuestions' | 'pruneGates' | 'planPruning'> {
  const scanned = (recipe: Recipe): Scanned => {
    const { model, size } = current();
    return scannedBy(model, size, recipe);
  };
  return {
    pruneQuestions: (recipe) =>
      attempt(() => {
        const { analysed, found } = scanned(recipe);
        return { subjects: found.subjects, ...pruneQuestions(analysed, found) };
      }),

    pruneGates: (recipe, questions) =>
      attempt(() => {
        const { keptWithout } = scanned(recipe).found;
        return questions.map(({ subject, ratio }) => Float32Array.from(keptWithout(subject, ratio)));
      }),

    planPruning: (recipe, curves, target, nodeMs) =>
      attempt(() => {
        const { analysed, operator, found } = scanned(recipe);
        return planPruning(analysed, found, operator, curves, target, nodeMs);
      }),
  };
}
