import { decibels, formatShare } from '../base/units.ts';
import { wilsonInterval95 } from './statistics/binomial.ts';

/** What closing some gates does to a model's scores, on some images. */
export interface GateEffect {
  /** Power of the scores over that of their error, in dB; null: they are no numbers any more. */
  readonly scoresDb: number | null;
  /** Power of the error, of that of the scores; Infinity where they are no numbers. */
  readonly scoresNoise: number;
  /** Share of the images whose best class stays; null: the model does not score classes. */
  readonly agreement: number | null;
  /** Share of the labelled images whose best class is right; null without labels, or where none are scored. */
  readonly accuracy: number | null;
}

/**
 * What some images tell of the whole model's accuracy on all: others are hit by chance.
 * @param whole effect of nothing
 * @param images how many were looked at
 * @returns a sentence; empty if no accuracy is known
 */
export function wholeAccuracyText(whole: Pick<GateEffect, 'accuracy'>, images: number): string {
  const { accuracy } = whole;
  if (accuracy === null) return '';
  const [low, high] = wilsonInterval95(accuracy * images, images).map(formatShare);
  return `With all channels ${formatShare(accuracy)} of these ${images} images are right, so of all ${low} to ${high}.`;
}

/** Scores as `GatedPass` compares them. */
interface ComparedScores {
  readonly whole: { readonly best: ArrayLike<number>; readonly power: ArrayLike<number> };
  readonly settings: readonly { readonly best: ArrayLike<number>; readonly noise: ArrayLike<number> }[];
}

/**
 * Reads what a gated model answered.
 * @param wanted the class of each image of the pass; null where it is not known
 * @param scoresClasses false if the best score names no class
 * @returns the effect of each setting, and of none
 */
export function readGates(
  { whole, settings }: ComparedScores,
  wanted: readonly (number | null)[],
  scoresClasses: boolean,
): { readonly whole: GateEffect; readonly settings: readonly GateEffect[] } {
  const power = sum(whole.power);
  const labelled = wanted.filter((label) => label !== null).length;
  const effectOf = (best: ArrayLike<number>, noise: number): GateEffect => ({
    scoresDb: Number.isFinite(noise) ? decibels(power, noise) : null,
    scoresNoise: Number.isFinite(noise) ? (noise === 0 ? 0 : noise / power) : Infinity,
    agreement: scoresClasses ? shareOf(wanted.length, (at) => best[at] === whole.best[at]) : null,
    accuracy:
      scoresClasses && labelled > 0
        ? (shareOf(wanted.length, (at) => wanted[at] !== null && best[at] === wanted[at]) * wanted.length) /
          labelled
        : null,
  });
  return {
    whole: effectOf(whole.best, 0),
    settings: settings.map(({ best, noise }) => effectOf(best, sum(noise))),
  };
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < values.length; at++) total += values[at] as number;
  return total;
}

function shareOf(count: number, isCounted: (at: number) => boolean): number {
  let counted = 0;
  for (let at = 0; at < count; at++) if (isCounted(at)) counted++;
  return counted / count;
}
