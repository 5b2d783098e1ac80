/** How sure an exit is of its answer; see `confidenceOf`. */
export type ConfidenceMeasure = 'max-softmax' | 'entropy' | 'margin';

export const CONFIDENCE_MEASURES: readonly ConfidenceMeasure[] = ['max-softmax', 'entropy', 'margin'];

/** What a multi-exit model stops by unless a recipe says otherwise. */
export const DEFAULT_CONFIDENCE: ConfidenceMeasure = 'max-softmax';

/**
 * How sure a classifier is, from 0 (not at all) to 1 (certain) for every measure, so that inference stops where
 * this is at least the threshold. With class probabilities p of K classes:
 * - `max-softmax`: the largest p, never below 1/K;
 * - `margin`: the largest p less the second largest;
 * - `entropy`: 1 - H / log K, where H = -sum p log p; 0 if all classes are equally likely.
 *
 * Of a single class it is that class's probability, whatever the measure.
 * @param kind `logits` are softmaxed first (shifted by their maximum, so that nothing overflows)
 * @returns NaN if the model produced NaN or infinite logits, which never reaches a threshold
 */
export function confidenceOf(
  scores: ArrayLike<number>,
  kind: 'logits' | 'probabilities',
  measure: ConfidenceMeasure = DEFAULT_CONFIDENCE,
): number {
  let [largest, second] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (score > largest) [largest, second] = [score, largest];
    else if (score > second) second = score;
    else if (Number.isNaN(score)) return Number.NaN;
  }
  const isLogits = kind === 'logits';
  const sum = isLogits ? sumOfExponentials(scores, largest) : 1;
  // An infinite logit is an overflow, not certainty.
  if (Number.isNaN(sum)) return Number.NaN;
  const probability = (score: number): number => (isLogits ? Math.exp(score - largest) / sum : score);
  if (measure === 'max-softmax' || scores.length < 2) return probability(largest);
  if (measure === 'margin') return probability(largest) - probability(second);
  let entropy = 0;
  for (let i = 0; i < scores.length; i++) {
    const p = probability(scores[i] as number);
    // What is impossible adds nothing.
    if (p > 0) entropy -= p * Math.log(p);
  }
  return 1 - entropy / Math.log(scores.length);
}

function sumOfExponentials(scores: ArrayLike<number>, shift: number): number {
  let sum = 0;
  for (let i = 0; i < scores.length; i++) sum += Math.exp((scores[i] as number) - shift);
  return sum;
}
