import { type Random, seededRandom } from '../../base/random.ts';
import { addRow, labelsOf, meanIou, pixelRows, pixelShare, totalOf } from '../segmentation/pixel-sums.ts';
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
  const shares = (counts: ClassPixels) => pixelShare(totalOf(pixelRows([counts], labels)));
  const better = a.map((each, at) => shares(each) - shares(b[at] as ClassPixels));
  return {
    measure,
    difference,
    ...interval95(rowsA.rows, rowsB.rows, a.length, sumsA.length, valueOf),
    images: a.length,
    onlyA: better.filter((each) => each > 0).length,
    onlyB: better.filter((each) => each < 0).length,
    p: swapTest(rowsA.rows, rowsB.rows, sumsA, sumsB, difference, valueOf),
  };
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
  rowsA: Float64Array,
  rowsB: Float64Array,
  images: number,
  width: number,
  valueOf: (sums: Float64Array) => number,
): { low: number; high: number } {
  const random = seededRandom(SEED);
  const [sumsA, sumsB] = [new Float64Array(width), new Float64Array(width)];
  const drawn: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    sumsA.fill(0);
    sumsB.fill(0);
    for (let i = 0; i < images; i++) {
      const image = Math.floor(random() * images);
      addRow(sumsA, rowsA, image);
      addRow(sumsB, rowsB, image);
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

function swapTest(
  rowsA: Float64Array,
  rowsB: Float64Array,
  sumsA: Float64Array,
  sumsB: Float64Array,
  difference: number,
  valueOf: (sums: Float64Array) => number,
): number {
  const width = sumsA.length;
  const gaps = differingRows(rowsA, rowsB, width);
  const images = gaps.length / width;
  const both = sumsA.map((sum, at) => sum + (sumsB[at] as number));
  const swapped = new Float64Array(width);
  const rest = new Float64Array(width);
  /** Sums are of whole numbers, so that equal ones are equal but for the last digits of the shares. */
  const isExtreme = (): boolean => {
    for (let at = 0; at < width; at++) rest[at] = (both[at] as number) - (swapped[at] as number);
    return Math.abs(valueOf(swapped) - valueOf(rest)) >= Math.abs(difference) - 1e-12;
  };
  if (images <= MOST_EXACT) return everySwap(gaps, images, swapped, sumsA, isExtreme);
  return drawnSwaps(gaps, images, swapped, sumsA, isExtreme, seededRandom(SEED));
}

function everySwap(
  gaps: Float64Array,
  images: number,
  swapped: Float64Array,
  sumsA: Float64Array,
  isExtreme: () => boolean,
): number {
  swapped.set(sumsA);
  let extreme = 1;
  // In the order of the Gray code each differs from the one before in one image.
  for (let step = 1; step < 2 ** images; step++) {
    const image = 31 - Math.clz32(step & -step);
    const isSwappedBack = ((step >> (image + 1)) & 1) === 1;
    addRow(swapped, gaps, image, isSwappedBack ? -1 : 1);
    if (isExtreme()) extreme++;
  }
  return extreme / 2 ** images;
}

function drawnSwaps(
  gaps: Float64Array,
  images: number,
  swapped: Float64Array,
  sumsA: Float64Array,
  isExtreme: () => boolean,
  random: Random,
): number {
  let extreme = 0;
  for (let drawn = 1; drawn <= MOST_SWAPS; drawn++) {
    swapped.set(sumsA);
    for (let image = 0; image < images; image++) if (random() < 0.5) addRow(swapped, gaps, image);
    if (isExtreme()) extreme++;
    if (extreme === ENOUGH_EXTREME) return extreme / drawn;
  }
  return (extreme + 1) / (MOST_SWAPS + 1);
}

/** What each image adds to the first sums when it is swapped; images that are answered alike add nothing. */
function differingRows(rowsA: Float64Array, rowsB: Float64Array, width: number): Float64Array {
  const gaps = rowsA.map((count, at) => (rowsB[at] as number) - count);
  const kept: Float64Array[] = [];
  for (let from = 0; from < gaps.length; from += width) {
    const row = gaps.subarray(from, from + width);
    if (row.some((gap) => gap !== 0)) kept.push(row);
  }
  const all = new Float64Array(kept.length * width);
  kept.forEach((row, at) => all.set(row, at * width));
  return all;
}
