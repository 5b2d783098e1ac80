import { maskQuality } from '../segmentation/class-pixels.ts';
import { pixelsAlike } from '../segmentation/mask-answers.ts';
import type { Measure } from '../metrics.ts';
import type { MaskAnswers } from '../trial.ts';
import type { ClassOutcome, Share } from './by-class.ts';

/**
 * Intersection over union, class by class, with intervals over images; `images` counts pixels with the class. Of images
 * without masks: held against the unchanged model's answers.
 */
export function outcomesByPixelClass(
  after: MaskAnswers,
  before: MaskAnswers | null,
): readonly ClassOutcome[] {
  const isLabelled = hasMasks(after);
  const qualityOf = (answers: MaskAnswers) =>
    maskQuality(isLabelled ? answers.counts : (answers.agreement ?? []));
  const old = new Map((before ? qualityOf(before)?.classes : [])?.map((each) => [each.label, each]));
  return (qualityOf(after)?.classes ?? []).map(({ label, both, labelled, iou }) => {
    const known = old.get(label);
    return {
      label,
      images: labelled,
      before: known ? shareOf(known.both, known.iou) : null,
      after: shareOf(both, iou),
    };
  });
}

/** Whether any of the images has a mask. */
export function hasMasks({ counts }: MaskAnswers): boolean {
  return counts.some((each) => each !== null);
}

function shareOf(right: number, { value, low, high }: Measure): Share {
  return { right, value, low: low ?? value, high: high ?? value };
}

/** An image whose pixels two strategies answer differently. */
export interface ChangedMask {
  readonly image: number;
  /** Of its pixels; null without another strategy, or where an answer was not kept. */
  readonly changedShare: number | null;
  /** Of the pixels with a class; null without a mask. */
  readonly rightBefore: number | null;
  readonly rightAfter: number | null;
}

/** The images of a trial, those first whose pixels changed most; image by image, as masks take long to compare. */
export function* changedMasks(
  after: MaskAnswers,
  before: MaskAnswers | null,
): Generator<void, readonly ChangedMask[], void> {
  const places = new Map(before?.imageIndices.map((image, at) => [image, at]));
  const rightOf = (answers: MaskAnswers | null, at: number | undefined): number | null => {
    const counts = at === undefined ? null : (answers?.counts[at] ?? null);
    return counts && (maskQuality([counts])?.pixelAccuracy.value ?? null);
  };
  const changed: ChangedMask[] = [];
  for (const [at, image] of after.imageIndices.entries()) {
    const place = places.get(image);
    const alike =
      before && place !== undefined
        ? pixelsAlike(before.masks[place] ?? null, after.masks[at] ?? null)
        : null;
    const same = alike && maskQuality([alike])?.pixelAccuracy.value;
    changed.push({
      image,
      changedShare: same == null ? null : 1 - same,
      rightBefore: rightOf(before, place),
      rightAfter: rightOf(after, at),
    });
    yield;
  }
  return changed.toSorted((a, b) => (b.changedShare ?? 0) - (a.changedShare ?? 0));
}
