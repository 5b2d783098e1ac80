import {
  type Comparison,
  type Comparisons,
  type LatencyComparison,
  latencyVerdict,
  type QualityComparison,
} from './compare-strategies.ts';

/** Whom an adjustment is named after. */
export const ADJUSTMENT_NAMES = {
  holm: 'Holm',
  bonferroni: 'Bonferroni',
  'benjamini-hochberg': 'Benjamini-Hochberg',
} as const;

/** A part of a sentence, and the numbers that stand in brackets behind it. */
export interface Phrase {
  readonly words: string;
  readonly numbers: string | null;
}

/**
 * A comparison in one plain sentence: `QE is 1.72 × as fast as Q (95 % interval 1.65–1.80, p = 0.0021 after Holm over
 * 15 pairs), and not told apart from it by accuracy (0.4 points less accurate, 95 % interval −0.3 to 1.1, p = 0.40).`
 */
export function comparisonSentence(comparison: Comparison, of: Comparisons): string {
  const phrases = comparisonPhrases(comparison, of);
  return `${phrases.map(({ words, numbers }) => (numbers === null ? words : `${words} (${numbers})`)).join('')}.`;
}

/** The same in parts, without the full stop, so that numbers can be shown beside the words. */
export function comparisonPhrases(comparison: Comparison, of: Comparisons): readonly Phrase[] {
  const { a, b, latency, quality } = comparison;
  const both = `${a.name} and ${b.name}`;
  // Told once, where both are adjusted alike.
  const isToldBefore = latency.kind === 'compared' && of.latencies === of.qualities;
  const answers =
    quality.kind === 'unknown' ? null : answersOf(quality, isToldBefore ? '' : familyText(of.qualities, of));
  if (latency.kind === 'unknown') {
    if (quality.kind === 'unknown' || answers === null) {
      const reasons =
        quality.kind === 'unknown' && quality.reason !== latency.reason
          ? [latency.reason, quality.reason]
          : [latency.reason];
      return [{ words: `${both} ${reasons.join(', and ')}: they cannot be compared`, numbers: null }];
    }
    const before = `${both} ${latency.reason}, so their latencies cannot be compared; ${a.name} is `;
    return [{ ...answers, words: before + answers.words(b.name) }];
  }
  const speed = speedOf(comparison, latency, of);
  if (answers === null) return [speed];
  const { numbers, nor, words } = answers;
  switch (latencyVerdict(latency)) {
    case 'different':
      return [speed, { words: `, and ${words('it')}`, numbers }];
    case 'seems-different':
      return [speed, { words: `, and is ${words('it')}`, numbers }];
    case 'not-told-apart':
      return [speed, { words: nor ?? `, and ${a.name} is ${words(b.name)}`, numbers }];
  }
}

function speedOf(
  { a, b }: Comparison,
  latency: LatencyComparison & { kind: 'compared' },
  of: Comparisons,
): Phrase {
  const { ratio, low, high, isDifferent, adjustedP, rounds } = latency;
  const digits = ratioDigits(ratio);
  const times = `${ratio.toFixed(digits)} × as fast`;
  const isBeyond = low > 1 || high < 1;
  const interval = `${intervalWords(isBeyond && !isDifferent)} ${low.toFixed(digits)}–${high.toFixed(digits)}`;
  const numbers = `${interval}, ${pText(adjustedP)}${familyText(of.latencies, of)}`;
  switch (latencyVerdict(latency)) {
    case 'different':
      return { words: `${a.name} is ${times} as ${b.name}`, numbers };
    case 'seems-different':
      return {
        words: `${a.name} seems ${times} as ${b.name}, which is not certain after ${rounds} rounds`,
        numbers,
      };
    case 'not-told-apart':
      return {
        words: `${a.name} and ${b.name} are not told apart by latency`,
        numbers: `${times}, ${numbers}`,
      };
  }
}

/** How an interval is called: where it and the adjusted p seem to contradict each other, the reason is told. */
function intervalWords(isAlone: boolean): string {
  return isAlone ? '95 % interval of this pair alone' : '95 % interval';
}

