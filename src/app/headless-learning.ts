import { orThrow } from '../base/result.ts';
import { formatMs, formatShare } from '../base/units.ts';
import { type CalibrationSubject, createCalibrator } from '../clients/study-calibration.ts';
import { createChannelObserver } from '../clients/study-statistics.ts';
import { createFormDecider, type FormSubject } from '../clients/study-forms.ts';
import { type ExitTraining, trainExits } from '../clients/train-exits.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { leavesFormOpen } from '../study/forms/choose-form.ts';
import { figureSentences, type FormFigures } from '../study/forms/form-figures.ts';
import { timedReason } from '../study/forms/model-times.ts';
import type { Strategy } from '../study/trial.ts';
import { backboneKey, backboneOf } from '../transforms/exits/backbone.ts';
import { DEFAULT_HEAD_SEED, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import { recipeLabel } from '../transforms/parse-recipe.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';

/** Trains the exits that recipes name, on half of the images, before anything is measured. */
export async function trainedFor(
  recipes: readonly NamedRecipe[],
  job: Omit<ExitTraining, 'values' | 'seed' | 'backbone' | 'choice'>,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly TrainedHead[]> {
  const trainings = new Map<string, { seed: number; backbone: Recipe; values: Set<string> }>();
  for (const { recipe } of recipes) {
    const { at = [], seed = DEFAULT_HEAD_SEED } = trainedExitsOf(recipe) ?? {};
    if (at.length === 0) continue;
    const key = `${seed} ${backboneKey(recipe)}`;
    const training = trainings.get(key) ?? { seed, backbone: backboneOf(recipe), values: new Set() };
    for (const value of at) training.values.add(value);
    trainings.set(key, training);
  }
  const heads: TrainedHead[] = [];
  for (const { seed, backbone, values } of trainings.values()) {
    tell(
      `Training ${values.size} ${values.size === 1 ? 'exit' : 'exits'}${backbone.length > 0 ? ` for ${recipeLabel(backbone)}` : ''}.`,
    );
    const trained = orThrow(
      await trainExits({ ...job, values: [...values], seed, backbone }, () => {}, signal),
    );
    for (const { value, training } of trained)
      tell(`  ${formatShare(training.validationAccuracy)} on validation images at ${value}`);
    heads.push(...trained);
  }
  return heads;
}

/** Compares forms where strategies leave theirs to the device, before anything is calibrated. */
export async function formsFor(
  strategies: readonly Strategy[],
  subject: FormSubject,
  model: ModelApi,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly FormFigures[]> {
  const open = strategies.filter(({ recipe }) => leavesFormOpen(recipe));
  if (open.length === 0) return [];
  tell('Comparing the forms that layers, and then the model, can be quantized in.');
  const told = new Set<string>();
  const decider = createFormDecider(
    subject,
    [],
    (figures) => {
      const sentences = [...figureSentences(figures), ...(figures.models ?? []).map(timedReason)];
      for (const sentence of sentences) if (!told.has(sentence)) tell(`  ${sentence}`);
      for (const sentence of sentences) told.add(sentence);
    },
    ({ message }) => tell(`  Not all could be timed: ${message}`),
  );
  // What fails here, the study tells again.
  for (const strategy of open) await decider.prepare(model, strategy, () => {}, signal);
  return decider.all();
}

/** Looks at channels on images where recipes prune by that, before exits are trained or ranges calibrated. */
export async function seenFor(
  recipes: readonly NamedRecipe[],
  { model, ...subject }: CalibrationSubject & { readonly model: ModelApi },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly ChannelStatistics[]> {
  const observer = createChannelObserver(subject, [], ({ kind, values, images, elapsedMs, warnings }) => {
    const on = images === 1 ? 'one image' : `${images} images`;
    const what = kind === 'values' ? 'Looked at' : 'Recalibrated';
    tell(`${what} ${values.size} values on ${on}, ${formatMs(elapsedMs)}.`);
    for (const warning of warnings) tell(`  ${warning}`);
  });
  for (const { name, recipe } of recipes) {
    for (const each of [recipe, ...(trainedExitsOf(recipe) === undefined ? [] : [backboneOf(recipe)])]) {
      const prepared = await observer.prepare(model, each, () => {}, signal);
      // The study tells it again where the strategy fails.
      if (!prepared.ok && !signal.aborted) tell(`${name} could not be pruned: ${prepared.failure.message}`);
    }
  }
  return observer.all();
}

/** Learns the ranges that recipes need, before anything is profiled or measured. */
export async function calibratedFor(
  recipes: readonly NamedRecipe[],
  { model, ...subject }: CalibrationSubject & { readonly model: ModelApi },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Calibration[]> {
  const all = recipes.map(({ recipe }) => recipe);
  const calibrator = createCalibrator(subject, [], all, ({ images, ranges, warnings }) => {
    const on = subject.preprocessing.random
      ? 'random inputs'
      : images === 1
        ? 'one image'
        : `${images} images`;
    tell(`Calibrated ${ranges.size} values on ${on}.`);
    for (const warning of warnings) tell(`  ${warning}`);
  });
  for (const { name, recipe } of recipes) {
    const prepared = await calibrator.prepare(model, recipe, () => {}, signal);
    // The study tells it again where the strategy fails.
    if (!prepared.ok && !signal.aborted) tell(`${name} could not be calibrated: ${prepared.failure.message}`);
  }
  return calibrator.all();
}
