import type { Random } from '../../base/random.ts';
import { type Failure, failed, ok, type Result } from '../../base/result.ts';
import { normalCdf, normalQuantile } from './distributions.ts';
import { unequalLengths, unusableGroups } from './samples.ts';
import { quantileOfSorted } from './summary.ts';

/** `bca` corrects for bias and skew, at the price of one computation for each value. */
export type BootstrapMethod = 'percentile' | 'bca';

export interface BootstrapInterval {
  /** The statistic of the samples themselves. */
  readonly estimate: number;
  readonly low: number;
  readonly high: number;
}

export type Statistic = (samples: readonly Float64Array[]) => number;

export interface BootstrapOptions {
  readonly random: Random;
  readonly method?: BootstrapMethod;
  readonly resamples?: number;
  /** In (0, 1). */
  readonly confidence?: number;
  /** Whether values at one place of all samples belong together and are drawn together. */
  readonly paired?: boolean;
}

/**
 * The interval of any statistic of one or more samples.
 * @param samples each of at least two finite values; of equal length if paired
 * @param statistic must not keep or change what it is given, as the arrays are used again
 * @returns failures `too-few-samples`, `not-finite`, `all-tied` where no resample differs, `biased` where BCa cannot
 *   be had
 * @source Efron and Tibshirani 1993, 13.3, 14.3 and 15.4, as scipy.stats.bootstrap
 */
export function bootstrapInterval(
  samples: readonly ArrayLike<number>[],
  statistic: Statistic,
  options: BootstrapOptions,
): Result<BootstrapInterval> {
  const { random, method = 'bca', resamples = 2000, confidence = 0.95, paired = false } = options;
  const failure = unusableGroups(samples, 1, 2) ?? (paired ? unequalLengths(samples) : null);
  if (failure !== null) return failed(failure);
  const own = samples.map((sample) => Float64Array.from(sample));
  const estimate = statistic(own);
  const replicates = new Float64Array(resamples);
  const drawn = own.map((sample) => new Float64Array(sample.length));
  for (let i = 0; i < resamples; i++) {
    draw(own, drawn, random, paired);
    replicates[i] = statistic(drawn);
  }
  if (method === 'percentile') return percentileInterval(estimate, replicates, confidence);
  return bcaInterval(estimate, replicates, jackknives(own, statistic, paired), confidence);
}

function draw(
  own: readonly Float64Array[],
  drawn: readonly Float64Array[],
  random: Random,
  paired: boolean,
): void {
  const count = (own[0] as Float64Array).length;
  if (paired)
    for (let i = 0; i < count; i++) {
      const from = Math.floor(random() * count);
      for (const [j, sample] of own.entries()) (drawn[j] as Float64Array)[i] = sample[from] as number;
    }
  else
    for (const [j, sample] of own.entries()) {
      const into = drawn[j] as Float64Array;
      for (let i = 0; i < into.length; i++) into[i] = sample[Math.floor(random() * sample.length)] as number;
    }
}

/** The statistic without each value in turn, for each sample; without each pair, if paired. */
function jackknives(own: readonly Float64Array[], statistic: Statistic, paired: boolean): Float64Array[] {
  if (paired)
    return [(own[0] as Float64Array).map((_, i) => statistic(own.map((sample) => without(sample, i))))];
  return own.map((sample, j) =>
    sample.map((_, i) => statistic(own.map((other, k) => (k === j ? without(sample, i) : other)))),
  );
}

function without(sample: Float64Array, place: number): Float64Array {
  return sample.filter((_, i) => i !== place);
}

/** The interval between two quantiles of the statistic's replicates. */
export function percentileInterval(
  estimate: number,
  replicates: Float64Array,
  confidence: number,
): Result<BootstrapInterval> {
  const failure = unusableReplicates(estimate, replicates);
  if (failure !== null) return failed(failure);
  const tail = (1 - confidence) / 2;
  return ok(between(estimate, replicates, tail, 1 - tail));
}

/**
 * As `percentileInterval`, corrected for bias and for how the spread grows with the estimate.
 * @param jackknives the statistic without each value in turn, for each sample
 */
export function bcaInterval(
  estimate: number,
  replicates: Float64Array,
  jackknives: readonly Float64Array[],
  confidence: number,
): Result<BootstrapInterval> {
  const failure = unusableReplicates(estimate, replicates);
  if (failure !== null) return failed(failure);
  let below = 0;
  for (const replicate of replicates) below += replicate < estimate ? 1 : replicate === estimate ? 0.5 : 0;
  if (below === 0 || below === replicates.length)
    return failed({
      code: 'biased',
      message: 'Every resample lies on one side of the estimate, so its bias cannot be corrected for.',
      hint: 'Use the percentile interval or more samples.',
    });
  const bias = normalQuantile(below / replicates.length);
  const acceleration = accelerationOf(jackknives);
  const share = (z: number) => normalCdf(bias + (bias + z) / (1 - acceleration * (bias + z)));
  const z = normalQuantile((1 - confidence) / 2);
  return ok(between(estimate, replicates, share(z), share(-z)));
}

function accelerationOf(jackknives: readonly Float64Array[]): number {
  let cubes = 0;
  let squares = 0;
  for (const values of jackknives) {
    const n = values.length;
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    for (const value of values) {
      const influence = ((n - 1) * (mean - value)) / n;
      cubes += influence ** 3;
      squares += influence ** 2;
    }
  }
  // No value matters by itself, as with a median among ties: nothing says that the spread grows.
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

function between(
  estimate: number,
  replicates: Float64Array,
  lowShare: number,
  highShare: number,
): BootstrapInterval {
  const sorted = Float64Array.from(replicates).sort();
  return {
    estimate,
    low: quantileOfSorted(sorted, lowShare),
    high: quantileOfSorted(sorted, highShare),
  };
}

function unusableReplicates(estimate: number, replicates: Float64Array): Failure | null {
  if (!Number.isFinite(estimate) || !replicates.every(Number.isFinite))
    return {
      code: 'not-finite',
      message: 'The statistic is no finite number for some resamples.',
      hint: 'Choose a statistic that all samples have, as a median; a ratio needs values above 0.',
    };
  const first = replicates[0] as number;
  if (replicates.some((replicate) => replicate !== first)) return null;
  return {
    code: 'all-tied',
    message: `The statistic is ${first} for every resample, so its spread cannot be told.`,
    hint: 'A coarse timer does this to fast models: measure in batches or on larger inputs.',
  };
}
