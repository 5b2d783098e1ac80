import { z95 } from '../statistics/binomial.ts';
import { mcnemar } from '../statistics/mcnemar.ts';
import { NO_CLASS } from '../trial.ts';
import { maskDifference, type MaskMeasure } from './mask-difference.ts';
import type { Answers, PixelAnswers, StrategyFacts } from './strategy-facts.ts';

/** By how much the answers of two strategies differ, told of the images that both saw. */
export interface QualityDifference {
  /** Right by the labels, or mean IoU by masks; without: as the unchanged model answers. */
  readonly measure: 'accuracy' | 'agreement' | MaskMeasure;
  /** Of the first less that of the second, with its 95 % interval. */
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly images: number;
  /** Images that only the first, only the second gets right; of masks: gets more pixels right of. */
  readonly onlyA: number;
  readonly onlyB: number;
  /** McNemar's exact test; of masks, see `maskDifference`. */
  readonly p: number;
}

/** By image index: 1 right, 0 wrong, -1 not asked. */
export interface QualityMarks {
  readonly accuracy: Int8Array | null;
  readonly agreement: Int8Array | null;
}

/** Which images each strategy gets right; those that were not evaluated have none. */
export function qualityMarks(facts: readonly StrategyFacts[]): ReadonlyMap<StrategyFacts, QualityMarks> {
  const images = facts.reduce(
    (most, { answers }) => answers?.image.reduce((last, index) => Math.max(last, index), most) ?? most,
    -1,
  );
  return new Map(
    facts.flatMap((each) => {
      const { answers, isRandom, strategy } = each;
      if (!answers || isRandom) return [];
      const original = facts.find(
        (other) =>
          other.isIdentity &&
          other.strategy.modelId === strategy.modelId &&
          other.answers?.datasetId === answers.datasetId,
      )?.answers;
      const marks: QualityMarks = {
        accuracy: answers.right && marksOf(images + 1, answers, (at) => answers.right?.[at] ?? -1),
        agreement: original ? agreementMarks(images + 1, answers, original) : null,
      };
      return [[each, marks] as const];
    }),
  );
}

function marksOf(images: number, { image }: Answers, mark: (at: number) => number): Int8Array {
  const marks = new Int8Array(images).fill(-1);
  image.forEach((index, at) => {
    marks[index] = mark(at);
  });
  return marks;
}

/** Scores that are not numbers agree with nothing. */
function agreementMarks(images: number, answers: Answers, original: Answers): Int8Array {
  const wanted = new Int32Array(images).fill(NO_CLASS);
  original.image.forEach((index, at) => {
    wanted[index] = original.top1[at] ?? NO_CLASS;
  });
  const seen = marksOf(images, original, () => 1);
  return marksOf(images, answers, (at) => {
    const index = answers.image[at] ?? 0;
    const best = answers.top1[at] ?? NO_CLASS;
    return seen[index] !== 1 ? -1 : best !== NO_CLASS && best === wanted[index] ? 1 : 0;
  });
}

/** @returns why that is not known, as the end of a sentence about both, where it is not */
export function qualityDifference(
  a: StrategyFacts,
  b: StrategyFacts,
  marks: ReadonlyMap<StrategyFacts, QualityMarks>,
): QualityDifference | string {
  if (a.isRandom || b.isRandom) return 'ran on random inputs, which have no right answer';
  if (a.pixels && b.pixels) return pixelDifference(a.pixels, b.pixels);
  const [first, second] = [marks.get(a), marks.get(b)];
  if (!first || !second) return 'were not both evaluated on images';
  if (a.answers?.datasetId !== b.answers?.datasetId) return 'were evaluated on different images';
  if (first.accuracy && second.accuracy) return differenceOf('accuracy', first.accuracy, second.accuracy);
  if (a.values.has('accuracyTop1') && b.values.has('accuracyTop1'))
    return 'were evaluated before labels were kept image by image';
  if (first.agreement && second.agreement)
    return differenceOf('agreement', first.agreement, second.agreement);
  return 'have neither labels nor the answers of the unchanged model to be held against';
}

/** Advice asks for the same differences once for each wish. */
const knownDifferences = new WeakMap<PixelAnswers, WeakMap<PixelAnswers, QualityDifference | string>>();

function pixelDifference(first: PixelAnswers, second: PixelAnswers): QualityDifference | string {
  const known = knownDifferences.get(first) ?? new WeakMap<PixelAnswers, QualityDifference | string>();
  knownDifferences.set(first, known);
  const difference = known.get(second) ?? derivePixelDifference(first, second);
  known.set(second, difference);
  return difference;
}

function derivePixelDifference(first: PixelAnswers, second: PixelAnswers): QualityDifference | string {
  if (first.datasetId !== second.datasetId) return 'were evaluated on different images';
  const hasMasks = [first, second].every(({ counts }) => counts.some((each) => each !== null));
  if (hasMasks) return maskDifference('miou', first, second);
  if (first.agreement && second.agreement) return maskDifference('pixel-agreement', first, second);
  return 'have neither masks nor the answers of the unchanged model to be held against';
}

function differenceOf(
  measure: 'accuracy' | 'agreement',
  a: Int8Array,
  b: Int8Array,
): QualityDifference | string {
  let [images, onlyA, onlyB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    if (a[index] === -1 || b[index] === -1) continue;
    images++;
    if (a[index] === 1 && b[index] === 0) onlyA++;
    if (b[index] === 1 && a[index] === 0) onlyB++;
  }
  if (images === 0) return 'have no evaluated image in common';
  const test = mcnemar(onlyA, onlyB);
  // No image tells them apart: nothing to test, and nothing different.
  const p = test.ok ? test.value.p : 1;
  const difference = (onlyA - onlyB) / images;
  return { measure, difference, ...interval95(onlyA, onlyB, images), images, onlyA, onlyB, p };
}

/**
 * 95 % interval of a difference of paired shares; sound for few images, too.
 * @source Bonett and Price 2012, Adjusted Wald confidence interval for a difference of binomial proportions based on
 * paired data
 */
function interval95(onlyA: number, onlyB: number, images: number): { low: number; high: number } {
  const [a, b] = [(onlyA + 1) / (images + 2), (onlyB + 1) / (images + 2)];
  const half = z95 * Math.sqrt((a + b - (a - b) ** 2) / (images + 2));
  return { low: Math.max(-1, a - b - half), high: Math.min(1, a - b + half) };
}
