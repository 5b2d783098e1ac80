import { failed, ok, type Result } from '../../base/result.ts';
import { normalQuantile, normalSf, polynomial } from './distributions.ts';
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
 * @source Royston 1995, algorithm AS R94, as scipy.stats.shapiro
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
  return ok({ w: 1 - unexplained, p: pOf(unexplained, n) });
}

/** Weights of the lower half, all positive; the upper half mirrors them. */
function royston(n: number): Float64Array {
  if (n === 3) return Float64Array.of(Math.SQRT1_2);
  const half = n >> 1;
  const scores = Float64Array.from({ length: half }, (_, i) => normalQuantile((i + 1 - 0.375) / (n + 0.25)));
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

function pOf(unexplained: number, n: number): number {
  if (n === 3) {
    const p = (6 / Math.PI) * (Math.asin(Math.sqrt(1 - unexplained)) - Math.asin(Math.sqrt(0.75)));
    return Math.min(1, Math.max(0, p));
  }
  const raw = Math.log(unexplained);
  const logN = Math.log(n);
  if (n > 11) {
    const deviation = Math.exp(polynomial(LARGE_DEVIATION, logN));
    return normalSf((raw - polynomial(LARGE_MEAN, logN)) / deviation);
  }
  const limit = polynomial(SMALL_LIMIT, n);
  // Below what the approximation reaches; scipy says so, too.
  if (raw >= limit) return 1e-99;
  const deviation = Math.exp(polynomial(SMALL_DEVIATION, n));
  return normalSf((-Math.log(limit - raw) - polynomial(SMALL_MEAN, n)) / deviation);
}

const FIRST_WEIGHT = [0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056];
const SECOND_WEIGHT = [0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633];
const SMALL_MEAN = [0.544, -0.39978, 0.025054, -6.714e-4];
const SMALL_DEVIATION = [1.3822, -0.77857, 0.062767, -0.0020322];
const SMALL_LIMIT = [-2.273, 0.459];
const LARGE_MEAN = [-1.5861, -0.31082, -0.083751, 0.0038915];
const LARGE_DEVIATION = [-0.4803, -0.082676, 0.0030302];
