import { betaQuantile } from './distributions.ts';

/**
 * Ranks of the order statistics that enclose a quantile with at least the wanted confidence, whatever the
 * distribution: the number of samples below the p-quantile is binomial(n, p).
 * @returns 1-based ranks [low, high] of the sorted samples, or null if `n` is too small for this confidence
 * @source Conover, Practical Nonparametric Statistics, 3rd ed., section 3.2
 */
export function quantileIntervalRanks(
  n: number,
  p: number,
  confidence: number,
): readonly [number, number] | null {
  const tail = (1 - confidence) / 2;
  let cumulative = 0;
  let low = 0;
  let high = n + 1;
  let logTerm = n * Math.log1p(-p);
  for (let k = 0; k <= n; k++) {
    cumulative += Math.exp(logTerm);
    // P(Binomial <= k) bounds the chance that the quantile lies under the sample of rank k + 1.
    if (cumulative <= tail) low = k + 1;
    if (cumulative >= 1 - tail && high > n) high = k + 1;
    logTerm += Math.log((n - k) / (k + 1)) + Math.log(p) - Math.log1p(-p);
  }
  return low >= 1 && high <= n ? [low, high] : null;
}

/**
 * Wilson's score interval for a share, 95 %.
 * @param successes 0..trials
 * @returns bounds in [0, 1]; [0, 1] if nothing was tried
 * @source Wilson 1927, without continuity correction
 */
export function wilsonInterval95(successes: number, trials: number): readonly [number, number] {
  if (trials === 0) return [0, 1];
  const share = successes / trials;
  const z2 = z95 * z95;
  const centre = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const half =
    (z95 / (1 + z2 / trials)) * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials * trials));
  // Rounding must not push a bound past what the data already excludes.
  return [successes === 0 ? 0 : centre - half, successes === trials ? 1 : centre + half];
}

/** Standard normal quantile of 0.975. */
export const z95 = 1.959963984540054;

/**
 * The exact interval of a share: chances under which so few or so many successes are no less likely than 1 - confidence
 * over 2.
 * @param successes 0..trials
 * @param confidence in (0, 1)
 * @returns bounds in [0, 1]; [0, 1] if nothing was tried
 * @source Clopper and Pearson 1934
 */
export function clopperPearson(
  successes: number,
  trials: number,
  confidence = 0.95,
): readonly [low: number, high: number] {
  const tail = (1 - confidence) / 2;
  return [
    successes === 0 ? 0 : betaQuantile(tail, successes, trials - successes + 1),
    successes === trials ? 1 : betaQuantile(1 - tail, successes + 1, trials - successes),
  ];
}
