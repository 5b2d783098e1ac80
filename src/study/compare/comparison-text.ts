import {
  type Comparison,
  type Comparisons,
  type LatencyComparison,
  latencyVerdict,
  type QualityComparison,
} from './compare-strategies.ts';

const ADJUSTMENT_NAMES = {
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
 * 15 pairs), and 0.4 points less accurate (p = 0.40: not told apart).`
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
    return [{ ...answers, words: before + answers.words }];
  }
  const speed = speedOf(comparison, latency, of);
  if (answers === null) return [speed];
  return [
    speed,
    {
      ...answers,
      words: `, and ${latencyVerdict(latency) === 'different' ? '' : `${a.name} is `}${answers.words}`,
    },
  ];
}

function speedOf(
  { a, b }: Comparison,
  latency: LatencyComparison & { kind: 'compared' },
  of: Comparisons,
): Phrase {
  const { ratio, low, high, adjustedP, rounds } = latency;
  const digits = ratioDigits(ratio);
  const times = `${ratio.toFixed(digits)} × as fast`;
  const interval = `95 % interval ${low.toFixed(digits)}–${high.toFixed(digits)}`;
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

/** `0.4 points less accurate`, `p = 0.40: not told apart`. */
function answersOf(quality: QualityComparison & { kind: 'compared' }, family: string): Phrase {
  const { measure, difference, low, high, adjustedP, isDifferent, onlyA, onlyB, images } = quality;
  const { alike, equal, more, less } = QUALITY_WORDS[measure];
  if (onlyA + onlyB === 0 && difference === 0)
    return { words: `${alike} of ${images} images`, numbers: null };
  // Told of the amount by which it is more, or less.
  const [from, to] = difference < 0 ? [-high, -low] : [low, high];
  const verdict = isDifferent ? '' : ': not told apart';
  return {
    words:
      difference === 0
        ? `${equal}, though on other images`
        : `${points(Math.abs(difference))} points ${difference > 0 ? more : less}`,
    numbers: `95 % interval ${points(from)} to ${points(to)}, ${pText(adjustedP)}${family}${verdict}`,
  };
}

/** What to call it where two strategies are alike on all images, equal over all, better or worse. */
const QUALITY_WORDS = {
  accuracy: {
    alike: 'right on the same',
    equal: 'as accurate',
    more: 'more accurate',
    less: 'less accurate',
  },
  agreement: {
    alike: 'as true to the original on each',
    equal: 'as true to the original',
    more: 'more true to the original',
    less: 'less true to the original',
  },
  miou: {
    alike: 'right about as many pixels',
    equal: 'equal in mean IoU',
    more: 'higher in mean IoU',
    less: 'lower in mean IoU',
  },
  'pixel-agreement': {
    alike: 'as true to the original in the pixels of each',
    equal: 'as true to the original in pixels',
    more: 'more true to the original in pixels',
    less: 'less true to the original in pixels',
  },
} as const;

function points(share: number): string {
  return `${share < -0.0005 ? '−' : ''}${Math.abs(100 * share).toFixed(1)}`;
}

function familyText(pairs: number, { adjustment, comparedWith }: Comparisons): string {
  const family = comparedWith === null ? `${pairs} pairs` : `the ${pairs} pairs with ${comparedWith}`;
  return pairs < 2 ? '' : ` after ${ADJUSTMENT_NAMES[adjustment]} over ${family}`;
}

/** `p = 0.021`, `p < 0.0001`. */
export function pText(p: number): string {
  if (p < 1e-4) return 'p < 0.0001';
  return `p = ${p >= 0.1 ? p.toFixed(2) : Number(p.toPrecision(2)).toString()}`;
}

/** Ratios near one need more digits to be seen. */
function ratioDigits(ratio: number): number {
  return ratio >= 10 ? 1 : ratio >= 1.1 ? 2 : 3;
}
