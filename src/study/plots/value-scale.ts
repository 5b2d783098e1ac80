import { niceScale, type Scale } from '../ticks.ts';

/** A scale that may be logarithmic. */
export interface ValueScale extends Scale {
  readonly isLog: boolean;
}

/** From this ratio on, 1, 2 and 5 times powers of ten mark a logarithmic axis well enough. */
const wideRatio = 8;

/** A logarithmic scale of positive values, widened a little; linear where a value is 0, which has no logarithm. */
export function logScale(values: Iterable<number>, wantedTicks: number): ValueScale {
  let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    lowest = Math.min(lowest, value);
    highest = Math.max(highest, value);
  }
  if (!(lowest > 0)) return { ...niceScale([Math.min(0, lowest), highest], wantedTicks), isLog: false };
  if (lowest === highest) [lowest, highest] = [lowest / 1.1, highest * 1.1];
  const air = (highest / lowest) ** 0.03;
  const [low, high] = [lowest / air, highest * air];
  const isWide = high / low >= wideRatio;
  const ticks = (
    isWide ? roundPowers(low, high, wantedTicks) : niceScale([low, high], wantedTicks).ticks
  ).filter((tick) => tick >= low && tick <= high);
  return { low, high, ticks, isLog: true };
}

/** Powers of ten, with multiples between them where there is room. */
function roundPowers(low: number, high: number, wanted: number): readonly number[] {
  const decades = Math.log10(high / low);
  const factors = decades * 3 <= wanted + 1 ? [1, 2, 5] : decades * 2 <= wanted + 1 ? [1, 3] : [1];
  // Of very many decades every second, third …
  const step = Math.max(1, Math.ceil(decades / wanted));
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const ticks: number[] = [];
  for (let power = first; power <= last; power += step) {
    for (const factor of factors) ticks.push(Number((factor * 10 ** power).toPrecision(6)));
  }
  return ticks;
}

/** Where a value is drawn between two pixels. */
export function place(value: number, { low, high, isLog }: ValueScale, from: number, to: number): number {
  const share = isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  return from + share * (to - from);
}
