import { defined } from '../../base/assert.ts';
import type { Model } from '../../onnx/model.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { applyRecipe } from '../apply-recipe.ts';
import type { Heads } from '../exits/trained-head.ts';
import { foldBatchNorm } from '../prepare/fold-batch-norm.ts';
import { NO_STATISTICS, type Statistics } from '../prune/statistics/channel-statistics.ts';
import type { Recipe } from '../recipe.ts';
import { recipeToCalibrate, staticOperatorOf } from './calibrate/calibration.ts';
import { type StaticForm, staticFormOf } from './static/static-form.ts';

/** What a sensitivity scan of a recipe quantizes piece by piece. */
export interface SensitivityModel {
  /** With batch normalizations folded. */
  readonly model: Model;
  readonly form: Omit<StaticForm, 'exclude'>;
  /** The final output. */
  readonly scores: string;
}

/**
 * The float model that a scan starts from.
 * @param recipe as `recipeToScan` gives it
 * @param statistics what pruning on images needs
 * @throws InputError as `applyRecipe`
 */
export function sensitivityModel(
  original: AnalysedModel,
  recipe: Recipe,
  heads: Heads,
  statistics: Statistics = NO_STATISTICS,
): SensitivityModel {
  const { analysed } = applyRecipe(original, recipeToCalibrate(recipe), 'build', heads, statistics);
  return {
    model: foldBatchNorm(analysed.model).model,
    form: staticFormOf(defined(staticOperatorOf(recipe), 'a static operator'), []),
    scores: defined(analysed.exits.at(-1), 'final output').output,
  };
}
