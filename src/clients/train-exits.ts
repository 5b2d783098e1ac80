import { defined } from '../base/assert.ts';
import { cancellation, failed, type Failure, InputError, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { bestClass } from '../study/best-class.ts';
import { imagesToTrainWith } from '../study/evaluation-images.ts';
import { NO_CLASS, type Provider } from '../study/trial.ts';
import {
  checkHeadSize,
  type LearningPoint,
  type LearningProgress,
  type TargetSource,
} from '../transforms/exits/train-head.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import { classesToLearn, type TrainingTargets } from '../transforms/exits/training-classes.ts';
import { backboneKey } from '../transforms/exits/backbone.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { inEngine } from './in-engine.ts';
import { openTrainClient } from './train-client.ts';

/** Features of all taps together; they are in memory twice while they are handed over. */
const mostFeatureBytes = 512e6;
/** With more than this share of images that are of no use, something is wrong with all. */
const mostUseless = 0.05;

export interface ExitTraining {
  /** With the model open. */
  readonly model: ModelApi;
  readonly modelId: string;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
  /** The values to train a head for. */
  readonly values: readonly string[];
  readonly seed: number;
  /** What a recipe does to the model before exits hang on it, see `backboneOf`. */
  readonly backbone: Recipe;
  readonly choice?: TrainingChoice;
}

/** What heads learn; where left out: labels if there are any, and every class must have enough images. */
export interface TrainingChoice {
  readonly targets?: TargetSource;
  readonly fewImages?: TrainingTargets['fewImages'];
}

export type TrainingProgress =
  | { readonly kind: 'features'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'learning';
      readonly value: string;
      /** Position among the values, and how many there are. */
      readonly position: number;
      readonly count: number;
      /** Of the decay that is tried. */
      readonly curve: readonly LearningPoint[];
      readonly now: LearningProgress;
    };

/** Pooled features of training images, and what the model predicts of them. */
interface Features {
  readonly key: string;
  /** Those that could be decoded. */
  readonly images: readonly number[];
  /** How many could not. */
  readonly undecodable: number;
  readonly classCount: number;
  /** `NO_CLASS` where its scores are not numbers. */
  readonly predictions: Int32Array;
  readonly ofValue: ReadonlyMap<string, { readonly width: number; readonly rows: Float32Array }>;
}

/** Of the last passes, the newest first: moving one exit computes the features of that one only. */
let kept: readonly Features[] = [];
/** The changed model's and the original's. */
const mostKept = 2;

/**
 * Trains heads for values of a model: one pass over the training half of the images computes the pooled features
 * of all of them, then each head learns in a worker. Labels are the targets; images without any are taught what
 * the original model predicts. Images that cannot be decoded, or whose features are not finite, are left out if
 * they are few.
 * @param signal cancels at once
 * @returns a head for each value, in order
 */
export async function trainExits(
  job: ExitTraining,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<readonly TrainedHead[]>> {
  const labels = job.data.dataset.items.map(({ label }) => label);
  const images = imagesToTrainWith(labels);
  const hasLabels = labels.some((label) => label !== null);
  const { targets: targetSource = hasLabels ? 'labels' : 'predictions' } = job.choice ?? {};
  const { fewImages = targetSource === 'labels' ? 'refuse' : 'leave-out' } = job.choice ?? {};
  const { classOffset } = job.preprocessing;
  const labelled = { fewImages, classNames: classNamesOf(job.data, classOffset) };
  const labelsOf = (some: readonly number[]): Int32Array =>
    Int32Array.from(some, (image) => (labels[image] ?? Number.NaN) + classOffset);
  const check = (classCount: number): Result<unknown> =>
    // Before minutes are spent on features.
    targetSource === 'labels'
      ? attemptNow(() => classesToLearn({ targets: labelsOf(images), classCount, ...labelled }))
      : ok(null);
  const startedMs = performance.now();
  const found = await featuresOf(job, images, check, onProgress, signal);
  if (!found.ok) return found;
  const features = found.value;
  let targets = targetSource === 'labels' ? labelsOf(features.images) : features.predictions;
  if (targetSource === 'predictions' && job.backbone.length > 0) {
    // The changed model is to answer as the original does, not as it does itself.
    const original = await featuresOf(
      { ...job, values: [], backbone: [] },
      images,
      check,
      onProgress,
      signal,
    );
    if (!original.ok) return original;
    targets = original.value.predictions;
  }
  const featuresMs = (performance.now() - startedMs) / job.values.length;
  const answered = requireAnswers(targets, targetSource);
  if (!answered.ok) return answered;
  const unanswered = targets.length - answered.value.length;
  const rowsOf = ({ rows, width }: { readonly rows: Float32Array; readonly width: number }): Float32Array =>
    unanswered === 0 ? rows : rowsAt(rows, width, answered.value);
  targets = Int32Array.from(answered.value, (row) => targets[row] as number);
  const client = openTrainClient();
  const stop = () => client.terminate();
  signal.addEventListener('abort', stop);
  try {
    const heads: TrainedHead[] = [];
    for (const [position, value] of job.values.entries()) {
      if (signal.aborted) return failed(cancelledTraining);
      const learningFromMs = performance.now();
      const found = defined(features.ofValue.get(value), `features of ${value}`);
      const { width } = found;
      const { classCount } = features;
      let curve: readonly LearningPoint[] = [];
      const outcome = await client.api.train(
        { features: rowsOf(found), width, value, targets, classCount, ...labelled },
        { seed: job.seed, threads: job.threads },
        (now) => {
          if (now.kind === 'step') curve = now.point.step === 1 ? [now.point] : [...curve, now.point];
          onProgress({ kind: 'learning', value, position, count: job.values.length, curve, now });
        },
      );
      if (!outcome.ok) return failed({ where: value, ...outcome.failure });
      const { weights, bias, best, ...learned } = outcome.value;
      const backbone = backboneKey(job.backbone);
      const leftOutImages = learned.leftOutImages + features.undecodable + unanswered;
      heads.push({
        value,
        seed: job.seed,
        modelId: job.modelId,
        datasetId: job.data.dataset.id,
        ...(backbone !== '' && { backbone }),
        width,
        classCount,
        weights,
        bias,
        training: {
          targetSource,
          trainingImages: learned.trainingImages,
          validationImages: learned.validationImages,
          validationAccuracy: best.validationAccuracy,
          validationLoss: best.validationLoss,
          curve: learned.curve,
          missingClasses: learned.missingClasses,
          ...(leftOutImages > 0 && { leftOutImages }),
          elapsedMs: featuresMs + performance.now() - learningFromMs,
        },
      });
    }
    return ok(heads);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** What a training that was ended fails with. */
export const cancelledTraining = cancellation('The training');

/** Rows whose image the model names a class for, if these are nearly all; labels need no answer. */
function requireAnswers(targets: Int32Array, source: TargetSource): Result<readonly number[]> {
  const rows = Array.from(targets.keys());
  const answered = source === 'labels' ? rows : rows.filter((row) => targets[row] !== NO_CLASS);
  const silent = rows.length - answered.length;
  if (silent <= mostUseless * rows.length) return ok(answered);
  return failed({
    code: 'no-answers-to-learn',
    message: `Found no answer of the model for ${silent} of ${rows.length} training images, whose scores are not numbers (NaN), wanted at most ${100 * mostUseless} %`,
    hint: 'Open labelled images, or check how they are prepared under Data.',
  });
}

function rowsAt(rows: Float32Array, width: number, positions: readonly number[]): Float32Array {
  const some = new Float32Array(positions.length * width);
  positions.forEach((from, to) => some.set(rows.subarray(from * width, (from + 1) * width), to * width));
  return some;
}

function attemptNow<T>(work: () => T): Result<T> {
  try {
    return ok(work());
  } catch (thrown) {
    if (thrown instanceof InputError) return failed(thrown.failure);
    throw thrown;
  }
}

function classNamesOf({ dataset }: LoadedDataset, classOffset: number): ReadonlyMap<number, string> {
  return new Map(dataset.classNames.map((name, label) => [label + classOffset, name]));
}

/** The features of all values, from earlier passes where they have them. */
async function featuresOf(
  job: ExitTraining,
  images: readonly number[],
  check: (classCount: number) => Result<unknown>,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<Features>> {
  const { modelId, data, preprocessing, backbone } = job;
  const key = JSON.stringify([modelId, data.dataset.id, preprocessing, backboneKey(backbone)]);
  const before = kept.find((each) => each.key === key);
  const missing = job.values.filter((value) => !before?.ofValue.has(value));
  if (before && missing.length === 0) {
    const checked = check(before.classCount);
    return checked.ok ? ok(before) : checked;
  }
  const computed = await computeFeatures(job, key, missing, images, check, onProgress, signal);
  if (!computed.ok) return computed;
  const features: Features = {
    ...computed.value,
    // Those of values that are not asked for any more go.
    ofValue: new Map(
      job.values.map((value) => [
        value,
        defined(computed.value.ofValue.get(value) ?? before?.ofValue.get(value), value),
      ]),
    ),
  };
  kept = [features, ...kept.filter((each) => each.key !== key)].slice(0, mostKept);
  return ok(features);
}

async function computeFeatures(
  { model, data, preprocessing, provider, threads, backbone }: ExitTraining,
  key: string,
  values: readonly string[],
  images: readonly number[],
  check: (classCount: number) => Result<unknown>,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<Features>> {
  const built = await model.buildForFeatures(values, backbone);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const outputs = plan.segments[0]?.outputs ?? [];
  const widths = outputs.map(({ shape }) => widthOf(shape));
  const classCount = widths.at(-1) ?? 0;
  const checked = check(classCount);
  if (!checked.ok) return checked;
  const sized = attemptNow(() =>
    values.forEach((value, position) => checkHeadSize(widths[position] ?? 0, classCount, value)),
  );
  if (!sized.ok) return sized;
  const bytes = 4 * images.length * widths.reduce((sum, width) => sum + width, 0);
  if (bytes > mostFeatureBytes) {
    return failed({
      code: 'too-many-features',
      message: `Features of ${images.length} images at ${values.length} exits would take ${Math.round(bytes / 1e6)} MB, at most ${mostFeatureBytes / 1e6} MB fit`,
      hint: 'Train fewer exits at once.',
    });
  }
  const told = (done: number) => onProgress({ kind: 'features', done, total: images.length });
  told(0);
  const outcome = await inEngine(
    { plan, files, provider, threads, data, preprocessing },
    signal,
    cancelledTraining,
    (engine) => engine.features(images, told),
  );
  if (!outcome.ok) return outcome;
  const { rows, imageIndices, undecodable: firstBroken } = outcome.value;
  const undecodable = images.length - imageIndices.length;
  if (firstBroken && undecodable > mostUseless * images.length)
    return failed(tooManyBroken(undecodable, images.length, firstBroken));
  const scores = defined(rows.at(-1), 'scores');
  return ok({
    key,
    images: imageIndices,
    undecodable,
    classCount,
    predictions: Int32Array.from(imageIndices, (_, row) =>
      bestClass(scores.subarray(row * classCount, (row + 1) * classCount)),
    ),
    ofValue: new Map(
      values.map((value, position) => [
        value,
        { width: widths[position] ?? 0, rows: defined(rows[position], `features of ${value}`) },
      ]),
    ),
  });
}

function tooManyBroken(broken: number, images: number, first: Failure): Failure {
  return {
    ...first,
    message: `Found ${broken} of ${images} training images that cannot be decoded, wanted at most ${100 * mostUseless} %. The first: ${first.message}`,
  };
}

/** Numbers of one image. */
function widthOf(shape: readonly (number | string | null)[] | null): number {
  return (shape ?? []).slice(1).reduce<number>((product, dim) => product * (Number(dim) || 1), 1);
}
