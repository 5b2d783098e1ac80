import { seededRandom, shuffled } from '../base/random.ts';
import { hasTrainedExits } from '../transforms/exits/trained-placement.ts';
import { imagesPrunedWith } from '../transforms/prune/statistics/channel-statistics.ts';
import { staticOperatorOf } from '../transforms/quantize/calibrate/calibration.ts';
import { STATIC_DEFAULTS } from '../transforms/quantize/quantize-operator.ts';
import { scorePredictions } from './accuracy.ts';
import { accuracyImages } from './plan.ts';
import type { Predictions, Protocol, Strategy, Trial } from './trial.ts';

/** One division for every exit and study of a dataset: an image that trained one exit never evaluates another. */
const SEED = 0x5b117;

export interface ImageSplit {
  /** For training exits, ascending. */
  readonly training: readonly number[];
  /** For telling accuracy, ascending. */
  readonly evaluation: readonly number[];
}

/**
 * Divides a dataset's images in halves, class by class; of an odd number the extra one evaluates.
 * @param labels by image index; images without a label are a class of their own
 */
export function splitImages(labels: readonly (number | null)[]): ImageSplit {
  const random = seededRandom(SEED);
  const imagesOf = new Map<number | null, number[]>();
  labels.forEach((label, image) => {
    const images = imagesOf.get(label) ?? [];
    imagesOf.set(label, images);
    images.push(image);
  });
  const training: number[] = [];
  const evaluation: number[] = [];
  for (const [, images] of [...imagesOf].sort(([a], [b]) => (a ?? -1) - (b ?? -1))) {
    const mixed = shuffled(images, random);
    const half = Math.floor(mixed.length / 2);
    training.push(...mixed.slice(0, half));
    evaluation.push(...mixed.slice(half));
  }
  return { training: training.sort((a, b) => a - b), evaluation: evaluation.sort((a, b) => a - b) };
}

/** More images make heads hardly better and the wait longer; of very many classes each still has some. */
const MOST_TRAINING_IMAGES = 5000;
const LEAST_OF_EACH_CLASS = 8;

/**
 * The images that exits are trained with, ascending: of the training half those with a label, if any has one, and of
 * very many about as many of each class.
 */
export function imagesToTrainWith(labels: readonly (number | null)[]): readonly number[] {
  const isLabelled = labels.some((label) => label !== null);
  const images = splitImages(labels).training.filter((image) => !isLabelled || labels[image] !== null);
  const most = Math.max(MOST_TRAINING_IMAGES, LEAST_OF_EACH_CLASS * new Set(labels).size);
  return drawOfEachClass(images, labels, most);
}

/** At most so many of these images, ascending: about as many of each class. */
function drawOfEachClass(
  images: readonly number[],
  labels: readonly (number | null)[],
  most: number,
): readonly number[] {
  if (images.length <= most) return images;
  // Position of each image among those of its class, in an order that has nothing to do with the files'.
  const ranks = new Map<number | null, number>();
  const ranked = shuffled(images, seededRandom(SEED)).map((image) => {
    const label = labels[image] ?? null;
    const rank = ranks.get(label) ?? 0;
    ranks.set(label, rank + 1);
    return { image, rank };
  });
  return ranked
    .sort((a, b) => a.rank - b.rank)
    .slice(0, most)
    .map(({ image }) => image)
    .sort((a, b) => a - b);
}

/**
 * The images that ranges are calibrated with, ascending; the same on every device. Of the half that trains exits as
 * long as there are enough, so that others are left to evaluate with; where they are few the other half fills up, and
 * then evaluates all the same. More images contain those of fewer.
 */
export function imagesToCalibrateWith(
  labels: readonly (number | null)[],
  samples: number,
): readonly number[] {
  const { training, evaluation } = splitImages(labels);
  const preferred = drawOfEachClass(training, labels, samples);
  const rest = drawOfEachClass(evaluation, labels, samples - preferred.length);
  return [...preferred, ...rest].sort((a, b) => a - b);
}

