import { seededRandom } from '../../base/random.ts';
import {
  addImage,
  labelsOf,
  meanIou,
  noPixels,
  PARTS,
  type PixelRows,
  pixelRows,
  pixelShare,
  totalOf,
} from '../segmentation/pixel-sums.ts';
import { normalCdf, studentTQuantile } from '../statistics/distributions.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import type { ClassPixels } from '../trial.ts';
import type { QualityDifference } from './quality-difference.ts';
import type { PixelAnswers } from './strategy-facts.ts';

/** What sums of pixels say, by what they are compared with: masks, or answers of the unchanged model. */
const MEASURES = {
  miou: { countsOf: ({ counts }: PixelAnswers) => counts, valueOf: meanIou },
  'pixel-agreement': { countsOf: ({ agreement }: PixelAnswers) => agreement, valueOf: pixelShare },
} as const;

export type MaskMeasure = keyof typeof MEASURES;

const SEED = 0x10c1;
const RESAMPLES = 2000;
/** Least p-value of the test: small enough to count among hundreds of pairs. */
const MOST_SWAPS = 9999;
/** Once so many were as extreme, p is known well enough. @source Besag and Clifford 1991 */
const ENOUGH_EXTREME = 200;
/** Images up to which every way of swapping is tried. */
const MOST_EXACT = 12;

/**
 * By how much the answers of two strategies differ for pixels of the images that both saw. The interval is that of a
 * bootstrap that draws images, the same for both. The test swaps the answers of both image by image, which would
 * change nothing if they were equally good: p is the share of such swaps that differ at least as much. Unlike a t test it
 * asks nothing of the distribution, and of few images it is exact.
 * @returns why that is not known, as the end of a sentence about both, where it is not
 * @source Noreen 1989, approximate randomization; Efron and Tibshirani 1993, 13.3
 */
export function maskDifference(
  measure: MaskMeasure,
  first: PixelAnswers,
  second: PixelAnswers,
): QualityDifference | string {
  const { countsOf, valueOf } = MEASURES[measure];
  const [a, b] = inCommon(first, countsOf(first), second, countsOf(second));
  if (a.length < 2) return 'have fewer than two images to compare pixels of in common';
  const labels = labelsOf([...a, ...b]);
  const [rowsA, rowsB] = [pixelRows(a, labels), pixelRows(b, labels)];
  const [sumsA, sumsB] = [totalOf(rowsA), totalOf(rowsB)];
  const difference = valueOf(sumsA) - valueOf(sumsB);
  if (Number.isNaN(difference)) return 'were asked about no pixel';
  const rightOf = (counts: ClassPixels) =>
    counts.reduce((sum, each, at) => (at % 4 === 1 ? sum + each : sum), 0);
  const better = a.map((each, at) => rightOf(each) - rightOf(b[at] as ClassPixels));
  const gaps = a.map((each, at) => gapsOf(each, b[at] as ClassPixels)).filter((each) => each.length > 0);
  return {
    measure,
    difference,
    ...interval95(rowsA, rowsB, a.length, valueOf),
    images: a.length,
    onlyA: better.filter((each) => each > 0).length,
    onlyB: better.filter((each) => each < 0).length,
    p: swapTest(pixelRows(gaps, labels), gaps.length, sumsA, sumsB, valueOf),
  };
}

/** What an image adds to the first counts when it is swapped: nothing for classes that both answer alike. */
function gapsOf(a: ClassPixels, b: ClassPixels): ClassPixels {
  const gaps = new Map<number, number[]>();
  for (const [counts, sign] of [
    [a, -1],
    [b, 1],
  ] as const)
    for (let at = 0; at < counts.length; at += 4) {
      const gap = gaps.get(counts[at] as number) ?? [0, 0, 0];
      gaps.set(counts[at] as number, gap);
      for (let part = 0; part < PARTS; part++)
        gap[part] = (gap[part] as number) + sign * (counts[at + 1 + part] as number);
    }
  return [...gaps].flatMap(([label, gap]) => (gap.every((each) => each === 0) ? [] : [label, ...gap]));
}

