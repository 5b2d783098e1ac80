import { attempt, InputError } from '../base/result.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { Model } from '../onnx/model.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { planPruning, pruneQuestions, unitsKept } from '../study/prune-plan.ts';
import { type PruneSubjects, pruneSubjects } from '../study/prune-subjects.ts';
import { type AnalysedModel, analyseModel } from '../transforms/analyse-model.ts';
import { applyRecipe } from '../transforms/apply-recipe.ts';
import { NO_HEADS } from '../transforms/exits/trained-head.ts';
import { untilChannelsGo } from '../transforms/order-of-effect.ts';
import { unitImportance } from '../transforms/prune/channels/importance.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';
import { type Statistics, statisticsNeededBy } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Recipe } from '../transforms/recipe.ts';

/** What is open, and what was seen of its channels on images. */
interface OpenModel {
  readonly model: Model;
  readonly size: CountedSize;
  readonly statistics: Statistics;
}

/** What a scan of a recipe's channels is about; ranking them reads weights, so the last is kept. */
interface Scanned {
  readonly key: string;
  readonly statistics: Statistics;
  readonly analysed: AnalysedModel;
  readonly operator: StructuredPruneOperator;
  readonly found: PruneSubjects;
}

const lastScanned = new WeakMap<Model, Scanned>();

function scannedBy({ model, size, statistics }: OpenModel, recipe: Recipe): Scanned {
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
  if (last?.key === key && last.statistics === statistics) return last;
  const original = analyseModel(model, size);
  const analysed =
    before.length === 0 ? original : applyRecipe(original, before, 'build', NO_HEADS, statistics).analysed;
  const seen = statistics.get(statisticsNeededBy(operator, before).values);
  if (seen === undefined && (importance === 'activation' || importance === 'wanda')) {
    throw new InputError({
      code: 'statistics-missing',
      message: `prune: found no statistics of channels on images, wanted some to rank channels by "${importance}"`,
      hint: 'Open images that fit the model, or rank channels by "l1".',
    });
  }
  const found = pruneSubjects(
    analysed,
    operator,
    (groups) =>
      unitImportance(analysed, groups, importance, seed, (value) => seen?.values.get(value) ?? null).scores,
  );
  const scanned = { key, statistics, analysed, operator, found };
  lastScanned.set(model, scanned);
  return scanned;
}

/** The part of a model's worker that looks into pruning of single groups, and allocates ratios. */
export function createPruneScans(
  current: () => OpenModel,
): Pick<ModelApi, 'pruneQuestions' | 'pruneGates' | 'plannedGates' | 'planPruning'> {
  const scanned = (recipe: Recipe): Scanned => scannedBy(current(), recipe);
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

    plannedGates: (recipe, operators) =>
      attempt(() => {
        const { analysed, found } = scanned(recipe);
        return operators.map((operator) => Float32Array.from(unitsKept(analysed, found, operator)));
      }),

    planPruning: (recipe, curves, target, nodeMs) =>
      attempt(() => {
        const { analysed, operator, found } = scanned(recipe);
        return planPruning(analysed, found, operator, curves, target, nodeMs);
      }),
  };
}
