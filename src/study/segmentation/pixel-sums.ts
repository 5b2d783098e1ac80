import type { ClassPixels } from '../trial.ts';

/** Numbers of each class in a row: pixels that answer and label both name so, that the answer does, that the label does. */
export const PARTS = 3;

/** Counts of images, to be added up again and again; most images have few of many classes. */
export interface PixelRows {
  readonly labels: readonly number[];
  /** Where each image's classes begin in the other two, and where the last ones end. */
  readonly starts: Uint32Array;
  /** Of classes among the labels. */
  readonly places: Uint32Array;
  /** `PARTS` numbers for each class of an image. */
  readonly counts: Float64Array;
}

/** Labels that occur in answers or masks, ascending. */
export function labelsOf(images: readonly ClassPixels[]): readonly number[] {
  return [...new Set(images.flatMap((each) => each.filter((_, at) => at % 4 === 0)))].sort((a, b) => a - b);
}

/** @param labels all that occur, and perhaps others */
export function pixelRows(images: readonly ClassPixels[], labels: readonly number[]): PixelRows {
  const total = images.reduce((sum, each) => sum + each.length / 4, 0);
  const placeOf = new Map(labels.map((label, at) => [label, at]));
  const starts = new Uint32Array(images.length + 1);
  const places = new Uint32Array(total);
  const counts = new Float64Array(PARTS * total);
  let filled = 0;
  images.forEach((each, image) => {
    for (let at = 0; at < each.length; at += 4, filled++) {
      places[filled] = placeOf.get(each[at] as number) ?? 0;
      for (let part = 0; part < PARTS; part++) counts[PARTS * filled + part] = each[at + 1 + part] as number;
    }
    starts[image + 1] = filled;
  });
  return { labels, starts, places, counts };
}

/** Zeros to add images to. */
export function noPixels({ labels }: PixelRows): Float64Array {
  return new Float64Array(PARTS * labels.length);
}

/** Adds the counts of an image to sums, so many times. */
export function addImage(sums: Float64Array, table: PixelRows, image: number, times = 1): void {
  const { starts, places, counts } = table;
  const end = starts[image + 1] as number;
  for (let at = starts[image] as number; at < end; at++) {
    const to = PARTS * (places[at] as number);
    for (let part = 0; part < PARTS; part++)
      sums[to + part] = (sums[to + part] as number) + times * (counts[PARTS * at + part] as number);
  }
}

/** Sums over all images. */
export function totalOf(table: PixelRows): Float64Array {
  const all = noPixels(table);
  for (let image = 0; image + 1 < table.starts.length; image++) addImage(all, table, image);
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
