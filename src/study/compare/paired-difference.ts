import { studentTQuantile, studentTSf } from '../statistics/distributions.ts';

/** By how much two strategies differ in latency, told of rounds. */
export interface PairedDifference {
  /** Of the second over the first: 2 means that the first is twice as fast. */
  readonly ratio: number;
  /** 95 % interval of the ratio. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of a difference of at most the margin. */
  readonly p: number;
  readonly rounds: number;
  readonly method: 't' | 'sign';
}

/**
 * Differences up to this share are called none: sessions of one model differ by that much without any reason that
 * would come again, such as where its memory lies.
 */
export const INDISTINCT_SHARE = 0.01;

/** Share of the rounds cut off at either end, as those that something else disturbed, where there are some to spare. */
const TRIMMED = 0.2;
const FEWEST_TRIMMED_ROUNDS = 10;

/**
 * Compares two strategies by the levels of the rounds that both have, as logarithms of ratios, since what hits a round
 * hits both: Student's t of the mean without the outermost fifths. In simulated studies of this size with drift,
 * throttling and visits that something disturbed it found more than the signed-rank test did, with no more false alarms.
 * Where all rounds differ alike, as with a coarse timer, the sign test.
 * @param levels of the first and the second, by round
 * @param margin share up to which a difference is none
 * @returns null for fewer than two rounds
 * @source Yuen 1974, The two-sample trimmed t for unequal population variances; Tukey and McLaughlin 1963 for one sample
 */
export function pairedDifference(
  levels: readonly (readonly [number, number])[],
  margin = INDISTINCT_SHARE,
): PairedDifference | null {
  const rounds = levels.length;
  if (rounds < 2) return null;
  const logs = Float64Array.from(levels, ([a, b]) => Math.log(b / a));
  const slack = Math.log1p(margin);
  const told = (
    method: PairedDifference['method'],
    centre: number,
    half: number,
    p: number,
  ): PairedDifference => ({
    ratio: Math.exp(centre),
    low: Math.exp(centre - half),
    high: Math.exp(centre + half),
    p: Math.min(1, p),
    rounds,
    method,
  });
  const sorted = logs.toSorted();
  const cut = rounds < FEWEST_TRIMMED_ROUNDS ? 0 : Math.floor(TRIMMED * rounds);
  const kept = sorted.subarray(cut, rounds - cut);
  const centre = meanOf(kept);
  // Winsorised: what is cut off counts as the outermost that is kept.
  const winsorised = sorted.map((log) => Math.min(Math.max(log, kept[0] as number), kept.at(-1) as number));
  const middle = meanOf(winsorised);
  const squares = winsorised.reduce((sum, log) => sum + (log - middle) ** 2, 0);
  // Rounding leaves differences that are equal not quite so.
  if (squares <= 1e-24 * rounds * (1 + centre * centre))
    return told('sign', centre, 0, Math.abs(centre) <= slack ? 1 : 2 ** (1 - rounds));
  const error = Math.sqrt(squares / (rounds - 1) / rounds) / (1 - (2 * cut) / rounds);
  const freedom = kept.length - 1;
  const half = studentTQuantile(0.975, freedom) * error;
  const tail = (distance: number): number => studentTSf(distance / error, freedom);
  // The chance at the ends of the margin, where it is greatest.
  const beyond = Math.abs(centre) - slack;
  return told('t', centre, half, beyond <= 0 ? 1 : tail(beyond) + tail(beyond + 2 * slack));
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
