import type { ClassPixels, MaskAnswers, PackedMask } from '../trial.ts';
import { pixelCounter } from './class-pixels.ts';
import { forEachCommonRun, NO_ANSWER } from './packed-mask.ts';

/** What a trial keeps of its answers at most, in characters: some 200 street scenes of 480 x 360. */
const MOST_CHARACTERS = 2_000_000;

/**
 * Appends the answers for further images; their masks are kept as long as there are not too many.
 * @param reference answers of the unchanged model, which the further ones are held against; `itself`: these are they
 */
export function joinMaskAnswers(
  first: MaskAnswers | null,
  next: MaskAnswers,
  reference: MaskAnswers | 'itself' | null,
): MaskAnswers {
  const kept = { ...next, masks: keptMasks(first, next) };
  const held = reference === null ? kept : withAgreement(kept, reference === 'itself' ? kept : reference);
  if (!first) return held;
  return {
    imageIndices: [...first.imageIndices, ...held.imageIndices],
    exitIndex: [...first.exitIndex, ...held.exitIndex],
    counts: [...first.counts, ...held.counts],
    masks: [...first.masks, ...held.masks],
    ...(first.agreement && held.agreement && { agreement: [...first.agreement, ...held.agreement] }),
  };
}

/** The masks of further answers, null from the first on that does not fit. */
function keptMasks(first: MaskAnswers | null, next: MaskAnswers): MaskAnswers['masks'] {
  let room = MOST_CHARACTERS - (first?.masks.reduce((sum, mask) => sum + (mask?.runs.length ?? 0), 0) ?? 0);
  // Once one does not fit none does, so that those of several strategies are of the same images.
  let isFull = first?.masks.includes(null) ?? false;
  return next.masks.map((mask) => {
    room -= mask?.runs.length ?? 0;
    isFull ||= room < 0;
    return isFull ? null : mask;
  });
}

/** The answers, held against those of the unchanged model for the same images. */
function withAgreement(answers: MaskAnswers, reference: MaskAnswers): MaskAnswers {
  const masks = new Map(reference.imageIndices.map((image, at) => [image, reference.masks[at] ?? null]));
  const agreement = answers.imageIndices.map((image, at) =>
    pixelsAlike(masks.get(image) ?? null, answers.masks[at] ?? null),
  );
  return { ...answers, agreement };
}

/**
 * Pixels of each class in one answer, the other, and both.
 * @returns null if one is missing or they have different sizes
 */
export function pixelsAlike(wanted: PackedMask | null, found: PackedMask | null): ClassPixels | null {
  if (wanted === null || found === null) return null;
  const counter = pixelCounter({ ignored: NO_ANSWER, first: 0, end: null });
  return forEachCommonRun(wanted, found, counter.add) ? counter.counts() : null;
}

/** The answers for some of their images; null if they are not all there. */
export function answersFor(answers: MaskAnswers, images: readonly number[]): MaskAnswers | null {
  const places = new Map(answers.imageIndices.map((image, at) => [image, at]));
  const kept = images.flatMap((image) => places.get(image) ?? []);
  if (kept.length !== images.length) return null;
  const pick = <T>(all: readonly T[]): T[] => kept.map((at) => all[at] as T);
  return {
    imageIndices: images,
    exitIndex: pick(answers.exitIndex),
    counts: pick(answers.counts),
    masks: pick(answers.masks),
    ...(answers.agreement && { agreement: pick(answers.agreement) }),
  };
}

/** What to say about masks of which the model can name no pixel rightly. */
export function maskWarnings({ counts, imageIndices }: MaskAnswers): readonly string[] {
  const asked = counts.filter((each) => each !== null);
  const empty = asked.filter((each) => each.length === 0).length;
  const labels = new Map<number, { answered: number; labelled: number }>();
  for (const each of asked)
    for (let at = 0; at < each.length; at += 4) {
      const label = labels.get(each[at] as number) ?? { answered: 0, labelled: 0 };
      labels.set(each[at] as number, label);
      label.answered += each[at + 2] as number;
      label.labelled += each[at + 3] as number;
    }
  const never = [...labels].filter(([, { answered, labelled }]) => answered === 0 && labelled > 0);
  const named = never.map(([label]) => label).sort((a, b) => a - b);
  return [
    ...(empty > 0
      ? [
          `The masks of ${empty} of ${imageIndices.length} images have no pixel of a class that the model knows.`,
        ]
      : []),
    ...(named.length > 0
      ? [
          `It never answers ${named.length === 1 ? 'class' : 'the classes'} ${named.slice(0, 8).join(', ')}, which masks have: if that means no class, set it as the ignored class under Data.`,
        ]
      : []),
  ];
}
