import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { StatisticsFiles } from '../protocol/model-api.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import {
  type ChannelStatistics,
  imagesPrunedWith,
  keyOfStatistics,
  type Statistics,
  statisticsByKey,
  statisticsOfRecipe,
} from '../transforms/prune/statistics/channel-statistics.ts';
import { momentsIn } from '../transforms/prune/statistics/observed-model.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { CalibrationProgress } from './calibrate.ts';
import { tooManyBroken } from './decoded-images.ts';
import { inEngine } from './in-engine.ts';
import { createLearned, type Learner } from './learned.ts';
import type { CalibrationSubject } from './study-calibration.ts';

/**
 * Looks at channels on images where recipes need that and it is not known.
 * @param known statistics of this model on these images
 * @param onStatistics told of each new one
 */
export function createChannelObserver(
  subject: CalibrationSubject,
  known: readonly ChannelStatistics[],
  onStatistics: (statistics: ChannelStatistics) => void,
): Learner<ChannelStatistics> {
  const {
    known: kept,
    tell,
    add,
  } = createLearned(statisticsByKey(known), (model, all) => model.useStatistics(all));
  return {
    all: () => [...kept.values()],
    prepare: async (model, recipe, onProgress, signal) => {
      if (imagesPrunedWith(recipe) === 0) return ok(null);
      for (;;) {
        const given = await tell(model);
        if (!given.ok) return given;
        const missing = await model.buildForStatistics(recipe);
        if (!missing.ok) return missing;
        if (signal.aborted) return failed(cancelled);
        if (missing.value === null) return ok(msSpentOn(recipe, kept));
        const outcome = await observe(missing.value, subject, onProgress, signal);
        if (signal.aborted) return failed(cancelled);
        if (!outcome.ok) return outcome;
        add(keyOfStatistics(outcome.value), outcome.value);
        onStatistics(outcome.value);
      }
    },
  };
}

/** Runs images of the training half through a model that shows its channels, on the CPU whatever the study runs on. */
async function observe(
  { plan, files, kind, of, samples, observed, batch }: StatisticsFiles,
  { modelId, data, preprocessing, threads }: CalibrationSubject,
  onProgress: (progress: CalibrationProgress) => void,
  signal: AbortSignal,
): Promise<Result<ChannelStatistics>> {
  const startedMs = performance.now();
  const labels = data.dataset.items.map(({ label }) => label);
  const chosen = imagesToCalibrateWith(labels, samples);
  // Random inputs are the same every time.
  const images = preprocessing.random ? chosen.slice(0, 1) : chosen;
  if (images.length === 0) return failed(noImages);
  if (kind === 'recalibration' && (preprocessing.random || images.length < LEAST_IMAGES))
    return failed(tooFewImages(preprocessing.random ? 0 : images.length));
  const total = images.length;
  onProgress({ done: 0, total });
  const outcome = await inEngine(
    { plan, files, provider: 'wasm', threads, data, preprocessing },
    signal,
    cancelled,
    (engine) => engine.channelMeans({ imageIndices: images, batch }, (done) => onProgress({ done, total })),
  );
  if (!outcome.ok) return outcome;
  const broken = tooManyBroken(outcome.value, total, 'images to prune with');
  if (broken) return failed(broken);
  const { values, notFinite } = momentsIn(outcome.value.means, observed);
  if (values.size === 0) return failed(noNumbers(notFinite));
  return ok({
    modelId,
    datasetId: data.dataset.id,
    kind,
    of,
    samples,
    images: outcome.value.imageIndices.length,
    elapsedMs: performance.now() - startedMs,
    values,
    notFinite,
    warnings: [
      ...(images.length < samples && !preprocessing.random
        ? [
            `prune: looked at ${total} ${total === 1 ? 'image' : 'images'}, all there are, instead of ${samples}.`,
          ]
        : []),
      ...(preprocessing.random
        ? ['prune: looked at random inputs: good for size and latency, not for use.']
        : []),
      ...(notFinite.length === 0
        ? []
        : [
            `prune: activations are not finite at ${notFinite.length} values, "${notFinite[0] ?? ''}" the first.`,
          ]),
    ],
  });
}

/** Of fewer the mean and variance of a channel say nothing. */
const LEAST_IMAGES = 4;

/** Recipes may share what they need; each is told all of it. */
function msSpentOn(recipe: Recipe, known: Statistics): number | null {
  const used = statisticsOfRecipe(recipe, known);
  return used.length === 0 ? null : used.reduce((sum, { elapsedMs }) => sum + elapsedMs, 0);
}

const noImages: Failure = {
  code: 'no-images-to-prune-with',
  message: 'prune: found no images, wanted some to look at channels with',
  hint: 'Open images, or rank by weights ("l1") and leave "recalibrate" out.',
};

function tooFewImages(found: number): Failure {
  return {
    code: 'too-few-images-to-recalibrate',
    message: `prune: found ${found === 1 ? 'one image' : `${found} images`} to recalibrate on, wanted at least ${LEAST_IMAGES}`,
    hint: 'Open more images, or leave "recalibrate" out.',
  };
}

function noNumbers([first = '']: readonly string[]): Failure {
  return {
    code: 'statistics-not-finite',
    message: `prune: found infinite or undefined activations at all values, "${first}" the first`,
    where: first,
    hint: 'Check that images are prepared as the model wants them, and that its weights are finite.',
  };
}

const cancelled = cancellation('Looking at images');
