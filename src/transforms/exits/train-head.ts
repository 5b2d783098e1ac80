import { defined } from '../../base/assert.ts';
import { seededRandom, shuffled } from '../../base/random.ts';
import { InputError } from '../../base/result.ts';
import { minimise } from './minimise.ts';

/** What a head is trained on: one row of features and one class for each image. */
export interface TrainingSet {
  /** Row-major, [images, width]. */
  readonly features: Float32Array;
  readonly width: number;
  /** The class of each image, in the model's numbering. */
  readonly targets: Int32Array;
  readonly classCount: number;
  /**
   * `labels`: every class that occurs must have enough images. `predictions`: classes that the original model
   * seldom predicts are left out.
   */
  readonly targetSource: TargetSource;
}

export type TargetSource = 'labels' | 'predictions';

export interface TrainingOptions {
  /** Of the division into training and validation images. */
  readonly seed: number;
  /** Weight decay on standardised features: adds l2/2 times the sum of squared weights to the mean loss. */
  readonly l2?: number;
  readonly maxSteps?: number;
  /** Ends after so many steps without a lower validation loss. */
  readonly patience?: number;
  readonly validationShare?: number;
  readonly onStep?: (point: LearningPoint) => void;
}

/** One step of the training; losses are mean cross-entropies in nats. */
export interface LearningPoint {
  readonly step: number;
  readonly trainingLoss: number;
  readonly validationLoss: number;
  /** Share in [0, 1]. */
  readonly validationAccuracy: number;
}

/** A linear classifier of raw features: standardisation is already part of it. */
export interface HeadWeights {
  /** Row-major, [classCount, width]. */
  readonly weights: Float32Array;
  /** [classCount] */
  readonly bias: Float32Array;
  readonly curve: readonly LearningPoint[];
  /** The point of the curve that was kept: the one of least validation loss. */
  readonly best: LearningPoint;
  readonly trainingImages: number;
  readonly validationImages: number;
  /** Classes without (enough) images: the head never chooses them. */
  readonly missingClasses: readonly number[];
}

/** So few images cannot be divided into training and validation in a way that says something. */
export const MIN_IMAGES_PER_CLASS = 4;

/** The score of a class that must never win; finite in half precision, too. */
const NEVER = -1e4;

/** So much decay because images are few: from 60 to 1,200 it beat a tenth and a hundredth on images never seen. */
const DEFAULTS = { l2: 0.1, maxSteps: 200, patience: 12, validationShare: 0.2 };

/**
 * Softmax regression on standardised features, full batch, with early stopping on validation images.
 * @throws InputError `head-too-few-images`, `head-one-class` or `head-bad-features`
 */
export function trainHead(set: TrainingSet, options: TrainingOptions): HeadWeights {
  const { l2, maxSteps, patience, validationShare } = { ...DEFAULTS, ...options };
  checkFinite(set);
  const classes = classesToLearn(set);
  const { training, validation } = split(set.targets, classes, options.seed, validationShare);
  const { mean, scale } = standardisation(set, training);
  const rowOfClass = new Map(classes.map((each, row) => [each, row]));
  const part = (images: readonly number[]): Part => ({
    rows: standardised(set, images, mean, scale),
    targets: Int32Array.from(images, (image) => rowOfClass.get(set.targets[image] as number) ?? 0),
  });
  const [toLearn, toCheck] = [part(training), part(validation)];
  const shape = { width: set.width, classes: classes.length };

  // Weights of all classes, then their biases.
  const parameters = new Float64Array(shape.classes * (shape.width + 1));
  const kept = parameters.slice();
  const scores = new Float64Array(shape.classes);
  const curve: LearningPoint[] = [];
  let best: LearningPoint | null = null;
  minimise(
    parameters,
    (at, gradient) => {
      gradient.fill(0);
      const { loss } = crossEntropy(toLearn, shape, at, scores, gradient);
      return loss + decay(at, gradient, shape, l2);
    },
    {
      maxSteps,
      tolerance: 1e-6,
      onStep(step, value) {
        const { loss, accuracy } = crossEntropy(toCheck, shape, parameters, scores, null);
        const trainingLoss = value - decay(parameters, null, shape, l2);
        const point = { step, trainingLoss, validationLoss: loss, validationAccuracy: accuracy };
        curve.push(point);
        options.onStep?.(point);
        if (best === null || loss < best.validationLoss) {
          best = point;
          kept.set(parameters);
        }
        return step - best.step < patience;
      },
    },
  );
  if (best === null) {
    // Nothing to learn from features that never change: the classes' frequencies are all there is.
    const { loss, accuracy } = crossEntropy(toCheck, shape, kept, scores, null);
    best = { step: 0, trainingLoss: loss, validationLoss: loss, validationAccuracy: accuracy };
    curve.push(best);
  }
  return {
    ...unstandardised(kept, shape, classes, set.classCount, mean, scale),
    curve,
    best,
    trainingImages: training.length,
    validationImages: validation.length,
    missingClasses: Array.from({ length: set.classCount }, (_, each) => each).filter(
      (each) => !rowOfClass.has(each),
    ),
  };
}

