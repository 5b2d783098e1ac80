import { failed, ok, type Result } from '../../base/result.ts';
import { polynomial } from './distributions.ts';
import { ALL_TIED, unusable } from './samples.ts';

export interface ShapiroWilk {
  /** How straight the Q-Q plot is: 1 for normal samples. */
  readonly w: number;
  readonly p: number;
}

/**
 * Whether samples may come from a normal distribution.
 * @param values at least 3, finite; above 5,000 the approximation of p was never checked
 * @returns failures `too-few-samples`, `not-finite`, `all-tied`
 * @source Royston 1995, algorithm AS R94 with the normal tail AS 66 and quantile AS 111 that are part of it: scipy has
 *   them, too, and the lab's own, which are exact, would change p in its eighth digit
 */
export function shapiroWilk(values: ArrayLike<number>): Result<ShapiroWilk> {
  const failure = unusable(values, 3, 'The sample');
  if (failure !== null) return failed(failure);
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  const range = (sorted[n - 1] as number) - (sorted[0] as number);
  if (range === 0) return failed(ALL_TIED);
  // Centred and scaled, so that neither a large offset nor a tiny unit costs digits.
  const middle = sorted[n >> 1] as number;
  const scaled = sorted.map((value) => (value - middle) / range);
  const mean = scaled.reduce((sum, value) => sum + value, 0) / n;

  const weights = royston(n);
  let weightSquares = 0;
  let valueSquares = 0;
  let products = 0;
  for (let i = 0; i < n; i++) {
    const weight = weightAt(weights, i, n);
    const distance = (scaled[i] as number) - mean;
    weightSquares += weight * weight;
    valueSquares += distance * distance;
    products += weight * distance;
  }
  // 1 - W as a product, as W lies close to 1.
  const root = Math.sqrt(weightSquares * valueSquares);
  const unexplained = ((root - products) * (root + products)) / (weightSquares * valueSquares);
  return ok({ w: 1 - unexplained, p: n === 3 ? pOfThree(sorted) : pOf(unexplained, n) });
}

/** Weights of the lower half, all positive; the upper half mirrors them. */
function royston(n: number): Float64Array {
  if (n === 3) return Float64Array.of(Math.SQRT1_2);
  const half = n >> 1;
  const scores = Float64Array.from({ length: half }, (_, i) => scoreOf((i + 1 - 0.375) / (n + 0.25)));
  const squares = 2 * scores.reduce((sum, score) => sum + score * score, 0);
  const norm = Math.sqrt(squares);
  const unit = 1 / Math.sqrt(n);
  const [lowest, second] = [scores[0] as number, scores[1] as number];
  const first = polynomial(FIRST_WEIGHT, unit) - lowest / norm;
  if (n <= 5) {
    const rest = Math.sqrt((squares - 2 * lowest * lowest) / (1 - 2 * first * first));
    return scores.map((score, i) => (i === 0 ? first : -score / rest));
  }
  const next = polynomial(SECOND_WEIGHT, unit) - second / norm;
  const rest = Math.sqrt(
    (squares - 2 * lowest * lowest - 2 * second * second) / (1 - 2 * first * first - 2 * next * next),
  );
  return scores.map((score, i) => (i === 0 ? first : i === 1 ? next : -score / rest));
}

function weightAt(weights: Float64Array, i: number, n: number): number {
  if (i < weights.length) return -(weights[i] as number);
  return i >= n - weights.length ? (weights[n - 1 - i] as number) : 0;
}

/**
 * Exact: (6 / π) (asin √W - asin √(3/4)), written with the gaps between the values, so that small chances keep their
 * digits and that of two equal values is 0.
 */
function pOfThree(sorted: Float64Array): number {
  const [low, middle, high] = sorted as unknown as readonly [number, number, number];
  const [narrow, wide] = [Math.min(middle - low, high - middle), Math.max(middle - low, high - middle)];
  const share = narrow / wide;
  return (6 / Math.PI) * Math.atan((Math.sqrt(3) * share) / (2 + share));
}

function pOf(unexplained: number, n: number): number {
  const raw = Math.log(unexplained);
  const logN = Math.log(n);
  if (n > 11) {
    const deviation = Math.exp(polynomial(LARGE_DEVIATION, logN));
    return tailOf((raw - polynomial(LARGE_MEAN, logN)) / deviation);
  }
  const limit = polynomial(SMALL_LIMIT, n);
  // Beyond what the approximation reaches.
  if (raw >= limit) return 1e-19;
  const deviation = Math.exp(polynomial(SMALL_DEVIATION, n));
  return tailOf((-Math.log(limit - raw) - polynomial(SMALL_MEAN, n)) / deviation);
}

/** The standard normal quantile, to 1e-8. @source Beasley and Springer 1977, algorithm AS 111 */
function scoreOf(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.42) {
    const square = q * q;
    const over = polynomial([2.50662823884, -18.61500062529, 41.39119773534, -25.44106049637], square);
    return (
      (q * over) / polynomial([1, -8.4735109309, 23.08336743743, -21.06224101826, 3.13082909833], square)
    );
  }
  const root = Math.sqrt(-Math.log(q > 0 ? 1 - p : p));
  const over = polynomial([-2.78718931138, -2.29796479134, 4.85014127135, 2.32121276858], root);
  return (Math.sign(q) * over) / polynomial([1, 3.54388924762, 1.63706781897], root);
}

/** The chance that a standard normal variable exceeds z, to 1e-9. @source Hill 1973, algorithm AS 66 */
function tailOf(z: number): number {
  if (z < 0) return 1 - tailOf(-z);
  const y = 0.5 * z * z;
  if (z <= 1.28) {
    const fraction =
      y + 5.75885480458 - 29.8213557808 / (y + 2.62433121679 + 48.6959930692 / (y + 5.92885724438));
    return 0.5 - z * (0.398942280444 - (0.399903438504 * y) / fraction);
  }
  let fraction = z + 3.99019417011;
  fraction = z + 0.742380924027 + 30.789933034 / fraction;
  fraction = z + 4.8385912808 - 15.1508972451 / fraction;
  fraction = z - 0.151679116635 + 5.29330324926 / fraction;
  fraction = z + 3.98064794e-4 + 1.98615381364 / fraction;
  fraction = z - 3.8052e-8 + 1.00000615302 / fraction;
  return (0.398942280385 * Math.exp(-y)) / fraction;
}

const FIRST_WEIGHT = [0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056];
const SECOND_WEIGHT = [0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633];
const SMALL_MEAN = [0.544, -0.39978, 0.025054, -6.714e-4];
const SMALL_DEVIATION = [1.3822, -0.77857, 0.062767, -0.0020322];
const SMALL_LIMIT = [-2.273, 0.459];
const LARGE_MEAN = [-1.5861, -0.31082, -0.083751, 0.0038915];
const LARGE_DEVIATION = [-0.4803, -0.082676, 0.0030302];
