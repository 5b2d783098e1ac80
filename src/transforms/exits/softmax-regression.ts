/** Standardised features and the class of each image. */
export interface LabelledRows {
  /** Row-major, [images, width]. */
  readonly rows: Float32Array;
  /** Positions among the learned classes. */
  readonly targets: Int32Array;
}

export interface RegressionShape {
  readonly width: number;
  readonly classes: number;
}

/** How well a classifier does on some images. */
export interface Fit {
  /** Mean cross-entropy in nats. */
  readonly loss: number;
  /** Share in [0, 1]. */
  readonly accuracy: number;
}

/**
 * What `crossEntropy` tells of the same images at different parameters.
 * @param gradient is added to; null where it is not wanted
 */
export type CrossEntropy = (parameters: Float64Array, gradient: Float64Array | null) => Fit | Promise<Fit>;

/** A way of computing it: in plain loops, or in a runtime (`regression-graph.ts`). */
export type CrossEntropyOf = (images: LabelledRows, shape: RegressionShape) => CrossEntropy;

/** In plain loops: the fastest where a step is little work, and available everywhere. */
export const plainCrossEntropyOf: CrossEntropyOf = (images, shape) => (parameters, gradient) =>
  crossEntropy(images, shape, parameters, gradient);

/** So many images share what is read of the weights: of many classes these do not fit the cache. */
const BLOCK = 32;

/**
 * Mean cross-entropy in nats and accuracy of a linear classifier; its gradient is added to `gradient`.
 * These loops are nearly all of the training's time. Four classes at once: a feature is read once for them, and
 * their sums do not wait for each other.
 * @param parameters weights of all classes, row-major [classes, width], then their biases
 */
function crossEntropy(
  { rows, targets }: LabelledRows,
  { width, classes }: RegressionShape,
  parameters: Float64Array,
  gradient: Float64Array | null,
): Fit {
  const count = targets.length;
  const scores = new Float64Array(BLOCK * classes);
  let loss = 0;
  let correct = 0;
  for (let first = 0; first < count; first += BLOCK) {
    const images = Math.min(BLOCK, count - first);
    const block = rows.subarray(first * width, (first + images) * width);
    score(block, images, width, classes, parameters, scores);
    for (let image = 0; image < images; image++) {
      const target = targets[first + image] as number;
      const of = scores.subarray(image * classes, (image + 1) * classes);
      let winner = 0;
      for (let each = 1; each < classes; each++)
        if ((of[each] as number) > (of[winner] as number)) winner = each;
      const most = of[winner] as number;
      let sum = 0;
      for (let each = 0; each < classes; each++) sum += Math.exp((of[each] as number) - most);
      const logSum = most + Math.log(sum);
      loss += logSum - (of[target] as number);
      if (winner === target) correct++;
      // From here on: how much too likely each class is.
      for (let each = 0; each < classes; each++)
        of[each] = (Math.exp((of[each] as number) - logSum) - (each === target ? 1 : 0)) / count;
    }
    if (gradient !== null) addGradient(block, images, width, classes, scores, gradient);
  }
  return { loss: loss / Math.max(1, count), accuracy: correct / Math.max(1, count) };
}

/** The weights' (not the biases') penalty, l2/2 times the sum of squares; its gradient is added to `gradient`. */
export function weightDecay(
  parameters: Float64Array,
  gradient: Float64Array | null,
  { width, classes }: RegressionShape,
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

/** Scores of a block of images, row-major [images, classes]. */
function score(
  rows: Float32Array,
  images: number,
  width: number,
  classes: number,
  parameters: Float64Array,
  scores: Float64Array,
): void {
  const biases = classes * width;
  let each = 0;
  for (; each + 3 < classes; each += 4) {
    const [a, b, c, d] = [each * width, (each + 1) * width, (each + 2) * width, (each + 3) * width];
    for (let image = 0; image < images; image++) {
      const row = image * width;
      let sumA = parameters[biases + each] as number;
      let sumB = parameters[biases + each + 1] as number;
      let sumC = parameters[biases + each + 2] as number;
      let sumD = parameters[biases + each + 3] as number;
      for (let i = 0; i < width; i++) {
        const feature = rows[row + i] as number;
        sumA += (parameters[a + i] as number) * feature;
        sumB += (parameters[b + i] as number) * feature;
        sumC += (parameters[c + i] as number) * feature;
        sumD += (parameters[d + i] as number) * feature;
      }
      const at = image * classes + each;
      scores[at] = sumA;
      scores[at + 1] = sumB;
      scores[at + 2] = sumC;
      scores[at + 3] = sumD;
    }
  }
  for (; each < classes; each++) {
    for (let image = 0; image < images; image++) {
      let sum = parameters[biases + each] as number;
      for (let i = 0; i < width; i++)
        sum += (parameters[each * width + i] as number) * (rows[image * width + i] as number);
      scores[image * classes + each] = sum;
    }
  }
}

/** @param excess of each image and class, row-major [images, classes] */
function addGradient(
  rows: Float32Array,
  images: number,
  width: number,
  classes: number,
  excess: Float64Array,
  gradient: Float64Array,
): void {
  const biases = classes * width;
  for (let image = 0; image < images; image++) {
    for (let each = 0; each < classes; each++)
      gradient[biases + each] =
        (gradient[biases + each] as number) + (excess[image * classes + each] as number);
  }
  let each = 0;
  for (; each + 3 < classes; each += 4) {
    const [a, b, c, d] = [each * width, (each + 1) * width, (each + 2) * width, (each + 3) * width];
    for (let image = 0; image < images; image++) {
      const row = image * width;
      const at = image * classes + each;
      const ofA = excess[at] as number;
      const ofB = excess[at + 1] as number;
      const ofC = excess[at + 2] as number;
      const ofD = excess[at + 3] as number;
      for (let i = 0; i < width; i++) {
        const feature = rows[row + i] as number;
        gradient[a + i] = (gradient[a + i] as number) + ofA * feature;
        gradient[b + i] = (gradient[b + i] as number) + ofB * feature;
        gradient[c + i] = (gradient[c + i] as number) + ofC * feature;
        gradient[d + i] = (gradient[d + i] as number) + ofD * feature;
      }
    }
  }
  for (; each < classes; each++) {
    for (let image = 0; image < images; image++) {
      const of = excess[image * classes + each] as number;
      for (let i = 0; i < width; i++)
        gradient[each * width + i] =
          (gradient[each * width + i] as number) + of * (rows[image * width + i] as number);
    }
  }
}
