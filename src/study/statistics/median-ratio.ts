import { type Random, seededRandom } from '../../base/random.ts';
import { type Failure, failed, ok, type Result } from '../../base/result.ts';
import { quantileIntervalRanks } from './binomial.ts';
import { resampledQuantiles } from './resampled-quantiles.ts';
import { unequalLengths, unusable } from './samples.ts';
import { quantileOfSorted } from './summary.ts';

export interface SpeedUp {
  /** How many times as long `a` takes as `b`: above 1 where `b` is faster. */
  readonly ratio: number;
  readonly low: number;
  readonly high: number;
}

export interface SpeedUpOptions {
  /** In (0, 1). */
  readonly confidence?: number;
  /** Whether values at one place belong together, as medians of one round do. */
  readonly paired?: boolean;
  /** For the unpaired interval; the same for the same samples unless given. */
  readonly random?: Random;
  readonly resamples?: number;
}

/**
 * How many times as long one strategy takes as another, with its interval; of the swapped samples, the reciprocal.
 *
 * Unpaired it is the ratio of the medians with a bootstrap interval, which takes samples for independent. Paired by
 * round it is the median of the rounds' ratios with an exact interval, which holds when latency drifts, too.
 * @param a at least 2 values above 0, e.g. latencies; 6 if paired at 95 %
 * @param b as `a`
 * @returns failures `too-few-samples`, `not-finite`, `not-positive`, `unequal-lengths`
 * @source percentile bootstrap on the logarithm; Conover, section 3.2, for the paired interval
 */
export function medianSpeedUp(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: SpeedUpOptions = {},
): Result<SpeedUp> {
  const { confidence = 0.95, paired = false } = options;
  const failure =
    unusable(a, 2, 'The first sample') ??
    unusable(b, 2, 'The second sample') ??
    notPositive(a, 'The first sample') ??
    notPositive(b, 'The second sample') ??
    (paired ? unequalLengths([a, b]) : null);
  if (failure !== null) return failed(failure);
  const [logA, logB] = [Float64Array.from(a, Math.log), Float64Array.from(b, Math.log)];
  return paired ? ofRounds(logA, logB, confidence) : ofMedians(logA.sort(), logB.sort(), confidence, options);
}

function ofRounds(logA: Float64Array, logB: Float64Array, confidence: number): Result<SpeedUp> {
  const ratios = logA.map((value, i) => value - (logB[i] as number)).sort();
  const ranks = quantileIntervalRanks(ratios.length, 0.5, confidence);
  if (ranks === null)
    return failed({
      code: 'too-few-samples',
      message: `${ratios.length} rounds cannot bound a median with ${Math.round(100 * confidence)} % confidence.`,
      hint: 'Measure more rounds.',
    });
  return ok({
    ratio: Math.exp(quantileOfSorted(ratios, 0.5)),
    low: Math.exp(ratios[ranks[0] - 1] as number),
    high: Math.exp(ratios[ranks[1] - 1] as number),
  });
}

function ofMedians(
  logA: Float64Array,
  logB: Float64Array,
  confidence: number,
  { random = seededRandom(1), resamples = 4000 }: SpeedUpOptions,
): Result<SpeedUp> {
  const medianA = resampledQuantiles(logA, 0.5, resamples, random);
  const medianB = resampledQuantiles(logB, 0.5, resamples, random);
  const ratios = medianA.map((value, i) => value - (medianB[i] as number)).sort();
  const tail = (1 - confidence) / 2;
  return ok({
    ratio: Math.exp(quantileOfSorted(logA, 0.5) - quantileOfSorted(logB, 0.5)),
    low: Math.exp(quantileOfSorted(ratios, tail)),
    high: Math.exp(quantileOfSorted(ratios, 1 - tail)),
  });
}

function notPositive(values: ArrayLike<number>, what: string): Failure | null {
  for (let i = 0; i < values.length; i++)
    if ((values[i] as number) <= 0)
      return {
        code: 'not-positive',
        message: `${what} holds ${values[i]} at place ${i + 1}; a ratio needs values above 0.`,
        hint: 'A coarse timer does this to fast models: measure in batches or on larger inputs.',
      };
  return null;
}