/**
 * Images to look at what quantizing does, ascending: about as many of each class, and none that ranges were
 * calibrated with as long as there are others.
 * @param samples how many images calibrate
 */
export function imagesToScanWith(
  labels: readonly (number | null)[],
  samples: number,
  most: number,
): readonly number[] {
  const calibrating = new Set(imagesToCalibrateWith(labels, samples));
  const others = labels.flatMap((_, image) => (calibrating.has(image) ? [] : [image]));
  return drawOfEachClass(others.length > 0 ? others : [...labels.keys()], labels, most);
}

/** Enough to tell accuracies apart by a few points, and soon seen. */
const CHECKED_IMAGES = 128;

/**
 * Images that tell what became of what was found with others, ascending: of the half that exits learn from, as those
 * are, about as many of each class; where none are left, those that were seen.
 */
export function imagesToCheckWith(
  labels: readonly (number | null)[],
  seen: readonly number[],
  most = CHECKED_IMAGES,
): readonly number[] {
  const known = new Set(seen);
  const others = splitImages(labels).training.filter((image) => !known.has(image));
  return others.length > 0 ? drawOfEachClass(others, labels, most) : seen;
}

/**
 * How many images of the training half strategies learn from: none, as many as most of them calibrate or prune with,
 * or, with trained exits, all.
 */
export function imagesLearntFrom(strategies: readonly Strategy[]): number {
  return strategies.reduce((most, { recipe }) => {
    const calibrated = staticOperatorOf(recipe);
    const samples = calibrated === null ? 0 : (calibrated.samples ?? STATIC_DEFAULTS.samples);
    return Math.max(most, imagesPrunedWith(recipe), hasTrainedExits(recipe) ? Infinity : samples);
  }, 0);
}

/**
 * Images of a study's accuracy passes: those that the protocol names, but none of the training half that any of the
 * strategies learns from. All strategies are evaluated on the same.
 */
export function evaluationImages(
  protocol: Protocol,
  strategies: readonly Strategy[],
  labels: readonly (number | null)[],
): readonly number[] {
  const images = accuracyImages(protocol, labels.length);
  const learntFrom = imagesLearntFrom(strategies);
  if (learntFrom === 0) return images;
  const spent = new Set(drawOfEachClass(splitImages(labels).training, labels, learntFrom));
  return images.filter((image) => !spent.has(image));
}

/** Predictions of some of their images; null if they are not all there. */
export function restrictedTo(predictions: Predictions, images: readonly number[]): Predictions | null {
  const { imageIndices, top1, top5, confidence, exitIndex, labels } = predictions;
  const positions = new Map(imageIndices.map((image, position) => [image, position]));
  const kept = images.flatMap((image) => positions.get(image) ?? []);
  if (kept.length !== images.length) return null;
  const pick = <T>(all: readonly T[]): T[] => kept.map((position) => all[position] as T);
  return {
    imageIndices: images,
    top1: pick(top1),
    top5: pick(top5),
    confidence: pick(confidence),
    exitIndex: pick(exitIndex),
    ...(labels && { labels: pick(labels) }),
  };
}

/**
 * Trials evaluated on more images than these, when a study gets a strategy that learns from some, with their accuracy
 * told on these alone. Their predictions are known image by image, so nothing runs again.
 * @param reference the unchanged model's predictions on these images; null if it has not run
 */
export function reevaluated(
  trial: Trial,
  images: readonly number[],
  labels: readonly (number | null)[],
  reference: Predictions | null,
): Trial {
  const { predictions, preprocessing } = trial;
  if (predictions === null || predictions.imageIndices.length === images.length) return trial;
  const kept = restrictedTo(predictions, images);
  if (kept === null) return { ...trial, predictions: null, accuracy: null };
  return {
    ...trial,
    predictions: kept,
    accuracy: scorePredictions(kept, labels, preprocessing.classOffset, reference),
  };
}
