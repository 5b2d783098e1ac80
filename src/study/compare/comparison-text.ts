import type { Comparison, Comparisons, LatencyComparison, QualityComparison } from './compare-strategies.ts';

const ADJUSTMENT_NAMES = {
  holm: 'Holm',
  bonferroni: 'Bonferroni',
  'benjamini-hochberg': 'Benjamini-Hochberg',
} as const;

/**
 * A comparison in one plain sentence: `QE is 1.72 × as fast as Q (95 % interval 1.65–1.80, p = 0.0021 after Holm over
 * 15 pairs), and 0.4 points less accurate (p = 0.40: not told apart).`
 */
export function comparisonSentence(comparison: Comparison, of: Comparisons): string {
  const { a, b, latency, quality } = comparison;
  const both = `${a.name} and ${b.name}`;
  if (latency.kind === 'unknown' && quality.kind === 'unknown')
    return latency.reason === quality.reason
      ? `${both} ${latency.reason}: they cannot be compared.`
      : `${both} ${latency.reason}, and ${quality.reason}: they cannot be compared.`;
  // Told once, where both are adjusted alike.
  const isToldBefore = latency.kind === 'compared' && of.latencies === of.qualities;
  const answers = qualityText(quality, isToldBefore ? '' : familyText(of.qualities, of));
  if (latency.kind === 'unknown')
    return `${both} ${latency.reason}, so their latencies cannot be compared${answers === null ? '' : `; ${a.name} is ${answers}`}.`;
  const speed = speedText(comparison, latency, of);
  return answers === null
    ? `${speed}.`
    : `${speed}, ${latency.isDifferent ? 'and' : `and ${a.name} is`} ${answers}.`;
}

function speedText(
  { a, b }: Comparison,
  latency: LatencyComparison & { kind: 'compared' },
  of: Comparisons,
): string {
  const { ratio, low, high, adjustedP, isDifferent } = latency;
  const digits = ratioDigits(ratio);
  const interval = `95 % interval ${low.toFixed(digits)}–${high.toFixed(digits)}`;
  const numbers = `${interval}, ${pText(adjustedP)}${familyText(of.latencies, of)}`;
  return isDifferent
    ? `${a.name} is ${ratio.toFixed(digits)} × as fast as ${b.name} (${numbers})`
    : `${a.name} and ${b.name} are not told apart by latency (${ratio.toFixed(digits)} × as fast, ${numbers})`;
}

/** `0.4 points less accurate (p = 0.40: not told apart)`; null if not known. */
function qualityText(quality: QualityComparison, family: string): string | null {
  if (quality.kind === 'unknown') return null;
  const { measure, difference, low, high, adjustedP, isDifferent, onlyA, onlyB, images } = quality;
  if (onlyA + onlyB === 0)
    return measure === 'accuracy'
      ? `right on the same of ${images} images`
      : `as true to the original on each of ${images} images`;
  const word = measure === 'accuracy' ? 'accurate' : 'true to the original';
  // Told of the amount by which it is more, or less.
  const [from, to] = difference < 0 ? [-high, -low] : [low, high];
  const isToldApart = isDifferent ? '' : ': not told apart';
  const numbers = `95 % interval ${points(from)} to ${points(to)}, ${pText(adjustedP)}${family}${isToldApart}`;
  if (difference === 0) return `as ${word}, though on other images (${numbers})`;
  return `${points(Math.abs(difference))} points ${difference > 0 ? 'more' : 'less'} ${word} (${numbers})`;
}

function points(share: number): string {
  return `${share < -0.0005 ? '−' : ''}${Math.abs(100 * share).toFixed(1)}`;
}

function familyText(pairs: number, { adjustment }: Comparisons): string {
  return pairs < 2 ? '' : ` after ${ADJUSTMENT_NAMES[adjustment]} over ${pairs} pairs`;
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