interface Part {
  /** Standardised, row-major. */
  readonly rows: Float32Array;
  /** Positions among the learned classes. */
  readonly targets: Int32Array;
}

interface Shape {
  readonly width: number;
  readonly classes: number;
}

/**
 * Mean cross-entropy and accuracy of a linear classifier; its gradient is added to `gradient`.
 * The inner loops are most of the training's time: they allocate nothing and touch memory in order.
 */
function crossEntropy(
  { rows, targets }: Part,
  { width, classes }: Shape,
  parameters: Float64Array,
  scores: Float64Array,
  gradient: Float64Array | null,
): { readonly loss: number; readonly accuracy: number } {
  const biases = classes * width;
  const count = targets.length;
  let loss = 0;
  let correct = 0;
  for (let image = 0; image < count; image++) {
    const row = image * width;
    const target = targets[image] as number;
    let most = Number.NEGATIVE_INFINITY;
    let winner = 0;
    for (let each = 0; each < classes; each++) {
      let score = parameters[biases + each] as number;
      const at = each * width;
      for (let i = 0; i < width; i++) score += (parameters[at + i] as number) * (rows[row + i] as number);
      scores[each] = score;
      if (score > most) {
        most = score;
        winner = each;
      }
    }
    let sum = 0;
    for (let each = 0; each < classes; each++) sum += Math.exp((scores[each] as number) - most);
    const logSum = most + Math.log(sum);
    loss += logSum - (scores[target] as number);
    if (winner === target) correct++;
    if (gradient === null) continue;
    for (let each = 0; each < classes; each++) {
      const excess =
        (Math.exp((scores[each] as number) - logSum) - (each === target ? 1 : 0)) / Math.max(1, count);
      // A certain and right answer teaches nothing.
      if (Math.abs(excess) < 1e-12) continue;
      gradient[biases + each] = (gradient[biases + each] as number) + excess;
      const at = each * width;
      for (let i = 0; i < width; i++)
        gradient[at + i] = (gradient[at + i] as number) + excess * (rows[row + i] as number);
    }
  }
  return { loss: loss / Math.max(1, count), accuracy: correct / Math.max(1, count) };
}

/** The weights' (not the biases') penalty; its gradient is added to `gradient`. */
function decay(
  parameters: Float64Array,
  gradient: Float64Array | null,
  { width, classes }: Shape,
  l2: number,
): number {
  let sum = 0;
  for (let i = 0; i < width * classes; i++) {
    const weight = parameters[i] as number;
    sum += weight * weight;
    if (gradient !== null) gradient[i] = (gradient[i] as number) + l2 * weight;
  }
  return (l2 / 2) * sum;
}

function checkFinite({ features, width }: TrainingSet): void {
  const bad = features.findIndex((feature) => !Number.isFinite(feature));
  if (bad < 0) return;
  throw new InputError({
    code: 'head-bad-features',
    message: `Feature ${bad % width} of training image ${Math.floor(bad / width)} is ${features[bad]}, wanted a finite number`,
    hint: 'The model computes no finite values here: check its preprocessing, or put the exit elsewhere.',
  });
}

/** The classes that have enough images, ascending. */
function classesToLearn({ targets, classCount, targetSource }: TrainingSet): number[] {
  const counts = new Map<number, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  const present = [...counts].sort(([a], [b]) => a - b);
  const strange = present.find(([each]) => !Number.isInteger(each) || each < 0 || each >= classCount);
  if (strange !== undefined) {
    throw new InputError({
      code: 'head-class-range',
      message: `Found class ${strange[0]} among the training images, wanted 0 to ${classCount - 1}: the model has ${classCount} classes`,
      hint: 'Check how labels are mapped to classes under Data.',
    });
  }
  const few = present.filter(([, count]) => count < MIN_IMAGES_PER_CLASS);
  if (few.length > 0 && targetSource === 'labels') throw tooFewImages(few);
  const learned = present.filter(([, count]) => count >= MIN_IMAGES_PER_CLASS).map(([each]) => each);
  if (learned.length >= 2) return learned;
  if (few.length > 0) throw tooFewImages(few);
  throw new InputError({
    code: 'head-one-class',
    message: `Found ${learned.length === 0 ? 'no images' : `images of class ${learned[0]} only`} to train with, wanted at least two classes`,
    hint: 'Open images of several classes under Data.',
  });
}

