import { finish } from '../../base/finish.ts';
import { medianOf } from '../statistics/summary.ts';

/** A stretch of a series that lies on one level. */
export interface Level {
  readonly from: number;
  /** Past its last value. */
  readonly to: number;
  readonly mean: number;
}

/**
 * Divides a series into stretches of constant level: the division with the least squared distance to the levels, each
 * further level costing as much as chance would gain. Single outliers between like neighbours are passed over.
 * @param values e.g. logarithms of latencies, so that changes are ratios
 * @param noise standard deviation of the values on one level, above 0; see `differenceNoise`
 * @returns in order, without gaps; empty for an empty series
 * @source Killick, Fearnhead, Eckley 2012 (optimal partitioning, PELT)
 */
export function levelsOf(values: readonly number[], noise: number): readonly Level[] {
  return finish(levelsInParts(values, noise));
}

/** The same in parts, between which others may have their turn: of many values it takes long. */
export function* levelsInParts(
  values: readonly number[],
  noise: number,
): Generator<void, readonly Level[], void> {
  const n = values.length;
  if (n === 0) return [];
  const smooth = withoutSpikes(values);
  const sums = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  smooth.forEach((value, at) => {
    // Taken from the first value, so that large values lose no digits.
    const offset = value - (smooth[0] ?? 0);
    sums[at + 1] = (sums[at] ?? 0) + offset;
    squares[at + 1] = (squares[at] ?? 0) + offset * offset;
  });
  const between = (list: Float64Array, from: number, to: number): number =>
    (list[to] as number) - (list[from] as number);
  const costOf = (from: number, to: number): number =>
    (between(squares, from, to) - between(sums, from, to) ** 2 / (to - from)) / noise ** 2;
  const penalty = penaltyOf(n);
  const best = new Float64Array(n + 1);
  const cuts = new Int32Array(n + 1);
  best[0] = -penalty;
  // Where the last level may begin, and what the division costs if it does.
  const starts = new Int32Array(n + 1);
  const costs = new Float64Array(n + 1);
  let count = 1;
  for (let to = 1; to <= n; to++) {
    let least = Infinity;
    for (let at = 0; at < count; at++) {
      const from = starts[at] as number;
      const cost = (best[from] as number) + costOf(from, to);
      costs[at] = cost;
      if (cost + penalty < least) [least, cuts[to]] = [cost + penalty, from];
    }
    best[to] = least;
    let kept = 0;
    for (let at = 0; at < count; at++)
      if ((costs[at] as number) <= least) starts[kept++] = starts[at] as number;
    starts[kept] = to;
    count = kept + 1;
    if (to % STEPS_IN_A_PART === 0) yield;
  }
  const levels: Level[] = [];
  for (let to = n; to > 0; to = cuts[to] ?? 0) {
    const from = cuts[to] ?? 0;
    levels.unshift({ from, to, mean: (smooth[0] ?? 0) + between(sums, from, to) / (to - from) });
  }
  return levels;
}

const STEPS_IN_A_PART = 256;

/** Of a further level, times the logarithm of the length: rarer than 1 in 20 series of pure noise have one. */
const PENALTY = 4;

function penaltyOf(length: number): number {
  // The noise of few values is not known well.
  return PENALTY * Math.log(Math.max(length, 8)) * (1 + 5 / length);
}

/** The smallest step in the middle of a series that is told from noise of this standard deviation. */
export function leastStep(length: number, noise: number): number {
  return 2 * noise * Math.sqrt(penaltyOf(length) / length);
}

/** Median of the distances of normal values from their mean, in standard deviations. */
const SIGMA_QUARTILE = 0.6744897501960817;

/** Standard deviation of the noise, told by how neighbours differ, which levels and slow drift hardly touch. */
export function differenceNoise(values: readonly number[]): number {
  const differences = values.slice(1).map((value, at) => Math.abs(value - (values[at] as number)));
  return differences.length === 0 ? 0 : medianOf(differences) / (SIGMA_QUARTILE * Math.SQRT2);
}

/**
 * The same for values that may rise or fall steeply, or change their level: also told by how they differ from the line
 * between their neighbours, and the smaller counts.
 */
export function noiseAroundTrend(values: readonly number[]): number {
  const bends = values
    .slice(2)
    .map((value, at) => Math.abs(value - 2 * (values[at + 1] as number) + (values[at] as number)));
  if (bends.length === 0) return 0;
  return Math.min(differenceNoise(values), medianOf(bends) / (SIGMA_QUARTILE * Math.sqrt(6)));
}

/** Each value replaced by the median of itself and its neighbours; the ends stay, as nothing tells there. */
function withoutSpikes(values: readonly number[]): readonly number[] {
  return values.map((value, at) => {
    const [before, after] = [values[at - 1], values[at + 1]];
    if (before === undefined || after === undefined) return value;
    return Math.max(Math.min(before, value), Math.min(Math.max(before, value), after));
  });
}
