import type { Failure } from '../base/result.ts';
import { trialMetrics } from '../study/metrics.ts';
import type { Trial } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Lab } from './slice.ts';

/** Why the open model cannot be measured on any images; null if it can. */
export function whyNotMeasurable({ model, preprocessingProblem }: Lab): Failure | null {
  return model === null ? null : preprocessingProblem;
}

/** Whether the study on screen can be measured further: its model and images are open, and nothing runs. */
export function canGoOn({ run, study, model, data }: Lab): boolean {
  return run === null && study?.modelId === model?.view.modelId && study?.datasetId === data?.dataset.id;
}

/** Top-1 accuracy of each exit, by index in `GraphView.exits`, from the trials that always stop there. */
export function exitAccuracies(trials: readonly Trial[]): ReadonlyMap<number, number> {
  const accuracies = new Map<number, number>();
  for (const trial of trials) {
    const [only, ...others] = trial.strategy.recipe;
    const accuracy = trialMetrics(trial).accuracyTop1?.value;
    if (accuracy === undefined || others.length > 0) continue;
    if (only?.op === 'early-exit' && only.kind === 'existing' && only.exit !== undefined)
      accuracies.set(only.exit, accuracy);
  }
  return accuracies;
}

/** How many trials are over, how many of them failed, and how many there are. */
export function countTrials(trials: readonly Trial[]): {
  readonly over: number;
  readonly failed: number;
  readonly total: number;
} {
  const failed = trials.filter(({ state }) => state.kind === 'failed').length;
  const done = trials.filter(({ state }) => state.kind === 'done').length;
  return { over: done + failed, failed, total: trials.length };
}

/** The recipe to draw: of the trial under the pointer in the front, else the one being edited. */
export function recipeOnShow({ pointedTrialId, trials, model, recipes }: Lab): Recipe {
  const pointed = pointedTrialId === null ? undefined : trials.find(({ id }) => id === pointedTrialId);
  return pointed && pointed.strategy.modelId === model?.view.modelId
    ? pointed.strategy.recipe
    : recipes.present;
}