/** The counts of images that both have, in one order. */
function inCommon(
  first: PixelAnswers,
  countsA: PixelAnswers['agreement'],
  second: PixelAnswers,
  countsB: PixelAnswers['agreement'],
): [readonly ClassPixels[], readonly ClassPixels[]] {
  const places = new Map(second.images.map((image, at) => [image, at]));
  const pairs = first.images.flatMap((image, at) => {
    const [a, b] = [countsA?.[at] ?? null, countsB?.[places.get(image) ?? -1] ?? null];
    return a && b ? [[a, b] as const] : [];
  });
  return [pairs.map(([a]) => a), pairs.map(([, b]) => b)];
}

function interval95(
  rowsA: PixelRows,
  rowsB: PixelRows,
  images: number,
  valueOf: (sums: Float64Array) => number,
): { low: number; high: number } {
  const random = seededRandom(SEED);
  const [sumsA, sumsB] = [noPixels(rowsA), noPixels(rowsB)];
  const drawn: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    sumsA.fill(0);
    sumsB.fill(0);
    for (let i = 0; i < images; i++) {
      const image = Math.floor(random() * images);
      addImage(sumsA, rowsA, image);
      addImage(sumsB, rowsB, image);
    }
    const difference = valueOf(sumsA) - valueOf(sumsB);
    if (!Number.isNaN(difference)) drawn.push(difference);
  }
  const sorted = Float64Array.from(drawn).sort();
  const tail = tailShare(images);
  return { low: quantileOfSorted(sorted, tail), high: quantileOfSorted(sorted, 1 - tail) };
}

/**
 * The share of resamples beyond each end of a 95 % interval. Resamples of few images spread too little, so it is less
 * than a fortieth.
 * @source Hesterberg 2015, What teachers should know about the bootstrap, expanded percentile interval
 */
function tailShare(images: number): number {
  return normalCdf(-Math.sqrt(images / (images - 1)) * studentTQuantile(0.975, images - 1));
}

/** @param gaps of images that are not answered alike */
function swapTest(
  gaps: PixelRows,
  images: number,
  sumsA: Float64Array,
  sumsB: Float64Array,
  valueOf: (sums: Float64Array) => number,
): number {
  const difference = Math.abs(valueOf(sumsA) - valueOf(sumsB));
  const both = sumsA.map((sum, at) => sum + (sumsB[at] as number));
  const rest = both.slice();
  /** Sums are whole numbers, so that equal shares differ in their last digits at most. */
  const isExtreme = (swapped: Float64Array): boolean => {
    for (let at = 0; at < rest.length; at++) rest[at] = (both[at] as number) - (swapped[at] as number);
    return Math.abs(valueOf(swapped) - valueOf(rest)) >= difference - 1e-12;
  };
  return images <= MOST_EXACT
    ? everySwap(gaps, images, sumsA, isExtreme)
    : drawnSwaps(gaps, images, sumsA, isExtreme);
}

function everySwap(
  gaps: PixelRows,
  images: number,
  sumsA: Float64Array,
  isExtreme: (swapped: Float64Array) => boolean,
): number {
  const swapped = sumsA.slice();
  let extreme = 1;
  // In the order of the Gray code each differs from the one before in one image.
  for (let step = 1; step < 2 ** images; step++) {
    const image = 31 - Math.clz32(step & -step);
    const isSwappedBack = ((step >> (image + 1)) & 1) === 1;
    addImage(swapped, gaps, image, isSwappedBack ? -1 : 1);
    if (isExtreme(swapped)) extreme++;
  }
  return extreme / 2 ** images;
}

function drawnSwaps(
  gaps: PixelRows,
  images: number,
  sumsA: Float64Array,
  isExtreme: (swapped: Float64Array) => boolean,
): number {
  const random = seededRandom(SEED);
  const swapped = sumsA.slice();
  let extreme = 0;
  for (let drawn = 1; drawn <= MOST_SWAPS; drawn++) {
    swapped.set(sumsA);
    for (let image = 0; image < images; image++) if (random() < 0.5) addImage(swapped, gaps, image);
    if (isExtreme(swapped)) extreme++;
    if (extreme === ENOUGH_EXTREME) return extreme / drawn;
  }
  return (extreme + 1) / (MOST_SWAPS + 1);
}