function tooFewImages(few: readonly (readonly [number, number])[]): InputError {
  const listed = few.slice(0, 5).map(([each, count]) => `class ${each} (${count})`);
  const more = few.length > 5 ? ` and ${few.length - 5} more` : '';
  return new InputError({
    code: 'head-too-few-images',
    message: `Found too few training images of ${listed.join(', ')}${more}, wanted at least ${MIN_IMAGES_PER_CLASS} of each class`,
    hint: `Half of the images train and half evaluate: open at least ${2 * MIN_IMAGES_PER_CLASS} of each class.`,
  });
}

/** Divides the images of each class; both parts have at least one of every class. */
function split(
  targets: Int32Array,
  classes: readonly number[],
  seed: number,
  validationShare: number,
): { readonly training: readonly number[]; readonly validation: readonly number[] } {
  const random = seededRandom(seed);
  const imagesOf = new Map<number, number[]>(classes.map((each) => [each, []]));
  targets.forEach((target, image) => imagesOf.get(target)?.push(image));
  const training: number[] = [];
  const validation: number[] = [];
  for (const each of classes) {
    const images = shuffled(defined(imagesOf.get(each), `images of class ${each}`), random);
    const held = Math.min(images.length - 1, Math.max(1, Math.round(validationShare * images.length)));
    validation.push(...images.slice(0, held));
    training.push(...images.slice(held));
  }
  return { training: training.sort((a, b) => a - b), validation: validation.sort((a, b) => a - b) };
}

/** Mean and reciprocal standard deviation of each feature; 1 for features that do not vary. */
function standardisation(
  { features, width }: TrainingSet,
  images: readonly number[],
): { readonly mean: Float64Array; readonly scale: Float64Array } {
  const mean = new Float64Array(width);
  const scale = new Float64Array(width);
  for (const image of images) {
    for (let i = 0; i < width; i++)
      mean[i] = (mean[i] as number) + (features[image * width + i] as number) / images.length;
  }
  for (const image of images) {
    for (let i = 0; i < width; i++) {
      const off = (features[image * width + i] as number) - (mean[i] as number);
      scale[i] = (scale[i] as number) + (off * off) / images.length;
    }
  }
  for (let i = 0; i < width; i++) {
    const deviation = Math.sqrt(scale[i] as number);
    // Relative to the mean, so that rounding is not taken for a signal.
    scale[i] = deviation > 1e-6 * Math.abs(mean[i] as number) && deviation > 1e-20 ? 1 / deviation : 1;
  }
  return { mean, scale };
}

function standardised(
  { features, width }: TrainingSet,
  images: readonly number[],
  mean: Float64Array,
  scale: Float64Array,
): Float32Array {
  const rows = new Float32Array(images.length * width);
  images.forEach((image, row) => {
    for (let i = 0; i < width; i++)
      rows[row * width + i] =
        ((features[image * width + i] as number) - (mean[i] as number)) * (scale[i] as number);
  });
  return rows;
}

/** The same classifier for raw features: w' = w·s and b' = b − Σ w·s·mean. */
function unstandardised(
  parameters: Float64Array,
  { width, classes }: Shape,
  learned: readonly number[],
  classCount: number,
  mean: Float64Array,
  scale: Float64Array,
): Pick<HeadWeights, 'weights' | 'bias'> {
  const weights = new Float32Array(classCount * width);
  const bias = new Float32Array(classCount).fill(NEVER);
  learned.forEach((each, row) => {
    let shift = parameters[classes * width + row] as number;
    for (let i = 0; i < width; i++) {
      const weight = (parameters[row * width + i] as number) * (scale[i] as number);
      weights[each * width + i] = weight;
      // With the weight as it is stored, so that its rounding does not move the sum.
      shift -= Math.fround(weight) * (mean[i] as number);
    }
    bias[each] = shift;
  });
  return { weights, bias };
}
