import { assert, defined } from '../base/assert.ts';
import { type ConfidenceMeasure, confidenceOf } from '../transforms/exits/confidence.ts';
import { bestClass } from './best-class.ts';
import { NO_CLASS } from './trial.ts';

/** What one pass over the images keeps of a multi-exit model: every exit's scores, though nothing stopped there. */
export interface ExitScores {
  /** All below has this order of images. */
  readonly imageIndices: readonly number[];
  readonly classCount: number;
  /** In order of work; the last is the final exit. */
  readonly exits: readonly {
    /** In `GraphView.exits`. */
    readonly index: number;
    readonly output: string;
    readonly kind: 'logits' | 'probabilities';
    /** Row-major, shape [images, classes]. */
    readonly scores: Float32Array;
    /** Measured time from the start of an inference to this exit's decision. */
    readonly latencyMs: number;
  }[];
}

/** All that deciding needs, so that a threshold costs no inference. */
export interface ThresholdTable {
  readonly images: number;
  /** Images whose right answer is known: what the correct ones are a share of. */
  readonly judged: Uint8Array;
  readonly exits: readonly {
    readonly index: number;
    readonly latencyMs: number;
    /** Of each image, see `confidenceOf`. */
    readonly confidence: Float64Array;
    /** 1 where this exit's best class is right. */
    readonly correct: Uint8Array;
  }[];
}

/**
 * One threshold for each exit but the last, in order: an image leaves at the first exit that is at least so
 * confident, else at the end. `NEVER` closes an exit.
 */
export type Thresholds = readonly number[];

/** The threshold that no confidence reaches. */
export const NEVER = Number.POSITIVE_INFINITY;

/** What thresholds would give. */
export interface ThresholdOutcome {
  readonly thresholds: Thresholds;
  readonly images: number;
  readonly judged: number;
  readonly correct: number;
  /** Share of the judged images that are answered right; NaN without any. */
  readonly accuracy: number;
  /** Expected: mean over the images of the time to the exit where each leaves. */
  readonly latencyMs: number;
  /** Share of the images that leaves at each exit, the final one included. */
  readonly shares: readonly number[];
}

/**
 * Prepares a pass for evaluating thresholds.
 * @param truth the right class of each image of the pass, in the model's numbering, null where it is not known;
 * null altogether: the final exit's own answer counts as right, so that accuracy means agreement with it
 */
export function thresholdTable(
  pass: ExitScores,
  measure: ConfidenceMeasure,
  truth: readonly (number | null)[] | null,
): ThresholdTable {
  const images = pass.imageIndices.length;
  const final = defined(pass.exits.at(-1), 'final exit');
  const row = (scores: Float32Array, image: number): Float32Array =>
    scores.subarray(image * pass.classCount, (image + 1) * pass.classCount);
  const wanted = Int32Array.from({ length: images }, (_, image) =>
    truth === null ? bestClass(row(final.scores, image)) : (truth[image] ?? NO_CLASS),
  );
  return {
    images,
    // Without truth an answer that is no number agrees with nothing, and counts, as in an accuracy pass.
    judged: Uint8Array.from(wanted, (label) => (truth === null || label !== NO_CLASS ? 1 : 0)),
    exits: pass.exits.map(({ index, kind, latencyMs, scores }) => {
      const confidence = new Float64Array(images);
      const correct = new Uint8Array(images);
      for (let image = 0; image < images; image++) {
        const of = row(scores, image);
        confidence[image] = confidenceOf(of, kind, measure);
        correct[image] = wanted[image] !== NO_CLASS && bestClass(of) === wanted[image] ? 1 : 0;
      }
      return { index, latencyMs, confidence, correct };
    }),
  };
}

/**
 * What thresholds would give on the images of a table, without an inference.
 * @param images positions in the table; all when left out
 */
export function evaluateThresholds(
  table: ThresholdTable,
  thresholds: Thresholds,
  images?: ArrayLike<number>,
): ThresholdOutcome {
  const { exits } = table;
  const last = exits.length - 1;
  assert(thresholds.length === last, 'one threshold for each exit but the last');
  const count = images?.length ?? table.images;
  const leaving = new Array<number>(exits.length).fill(0);
  let [judged, correct] = [0, 0];
  for (let at = 0; at < count; at++) {
    const image = images ? (images[at] as number) : at;
    let exit = 0;
    while (exit < last && !((exits[exit]?.confidence[image] as number) >= (thresholds[exit] as number)))
      exit++;
    leaving[exit] = (leaving[exit] as number) + 1;
    judged += table.judged[image] as number;
    correct += exits[exit]?.correct[image] as number;
  }
  return {
    thresholds,
    images: count,
    judged,
    correct,
    accuracy: correct / judged,
    latencyMs: meanLatencyMs(table, leaving),
    shares: leaving.map((n) => n / count),
  };
}

/** The same threshold at every exit, from where all leave at the first one to where none leaves early. */
export function uniformSweep(
  table: ThresholdTable,
  steps = UNIFORM_STEPS,
  images?: ArrayLike<number>,
): readonly ThresholdOutcome[] {
  const early = table.exits.length - 1;
  const outcomes = Array.from({ length: steps }, (_, step) =>
    evaluateThresholds(table, new Array<number>(early).fill((step + 1) / steps), images),
  );
  return [...outcomes, evaluateThresholds(table, new Array<number>(early).fill(NEVER), images)];
}

/** As fine as anybody sets one by hand. */
export const UNIFORM_STEPS = 100;

/** Expected time of images that leave so. From counts, so that the same shares give the same number in whatever order they were reached. */
export function meanLatencyMs({ exits }: ThresholdTable, leaving: readonly number[]): number {
  let sum = 0;
  let count = 0;
  // A plain loop: a search comes here millions of times.
  for (let exit = 0; exit < exits.length; exit++) {
    const images = leaving[exit] as number;
    sum += images * (exits[exit]?.latencyMs as number);
    count += images;
  }
  return sum / count;
}
