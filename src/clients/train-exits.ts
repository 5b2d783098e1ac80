import { defined } from '../base/assert.ts';
import { type Failure, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { splitImages } from '../study/evaluation-images.ts';
import type { Provider } from '../study/trial.ts';
import type { LearningPoint, TrainingSet } from '../transforms/exits/train-head.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import { openEngineClient } from './engine-client.ts';
import { openTrainClient } from './train-client.ts';

/** More images make heads hardly better and the wait longer. */
const mostTrainingImages = 5000;
/** Features of all taps together; they are in memory twice while they are handed over. */
const mostFeatureBytes = 512e6;

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
}

export type TrainingProgress =
  | { readonly kind: 'features'; readonly done: number; readonly total: number }
  | {
      readonly kind: 'learning';
      readonly value: string;
      /** Position among the values, and how many there are. */
      readonly position: number;
      readonly count: number;
      readonly curve: readonly LearningPoint[];
    };

/** Pooled features of training images, and what the original model predicts of them. */
interface Features {
  readonly images: readonly number[];
  readonly classCount: number;
  readonly predictions: Int32Array;
  readonly ofValue: ReadonlyMap<string, { readonly width: number; readonly rows: Float32Array }>;
}

/** Of the last model, images and preprocessing: moving one exit computes the features of that one only. */
let kept: { readonly key: string; readonly features: Features } | null = null;

/**
 * Trains heads for values of a model: one pass over the training half of the images computes the pooled features
 * of all of them, then each head learns in a worker. Labels are the targets; images without any are taught what
 * the original model predicts.
 * @param signal cancels at once
 * @returns a head for each value, in order
 */
export async function trainExits(
  job: ExitTraining,
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<readonly TrainedHead[]>> {
  const labels = job.data.dataset.items.map(({ label }) => label);
  const hasLabels = labels.some((label) => label !== null);
  const images = splitImages(labels)
    .training.filter((image) => !hasLabels || labels[image] !== null)
    .filter((_, at, all) => at % Math.ceil(all.length / mostTrainingImages) === 0);
  const found = await featuresOf(job, images, onProgress, signal);
  if (!found.ok) return found;
  const features = found.value;
  const targets = hasLabels
    ? Int32Array.from(images, (image) => (labels[image] as number) + job.preprocessing.classOffset)
    : features.predictions;
  const client = openTrainClient();
  const stop = () => client.terminate();
  signal.addEventListener('abort', stop);
  try {
    const heads: TrainedHead[] = [];
    for (const [position, value] of job.values.entries()) {
      if (signal.aborted) return failed(cancelled);
      const { width, rows } = defined(features.ofValue.get(value), `features of ${value}`);
      const { classCount } = features;
      const targetSource = hasLabels ? 'labels' : 'predictions';
      const set: TrainingSet = { features: rows, width, targets, classCount, targetSource };
      const curve: LearningPoint[] = [];
      const outcome = await client.api.train(set, job.seed, (point) => {
        curve.push(point);
        onProgress({ kind: 'learning', value, position, count: job.values.length, curve: [...curve] });
      });
      if (!outcome.ok) return withPlace(outcome.failure, value);
      const { weights, bias, best, missingClasses, ...learned } = outcome.value;
      heads.push({
        value,
        seed: job.seed,
        modelId: job.modelId,
        datasetId: job.data.dataset.id,
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
          missingClasses,
        },
      });
    }
    return ok(heads);
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

const cancelled: Failure = { code: 'cancelled', message: 'The training was cancelled.' };

function withPlace(failure: Failure, value: string): Result<never> {
  return failed({ where: value, ...failure });
}

/** The features of all values, from the last pass where it has them. */
async function featuresOf(
  job: ExitTraining,
  images: readonly number[],
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<Features>> {
  const { modelId, data, preprocessing } = job;
  const key = JSON.stringify([modelId, data.dataset.id, preprocessing, images.length]);
  const before = kept?.key === key ? kept.features : null;
  const missing = job.values.filter((value) => !before?.ofValue.has(value));
  if (before && missing.length === 0) return ok(before);
  const computed = await computeFeatures(job, missing, images, onProgress, signal);
  if (!computed.ok) return computed;
  const features = {
    ...computed.value,
    // Those of values that are not asked for any more go.
    ofValue: new Map(
      job.values.map((value) => [
        value,
        defined(computed.value.ofValue.get(value) ?? before?.ofValue.get(value), value),
      ]),
    ),
  };
  kept = { key, features };
  return ok(features);
}

async function computeFeatures(
  { model, data, preprocessing, provider, threads }: ExitTraining,
  values: readonly string[],
  images: readonly number[],
  onProgress: (progress: TrainingProgress) => void,
  signal: AbortSignal,
): Promise<Result<Features>> {
  const built = await model.buildForFeatures(values);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const outputs = plan.segments[0]?.outputs ?? [];
  const widths = outputs.map(({ shape }) => widthOf(shape));
  const bytes = 4 * images.length * widths.reduce((sum, width) => sum + width, 0);
  if (bytes > mostFeatureBytes) {
    return failed({
      code: 'too-many-features',
      message: `Features of ${images.length} images at ${values.length} exits would take ${Math.round(bytes / 1e6)} MB, at most ${mostFeatureBytes / 1e6} MB fit`,
      hint: 'Train fewer exits at once.',
    });
  }
  const engine = openEngineClient();
  const stop = () => engine.terminate();
  signal.addEventListener('abort', stop);
  try {
    if (signal.aborted) return failed(cancelled);
    onProgress({ kind: 'features', done: 0, total: images.length });
    const loaded = await engine.api.load({ plan, files, provider, threads, data, preprocessing });
    if (!loaded.ok) return loaded;
    const outcome = await engine.api.features(images, (done) =>
      onProgress({ kind: 'features', done, total: images.length }),
    );
    if (!outcome.ok) return outcome;
    const scores = defined(outcome.value.at(-1), 'scores');
    const classCount = widths.at(-1) ?? 0;
    return ok({
      images,
      classCount,
      predictions: Int32Array.from(images, (_, row) =>
        largestAt(scores.subarray(row * classCount, (row + 1) * classCount)),
      ),
      ofValue: new Map(
        values.map((value, position) => [
          value,
          { width: widths[position] ?? 0, rows: defined(outcome.value[position], `features of ${value}`) },
        ]),
      ),
    });
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** Numbers of one image. */
function widthOf(shape: readonly (number | string | null)[] | null): number {
  return (shape ?? []).slice(1).reduce<number>((product, dim) => product * (Number(dim) || 1), 1);
}

function largestAt(scores: Float32Array): number {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if ((scores[i] as number) > (scores[best] as number)) best = i;
  return best;
}
