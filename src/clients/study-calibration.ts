import { cancellation, failed, ok } from '../base/result.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import {
  type Calibration,
  calibrationKey,
  calibrationsByKey,
  mergedCalibration,
  staticOperatorOf,
} from '../transforms/quantize/calibrate/calibration.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { calibrate, type CalibrationJob } from './calibrate.ts';
import { createLearned, type Learner } from './learned.ts';

/** What all calibrations of a study have in common. */
export type CalibrationSubject = Pick<CalibrationJob, 'modelId' | 'data' | 'preprocessing' | 'threads'>;

/**
 * Calibrates what recipes need and is not known, so that recipes which need the same share one pass.
 * @param known calibrations of this model on these images
 * @param recipes all that will be asked for
 * @param onCalibration told of each new one, merged with what was known under its key
 */
export function createCalibrator(
  subject: CalibrationSubject,
  known: readonly Calibration[],
  recipes: readonly Recipe[],
  onCalibration: (calibration: Calibration) => void,
): Learner<Calibration> {
  const {
    known: kept,
    tell,
    add,
  } = createLearned(calibrationsByKey(known), (model, all) => model.useCalibrations(all));
  return {
    all: () => [...kept.values()],
    prepare: async (model, recipe, onProgress, signal) => {
      const operator = staticOperatorOf(recipe);
      if (operator === null) return ok(null);
      const given = await tell(model);
      if (!given.ok) return given;
      const key = calibrationKey(recipe, operator);
      const isKnown = await model.isCalibrated(recipe);
      if (!isKnown.ok) return isKnown;
      if (isKnown.value) return ok(kept.get(key)?.elapsedMs ?? null);
      const others = await fitting(model, alike(recipes, recipe, key));
      const outcome = await calibrate({ ...subject, model, recipe, others }, onProgress, signal);
      if (signal.aborted) return failed(cancelled);
      if (!outcome.ok) return outcome;
      const older = kept.get(key);
      const merged = older ? mergedCalibration(older, outcome.value) : outcome.value;
      add(key, merged);
      onCalibration(merged);
      const taken = await tell(model);
      return taken.ok ? ok(merged.elapsedMs ?? null) : taken;
    },
  };
}

const cancelled = cancellation('The calibration');

function alike(recipes: readonly Recipe[], recipe: Recipe, key: string): readonly Recipe[] {
  return recipes.filter((other) => {
    const operator = staticOperatorOf(other);
    return other !== recipe && operator !== null && calibrationKey(other, operator) === key;
  });
}

/** Those that suit the model: another strategy's mistake must not take this one with it. */
async function fitting(model: ModelApi, recipes: readonly Recipe[]): Promise<readonly Recipe[]> {
  const checks = await Promise.all(recipes.map((recipe) => model.check(recipe)));
  return recipes.filter((_, position) => checks[position]?.ok === true);
}
