import { wilsonInterval95 } from '../statistics/binomial.ts';
import { NO_CLASS, type Predictions } from '../trial.ts';

/** A share, with its 95 % interval (Wilson). */
export interface Share {
  readonly right: number;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How many images of a class two strategies name rightly. */
export interface ClassOutcome {
  /** 0-based, as labels are. */
  readonly label: number;
  readonly images: number;
  /** null without another strategy */
  readonly before: Share | null;
  readonly after: Share;
}

/** An image that two strategies answer differently. */
export interface ChangedImage {
  readonly image: number;
  /** Best classes, 0-based as labels are; null where the scores are not numbers. */
  readonly before: number | null;
  readonly after: number | null;
  /** null where the image has none */
  readonly label: number | null;
  readonly kind: 'lost' | 'won' | 'other';
  /** Of the best classes, in [0, 1]; NaN where the scores are not numbers. */
  readonly confidenceBefore: number;
  readonly confidenceAfter: number;
  /** Exits taken, from 0; null for models with one output. */
  readonly exitBefore: number | null;
  readonly exitAfter: number | null;
}

/** Which changed images are shown, and in which order. */
export interface Arrangement {
  readonly show: 'all' | 'one-right' | 'both-wrong';
  /** `by-kind`: those that were lost, then those won; else by the confidence of the surer of both answers. */
  readonly order: 'by-kind' | 'surest' | 'least-sure';
}

/** What turns predictions into answers. */
export interface Truth {
  /** By image index; null where an image has none. */
  readonly labels: readonly (number | null)[];
  /** The model's class of label 0. */
  readonly classOffset: number;
  /** The same of the other strategy, where that is of another model; left out: the same number. */
  readonly classOffsetBefore?: number;
}

/**
 * Accuracy class by class, over the images that both strategies ran, in order of the labels. Without labels, the
 * first one's answers stand for them: how many of each class are still answered so.
 * @param before another strategy; null: there is none
 */
export function outcomesByClass(
  after: Predictions,
  before: Predictions | null,
  truth: Truth,
): readonly ClassOutcome[] {
  const counts = new Map<number, { images: number; before: number; after: number }>();
  const isLabelled = after.imageIndices.some((image) => (truth.labels[image] ?? null) !== null);
  for (const { image, answer, other } of answers(after, before, truth)) {
    const label = isLabelled ? (truth.labels[image] ?? null) : other;
    if (label === null) continue;
    const count = counts.get(label) ?? { images: 0, before: 0, after: 0 };
    counts.set(label, count);
    count.images++;
    if (answer === label) count.after++;
    if (other === label) count.before++;
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([label, count]) => ({
      label,
      images: count.images,
      before: before && shareOf(count.before, count.images),
      after: shareOf(count.after, count.images),
    }));
}

/** The images that two strategies answer differently: first those that the second one loses, then those it wins. */
export function changedImages(
  after: Predictions,
  before: Predictions,
  truth: Truth,
): readonly ChangedImage[] {
  const changed = answers(after, before, truth).flatMap((each): ChangedImage[] => {
    const { image, answer, other, confidence, otherConfidence, exit, otherExit } = each;
    if (answer === other) return [];
    const label = truth.labels[image] ?? null;
    const kind = label === null ? 'other' : other === label ? 'lost' : answer === label ? 'won' : 'other';
    const sure = { confidenceBefore: otherConfidence, confidenceAfter: confidence };
    const exits = { exitBefore: otherExit, exitAfter: exit };
    return [{ image, before: other, after: answer, label, kind, ...sure, ...exits }];
  });
  return (['lost', 'won', 'other'] as const).flatMap((kind) => changed.filter((each) => each.kind === kind));
}

/** Some of the changed images, in another order; equals stay in order. */
export function arranged(
  changed: readonly ChangedImage[],
  { show, order }: Arrangement,
): readonly ChangedImage[] {
  const shown = changed.filter(({ kind, label }) => {
    switch (show) {
      case 'all':
        return true;
      case 'one-right':
        return kind !== 'other';
      case 'both-wrong':
        return kind === 'other' && label !== null;
    }
  });
  if (order === 'by-kind') return shown;
  const sign = order === 'surest' ? -1 : 1;
  return shown.toSorted((a, b) => sign * (surenessOf(a) - surenessOf(b)));
}

/** Answers that are not numbers are the least sure. */
function surenessOf({ confidenceBefore, confidenceAfter }: ChangedImage): number {
  const sure = [confidenceBefore, confidenceAfter].filter((confidence) => !Number.isNaN(confidence));
  return Math.max(0, ...sure);
}

/** Of the images that both ran; of all, if there is one strategy. */
function answers(
  after: Predictions,
  before: Predictions | null,
  { classOffset, classOffsetBefore = classOffset }: Truth,
) {
  const answerOf = ({ top1 }: Predictions, at: number, offset: number): number | null => {
    const best = top1[at] ?? NO_CLASS;
    return best === NO_CLASS ? null : best - offset;
  };
  const placeBefore = new Map(before?.imageIndices.map((image, at) => [image, at]));
  return after.imageIndices.flatMap((image, at) => {
    const place = placeBefore.get(image);
    if (before !== null && place === undefined) return [];
    const other = before === null || place === undefined ? null : answerOf(before, place, classOffsetBefore);
    const confidence = after.confidence[at] ?? Number.NaN;
    const otherConfidence = (place === undefined ? undefined : before?.confidence[place]) ?? Number.NaN;
    const exit = after.exitIndex[at] ?? null;
    const otherExit = (place === undefined ? null : before?.exitIndex[place]) ?? null;
    return [
      {
        image,
        answer: answerOf(after, at, classOffset),
        other,
        confidence,
        otherConfidence,
        exit,
        otherExit,
      },
    ];
  });
}

function shareOf(right: number, images: number): Share {
  const [low, high] = wilsonInterval95(right, images);
  return { right, value: right / images, low, high };
}
