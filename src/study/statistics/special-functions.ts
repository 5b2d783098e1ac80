import { assert } from '../../base/assert.ts';

/** Digits beyond a double's change nothing; a continued fraction or series stops here. */
const PRECISION = 1e-16;
const MAX_TERMS = 100_000;

/**
 * The upper incomplete gamma function, regularised: Γ(a, x) / Γ(a).
 * Relative error about 1e-13 down to 1e-300, as the power before it is a deviance (Loader) instead of a difference of
 * large logarithms.
 * @param a above 0
 * @param x at least 0
 * @source Abramowitz and Stegun 6.5.29 and 6.5.31
 */
export function gammaUpper(a: number, x: number): number {
  if (x === 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  // x^a e^-x / Γ(a + 1)
  const power = Math.exp(-binet(a) - deviance(a, x)) / Math.sqrt(2 * Math.PI * a);
  if (x < a + 1) return 1 - power * gammaSeries(a, x);
  const fraction = continuedFraction(x + 1 - a, (i) => [-i * (i - a), x + 2 * i + 1 - a]);
  return (a * power) / fraction;
}

function gammaSeries(a: number, x: number): number {
  let sum = 1;
  let term = 1;
  for (let i = 1; term > sum * PRECISION && i < MAX_TERMS; i++) {
    term *= x / (a + i);
    sum += term;
  }
  return sum;
}

/**
 * The regularised incomplete beta function I_x(a, b); with (b, a, y, x) its complement, without loss in the tail.
 * @param a above 0
 * @param b above 0
 * @param x in [0, 1]
 * @param y 1 - x, which the caller knows better than a subtraction does
 * @source Didonato and Morris 1992 for the fraction, Loader 2000 for the power before it
 */
export function betaRegularised(a: number, b: number, x: number, y: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaFraction(b, a, y, x);
  return betaFraction(a, b, x, y);
}

/** I_x(a, b) where x is below the mean, so that the fraction converges in about the square root of a + b steps. */
function betaFraction(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  // x^a y^b / (a B(a, b))
  const power = (b / n) * binomialTerm(a, b, x, y);
  const fraction = continuedFraction(1, (i) => {
    const m = i >> 1;
    const even = i % 2 === 0;
    const numerator = even
      ? (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
      : (-(a + m) * (n + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    return [numerator, 1];
  });
  return power / fraction;
}

/**
 * x^a y^b times the binomial coefficient of a + b over a, for real a and b above 0.
 * @param x in (0, 1)
 * @param y 1 - x
 * @source Loader 2000, Fast and accurate computation of binomial probabilities
 */
export function binomialTerm(a: number, b: number, x: number, y: number): number {
  const n = a + b;
  const exponent = binet(n) - binet(a) - binet(b) - deviance(a, n * x) - deviance(b, n * y);
  return Math.exp(exponent) * Math.sqrt(n / (2 * Math.PI * a * b));
}

/** Lentz's evaluation of first + a1 / (b1 + a2 / (b2 + ...)), with `[ai, bi] = step(i)`. */
function continuedFraction(
  first: number,
  step: (i: number) => readonly [numerator: number, denominator: number],
): number {
  const tiny = 1e-300;
  let value = first === 0 ? tiny : first;
  let c = value;
  let d = 0;
  for (let i = 1; i < MAX_TERMS; i++) {
    const [numerator, denominator] = step(i);
    d = denominator + numerator * d;
    c = denominator + numerator / c;
    d = 1 / (d === 0 ? tiny : d);
    if (c === 0) c = tiny;
    value *= c * d;
    if (Math.abs(c * d - 1) < 2 * PRECISION) return value;
  }
  assert(false, `a continued fraction did not converge in ${MAX_TERMS} steps`);
}

/** Terms of Binet's series: B(2k) / (2k (2k - 1)) with the Bernoulli numbers. */
const BINET = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156, -3617 / 122_400];

/**
 * What Stirling's formula lacks: ln Γ(z) - (z - 1/2) ln z + z - ln(2π) / 2.
 * @param z above 0
 */
function binet(z: number): number {
  let shift = 0;
  let at = z;
  for (; at < 15; at++) shift += (at + 0.5) * Math.log1p(1 / at) - 1;
  const inverseSquare = 1 / (at * at);
  return shift + BINET.reduceRight((sum, term) => sum * inverseSquare + term, 0) / at;
}

/** x ln(x / mean) + mean - x, by a series where the two nearly cancel. */
function deviance(x: number, mean: number): number {
  const difference = x - mean;
  // Written so that what is no number takes the formula, too: the series would never end.
  if (!(Math.abs(difference) <= 0.1 * (x + mean))) return x * Math.log(x / mean) - difference;
  const ratio = difference / (x + mean);
  let sum = difference * ratio;
  let term = 2 * x * ratio;
  for (let i = 3; ; i += 2) {
    term *= ratio * ratio;
    const next = sum + term / i;
    if (next === sum) return sum;
    sum = next;
  }
}