interface AnswersPhrase {
  /** What the first is, beside the other: `0.4 points less accurate`, `not told apart from it by accuracy`. */
  readonly words: (other: string) => string;
  readonly numbers: string | null;
  /** After both were not told apart by latency; null if they are by their answers. */
  readonly nor: string | null;
}

function answersOf(quality: QualityComparison & { kind: 'compared' }, family: string): AnswersPhrase {
  const { measure, difference, low, high, adjustedP, isDifferent, onlyA, onlyB, images } = quality;
  const { alike, equal, more, less, by } = QUALITY_WORDS[measure];
  if (onlyA + onlyB === 0 && difference === 0)
    return { words: (other) => `${alike} ${other}, of ${images}`, numbers: null, nor: null };
  // Told of the amount by which it is more, or less.
  const [from, to] = difference < 0 ? [-high, -low] : [low, high];
  const digits = Math.abs(difference) < 0.00095 && difference !== 0 ? 2 : 1;
  const interval = `${intervalWords(!isDifferent && from > 0)} ${points(from, digits)} to ${points(to, digits)}`;
  const numbers = `${interval}, ${pText(adjustedP)}${family}`;
  if (difference === 0) return { words: () => `${equal}, though on other images`, numbers, nor: null };
  const amount = `${points(Math.abs(difference), digits)} points ${difference > 0 ? more : less}`;
  if (isDifferent) return { words: () => amount, numbers, nor: null };
  return {
    words: (other) => `not told apart from ${other} by ${by}`,
    numbers: `${amount}, ${numbers}`,
    nor: `, nor by ${by}`,
  };
}

/** What to call it where two strategies are alike on all images, equal over all, better or worse. */
const QUALITY_WORDS = {
  accuracy: {
    alike: 'right on the same images as',
    equal: 'as accurate',
    more: 'more accurate',
    less: 'less accurate',
    by: 'accuracy',
  },
  agreement: {
    alike: 'true to the original on the same images as',
    equal: 'as true to the original',
    more: 'more true to the original',
    less: 'less true to the original',
    by: 'agreement with the original',
  },
  miou: {
    alike: 'right about as many pixels of each image as',
    equal: 'equal in mean IoU',
    more: 'higher in mean IoU',
    less: 'lower in mean IoU',
    by: 'mean IoU',
  },
  'pixel-agreement': {
    alike: 'true to the original in as many pixels of each image as',
    equal: 'as true to the original in pixels',
    more: 'more true to the original in pixels',
    less: 'less true to the original in pixels',
    by: 'agreement in pixels',
  },
} as const;

function points(share: number, digits: number): string {
  const text = Math.abs(100 * share).toFixed(digits);
  return share < 0 && Number(text) !== 0 ? `−${text}` : text;
}

function familyText(pairs: number, { adjustment, comparedWith }: Comparisons): string {
  const family = comparedWith === null ? `${pairs} pairs` : `the ${pairs} pairs with ${comparedWith}`;
  return pairs < 2 ? '' : ` after ${ADJUSTMENT_NAMES[adjustment]} over ${family}`;
}

/** `p = 0.021`, `p < 0.0001`; on which side of 5 % it lies is always seen. */
export function pText(p: number): string {
  if (p < 1e-4) return 'p < 0.0001';
  const rounded = p >= 0.0995 ? p.toFixed(2) : p.toPrecision(2);
  return `p = ${Number(rounded) === 0.05 ? p.toPrecision(3) : rounded}`;
}

/** A chance that resampling found, which cannot tell it from a certainty: `< 1 %`, `55 %`, `> 99 %`. */
export function chanceText(chance: number): string {
  if (chance > 0.995) return '> 99 %';
  if (chance < 0.005) return '< 1 %';
  return `${Math.round(100 * chance)} %`;
}

/** Ratios near one need more digits to be seen. */
function ratioDigits(ratio: number): number {
  return ratio >= 10 ? 1 : ratio >= 1.1 ? 2 : 3;
}
