import { seededRandom } from '../../base/random.ts';
import type { Measure } from '../metrics.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import type { ClassPixels } from '../trial.ts';
import { NO_ANSWER } from './packed-mask.ts';
import {
  addImage,
  iouAt,
  labelledIn,
  labelsOf,
  meanIou,
  noPixels,
  PARTS,
  pixelRows,
  pixelShare,
  totalOf,
} from './pixel-sums.ts';

/** Which labels are asked about. */
export interface AskedLabels {
  /** Number of pixels that have no class; null: none. */
  readonly ignored: number | null;
  /** Labels from this one on and below the other are no class of the model's; null: all are. */
  readonly first: number;
  readonly end: number | null;
}

/**
 * Counts the pixels of each class that both masks name so, that the answer names so and that are labelled so, over all
 * pixels whose label is asked about.
 * @param label of the same size as the answer
 * @source Long, Shelhamer and Darrell 2015, the histogram of `fast_hist`
 */
export function countPixels(
  label: Uint16Array,
  answer: Uint16Array,
  { ignored, first, end }: AskedLabels,
): ClassPixels {
  const counter = pixelCounter({ ignored, first, end });
  let [wanted, found, length] = [-1, -1, 0];
  for (let at = 0; at < label.length; at++) {
    if (label[at] === wanted && answer[at] === found) {
      length++;
      continue;
    }
    counter.add(wanted, found, length);
    wanted = label[at] as number;
    found = answer[at] as number;
    length = 1;
  }
  counter.add(wanted, found, length);
  return counter.counts();
}

/** Counts runs of pixels that have one label and one answer. */
export function pixelCounter({ ignored, first, end }: AskedLabels) {
  const counts = new Map<number, [both: number, answered: number, labelled: number]>();
  const of = (each: number): [number, number, number] => {
    let count = counts.get(each);
    if (!count) counts.set(each, (count = [0, 0, 0]));
    return count;
  };
  return {
    add: (wanted: number, found: number, length: number): void => {
      const isAsked = wanted !== ignored && wanted >= first && (end === null || wanted < end);
      if (length === 0 || !isAsked || wanted === NO_ANSWER) return;
      of(wanted)[2] += length;
      if (found !== NO_ANSWER && found !== ignored) of(found)[1] += length;
      if (found === wanted) of(wanted)[0] += length;
    },
    counts: (): ClassPixels =>
      [...counts].sort(([a], [b]) => a - b).flatMap(([each, count]) => [each, ...count]),
  };
}

/** How well one class is found over all images. */
export interface ClassIou {
  readonly label: number;
  /** Pixels that are both, either, and labelled so. */
  readonly both: number;
  readonly either: number;
  readonly labelled: number;
  /** With its 95 % interval over images. */
  readonly iou: Measure;
}

/** What counts of several images say together; intervals are of images drawn anew. */
export interface MaskQuality {
  /** Mean over the classes that occur in labels or answers of intersection over union. */
  readonly miou: Measure;
  readonly pixelAccuracy: Measure;
  readonly classes: readonly ClassIou[];
  readonly images: number;
  readonly pixels: number;
}

const RESAMPLES = 500;
const SEED = 0x10c0;

/** Counts never change, and charts ask often. */
const known = new WeakMap<readonly (ClassPixels | null)[], MaskQuality | null>();

/**
 * Mean intersection over union and the share of pixels that are right, with 95 % intervals of the bootstrap over images:
 * pixels of one image are not independent of each other.
 * @returns null if no pixel was asked about
 */
export function maskQuality(counts: readonly (ClassPixels | null)[]): MaskQuality | null {
  const kept = known.get(counts);
  if (kept !== undefined) return kept;
  const quality = deriveQuality(counts.filter((each) => each !== null));
  known.set(counts, quality);
  return quality;
}

function deriveQuality(images: readonly ClassPixels[]): MaskQuality | null {
  const table = pixelRows(images, labelsOf(images));
  const { labels } = table;
  const all = totalOf(table);
  const pixels = labelledIn(all);
  if (pixels === 0) return null;
  const figuresOf = (sums: Float64Array): readonly number[] => [
    meanIou(sums),
    pixelShare(sums),
    ...labels.map((_, at) => iouAt(sums, at)),
  ];
  const own = figuresOf(all);
  const drawn = own.map((): number[] => []);
  if (images.length > 1) {
    const random = seededRandom(SEED);
    const sums = noPixels(table);
    for (let resample = 0; resample < RESAMPLES; resample++) {
      sums.fill(0);
      for (let i = 0; i < images.length; i++) addImage(sums, table, Math.floor(random() * images.length));
      figuresOf(sums).forEach((figure, at) => Number.isNaN(figure) || drawn[at]?.push(figure));
    }
  }
  const measures = own.map((value, at): Measure => {
    const sorted = (drawn[at] ?? []).sort((a, b) => a - b);
    const bound = (share: number): number | null =>
      sorted.length < 2 ? null : quantileOfSorted(sorted, share);
    return { value, low: bound(0.025), high: bound(0.975) };
  });
  const [miou, pixelAccuracy, ...ious] = measures as [Measure, Measure, ...Measure[]];
  return {
    miou,
    pixelAccuracy,
    classes: labels.map((label, at) => {
      const [both, answered, labelled] = all.subarray(PARTS * at, PARTS * (at + 1)) as unknown as [
        number,
        number,
        number,
      ];
      return { label, both, either: answered + labelled - both, labelled, iou: ious[at] as Measure };
    }),
    images: images.length,
    pixels,
  };
}
