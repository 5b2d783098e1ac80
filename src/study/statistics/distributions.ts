import { assert } from '../../base/assert.ts';
import { betaRegularised, binomialTerm, gammaUpper } from './special-functions.ts';

// Tails are survival functions of their own (`...Sf`): 1 - cdf would be 0 below 1e-16.

/** The chance that a standard normal variable exceeds z. */
export function normalSf(z: number): number {
  const tail = gammaUpper(0.5, (z * z) / 2) / 2;
  return z > 0 ? tail : 1 - tail;
}

/** The chance that a standard normal variable is at most z. */
export function normalCdf(z: number): number {
  return normalSf(-z);
}

/**
 * The z that a standard normal variable stays below with chance p.
 * @param p in [0, 1]; the ends give ∓Infinity
 * @source Wichura 1988, algorithm AS 241 (PPND16): relative error about 1e-16
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_OVER, r)) / polynomial(CENTRE_UNDER, r);
  }
  const tail = q < 0 ? p : 1 - p;
  if (tail <= 0) return q < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const r = Math.sqrt(-Math.log(tail));
  const z =
    r <= 5
      ? polynomial(TAIL_OVER, r - 1.6) / polynomial(TAIL_UNDER, r - 1.6)
      : polynomial(FAR_OVER, r - 5) / polynomial(FAR_UNDER, r - 5);
  return q < 0 ? -z : z;
}

/** The chance that a chi-squared variable exceeds `x`. @param degreesOfFreedom above 0 */
export function chiSquaredSf(x: number, degreesOfFreedom: number): number {
  return x <= 0 ? 1 : gammaUpper(degreesOfFreedom / 2, x / 2);
}

/** The chance that Student's t exceeds `t`. @param degreesOfFreedom above 0, whole or not */
export function studentTSf(t: number, degreesOfFreedom: number): number {
  const squared = t * t;
  if (squared === Number.POSITIVE_INFINITY) return t > 0 ? 0 : 1;
  const sum = degreesOfFreedom + squared;
  const tail = betaRegularised(degreesOfFreedom / 2, 0.5, degreesOfFreedom / sum, squared / sum) / 2;
  return t > 0 ? tail : 1 - tail;
}

/**
 * The t that Student's t stays below with chance p.
 * @param p in (0, 1)
 * @param degreesOfFreedom above 0
 */
export function studentTQuantile(p: number, degreesOfFreedom: number): number {
  const tail = Math.min(p, 1 - p);
  if (tail === 0.5) return 0;
  const t = fallsTo((at) => studentTSf(at, degreesOfFreedom), tail, Number.POSITIVE_INFINITY);
  return p < 0.5 ? -t : t;
}

/**
 * The chance of at most `successes` of `trials`.
 * @param chance of each trial, in [0, 1]
 */
export function binomialCdf(successes: number, trials: number, chance: number): number {
  if (successes < 0) return 0;
  if (successes >= trials) return 1;
  return betaRegularised(trials - successes, successes + 1, 1 - chance, chance);
}

/** The chance of more than `successes` of `trials`. */
export function binomialSf(successes: number, trials: number, chance: number): number {
  if (successes < 0) return 1;
  if (successes >= trials) return 0;
  return betaRegularised(successes + 1, trials - successes, chance, 1 - chance);
}

/** The chance of exactly `successes` of `trials`. @param chance in (0, 1) */
export function binomialPmf(successes: number, trials: number, chance: number): number {
  if (successes < 0 || successes > trials) return 0;
  if (successes === 0) return Math.exp(trials * Math.log1p(-chance));
  if (successes === trials) return Math.exp(trials * Math.log(chance));
  return binomialTerm(successes, trials - successes, chance, 1 - chance);
}

/** The chance that Snedecor's F exceeds `f`. */
export function fisherFSf(f: number, numeratorFreedom: number, denominatorFreedom: number): number {
  if (f <= 0) return 1;
  if (f === Number.POSITIVE_INFINITY) return 0;
  const sum = denominatorFreedom + numeratorFreedom * f;
  return betaRegularised(
    denominatorFreedom / 2,
    numeratorFreedom / 2,
    denominatorFreedom / sum,
    (numeratorFreedom * f) / sum,
  );
}

/**
 * The x that a beta variable stays below with chance p.
 * @param p in (0, 1)
 * @param a above 0
 * @param b above 0
 */
export function betaQuantile(p: number, a: number, b: number): number {
  // Found as a small number near 0, where it has all its digits.
  const mean = a / (a + b);
  const below = betaRegularised(a, b, mean, 1 - mean);
  if (below < p) return 1 - fallsTo((y) => betaRegularised(a, b, 1 - y, y), p, 1);
  return fallsTo((x) => betaRegularised(b, a, 1 - x, x), 1 - p, 1);
}

/**
 * Where a function that falls from at least `target` at 0 reaches it: bisection to the last bit after the bracket was
 * found by doubling, so that small and large places alike keep all their digits.
 */
function fallsTo(sf: (x: number) => number, target: number, end: number): number {
  assert(target > 0 && target < 1, `a quantile needs a chance in (0, 1), not ${target}`);
  let high = Math.min(1, end);
  while (high < end && sf(high) > target) high *= 2;
  let low = high / 2;
  while (low > 0 && sf(low) < target) {
    high = low;
    low /= 2;
  }
  for (;;) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) return middle;
    if (sf(middle) > target) low = middle;
    else high = middle;
  }
}

/** Horner's rule. @param coefficients from the constant up */
export function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

const CENTRE_OVER = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987,
  67265.7709270087, 33430.57558358813, 2509.0809287301227,
];
const CENTRE_UNDER = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271,
  28729.085735721943, 5226.495278852854,
];
const TAIL_OVER = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684,
  0.2417807251774506, 0.022723844989269184, 7.745450142783414e-4,
];
const TAIL_UNDER = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  5.475938084995345e-4, 1.0507500716444169e-9,
];
const FAR_OVER = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
];
const FAR_UNDER = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 7.868691311456133e-4, 1.8463183175100548e-5,
  1.421511758316446e-7, 2.0442631033899397e-15,
];
