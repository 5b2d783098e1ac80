import type { ClassPixels } from '../trial.ts';

/** Numbers of each class in a row: pixels that answer and label both name so, that the answer does, that the label does. */
export const PARTS = 3;

/** Counts of images as rows of equal length, to be added up again and again. */
export interface PixelRows {
  readonly labels: readonly number[];
  /** Row-major, [images, labels, `PARTS`]. */
  readonly rows: Float64Array;
}

/** Labels that occur in answers or masks, ascending. */
export function labelsOf(images: readonly ClassPixels[]): readonly number[] {
  return [...new Set(images.flatMap((each) => each.filter((_, at) => at % 4 === 0)))].sort((a, b) => a - b);
}

/** @param labels all that occur, and perhaps others */
export function pixelRows(images: readonly ClassPixels[], labels: readonly number[]): PixelRows {
  const width = PARTS * labels.length;
  const placeOf = new Map(labels.map((label, at) => [label, at]));
  const rows = new Float64Array(images.length * width);
  images.forEach((each, image) => {
    for (let at = 0; at < each.length; at += 4) {
      const to = image * width + PARTS * (placeOf.get(each[at] as number) ?? 0);
      for (let part = 0; part < PARTS; part++) rows[to + part] = each[at + 1 + part] as number;
    }
  });
  return { labels, rows };
}

/** Adds the row of an image to sums of the same length, so many times. */
export function addRow(sums: Float64Array, rows: Float64Array, image: number, times = 1): void {
  const from = image * sums.length;
  for (let at = 0; at < sums.length; at++)
    sums[at] = (sums[at] as number) + times * (rows[from + at] as number);
}

/** Sums over all images. */
export function totalOf({ labels, rows }: PixelRows): Float64Array {
  const all = new Float64Array(PARTS * labels.length);
  for (let image = 0; image * all.length < rows.length; image++) addRow(all, rows, image);
  return all;
}

/** Pixels with a class. */
export function labelledIn(sums: Float64Array): number {
  return sumOf(sums, 2);
}

/** Share of the pixels with a class that are right. */
export function pixelShare(sums: Float64Array): number {
  return sumOf(sums, 0) / sumOf(sums, 2);
}

/** Intersection over union of the class at this place; NaN of one that does not occur. */
export function iouAt(sums: Float64Array, place: number): number {
  const both = sums[PARTS * place] as number;
  return both / ((sums[PARTS * place + 1] as number) + (sums[PARTS * place + 2] as number) - both);
}

/** Mean over the classes that occur; NaN if none does. */
export function meanIou(sums: Float64Array): number {
  let [sum, count] = [0, 0];
  for (let place = 0; PARTS * place < sums.length; place++) {
    const iou = iouAt(sums, place);
    if (Number.isNaN(iou)) continue;
    sum += iou;
    count++;
  }
  return sum / count;
}

function sumOf(sums: Float64Array, part: number): number {
  let sum = 0;
  for (let at = part; at < sums.length; at += PARTS) sum += sums[at] as number;
  return sum;
}
