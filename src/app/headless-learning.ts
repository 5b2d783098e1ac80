import { defined } from '../base/assert.ts';
import { orThrow } from '../base/result.ts';
import { formatMs, formatShare } from '../base/units.ts';
import { type CalibrationSubject, createCalibrator } from '../clients/study-calibration.ts';
import { type BlockScanJob, type BlockScanProgress, scanBlocks } from '../clients/scan-blocks.ts';
import { createChannelObserver } from '../clients/study-statistics.ts';
import { createFormDecider, type FormSubject } from '../clients/study-forms.ts';
import { type ExitTraining, trainExits } from '../clients/train-exits.ts';
import { type PreprocessingTrial, tryPreprocessings } from '../clients/try-preprocessings.ts';
import { candidatePreprocessings, type PreprocessingCandidate } from '../data/guess-preprocessing.ts';
import { bestCandidate, candidateName, reasonsWithScore } from '../data/rank-preprocessings.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import {
  type BlockScan,
  blockName,
  blocksLeftOpen,
  imagesOfBlocksLeftOpen,
  withBlocksFound,
} from '../study/block-scan.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import { leavesFormOpen } from '../study/forms/choose-form.ts';
import { figureSentences, type FormFigures } from '../study/forms/form-figures.ts';
import { timedReason } from '../study/forms/model-times.ts';
import type { GateEffect } from '../study/gate-effects.ts';
import { scoresClasses } from '../study/scores-classes.ts';
import type { Strategy } from '../study/trial.ts';
import { backboneKey, backboneOf } from '../transforms/exits/backbone.ts';
import { DEFAULT_HEAD_SEED, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import { normaliseRecipe, recipeLabel } from '../transforms/parse-recipe.ts';
import { recipeToGate } from '../transforms/prune/recipe-to-gate.ts';
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

/** The guess; where labelled images can tell, the best of the plausible ones. */
export async function findPreprocessing(
  {
    view,
    data,
    size,
    ...rest
  }: Omit<PreprocessingTrial, 'candidates'> & { readonly view: GraphView; readonly size: CountedSize },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<PreprocessingCandidate> {
  const { dataset } = data;
  const candidates = candidatePreprocessings(view, dataset, dataset.imageSize ?? null, size);
  const guess = defined(candidates[0], 'a guess');
  const isLabelled = data.dataset.items.some(({ label }) => label !== null);
  if (candidates.length < 2 || !isLabelled || view.hollow) return guess;
  tell(`Trying ${candidates.length} normalizations on labelled images.`);
  const tried = await tryPreprocessings({ ...rest, data, candidates }, () => {}, signal);
  if (!tried.ok) {
    tell(`They could not be tried: ${tried.failure.message}`);
    return guess;
  }
  for (const { candidate, correct, images } of tried.value)
    tell(`  ${correct} of ${images} right: ${candidateName(candidate)}`);
  const best = bestCandidate(tried.value);
  return best
    ? { preprocessing: best.candidate.preprocessing, reasons: reasonsWithScore(best, candidates.length) }
    : guess;
}

/**
 * The recipes with numbers of blocks to prune made names: those without which the scores change least.
 * @returns the same list where all blocks were named
 */
export async function blocksFoundFor<R extends NamedRecipe>(
  recipes: readonly R[],
  {
    view,
    ...job
  }: Omit<BlockScanJob, 'recipe' | 'imageIndices' | 'scoresClasses' | 'most' | 'images' | 'known'> & {
    readonly view: GraphView;
  },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly R[]> {
  if (recipes.every(({ recipe }) => blocksLeftOpen(recipe) === 0)) return recipes;
  const labels = job.data.dataset.items.map(({ label }) => label);
  const scans = new Map<string, BlockScan>();
  const found: R[] = [];
  for (const named of recipes) {
    const most = blocksLeftOpen(named.recipe);
    if (most === 0) {
      found.push(named);
      continue;
    }
    const recipe = recipeToGate(named.recipe, 'block');
    const images = imagesOfBlocksLeftOpen(named.recipe);
    const key = JSON.stringify([normaliseRecipe(recipe), images]);
    const known = scans.get(key) ?? null;
    const imageIndices = imagesToCalibrateWith(labels, images);
    const asked = { ...job, recipe, imageIndices, scoresClasses: scoresClasses(view), most, images, known };
    if (known === null || known.removals.length < most)
      tell(
        `Finding ${most === 1 ? 'the block' : `${most} blocks`} without which the scores change least, for ${named.name}.`,
      );
    let removed = known?.removals.length ?? 0;
    const tellRemovals = ({ scan }: BlockScanProgress): void => {
      for (const { block, effect } of scan?.removals.slice(removed) ?? [])
        tell(`  ${blockName(view, block)}: ${effectText(effect)}`);
      removed = Math.max(removed, scan?.removals.length ?? 0);
    };
    const scan = orThrow(await scanBlocks(asked, tellRemovals, signal));
    if (scan.total < most) tell(`  This model has ${scan.total} blocks that can go, not ${most}.`);
    scans.set(key, scan);
    found.push({ ...named, recipe: withBlocksFound(named.recipe, scan) });
  }
  return found;
}

function effectText({ scoresDb, agreement, accuracy }: GateEffect): string {
  return [
    scoresDb === null ? 'scores are not finite' : `${scoresDb.toFixed(1)} dB`,
    ...(agreement === null ? [] : [`${formatShare(agreement)} agree`]),
    ...(accuracy === null ? [] : [`accuracy ${formatShare(accuracy)}`]),
  ].join(', ');
}
