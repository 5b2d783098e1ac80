/** An axis' range and the round values to mark on it. */
export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

/**
 * A linear scale over values with about `wanted` ticks at 1, 2 or 5 times a power of ten, widened to whole ticks.
 * @param values finite; at least one
 * @param bounds the scale never goes beyond these, e.g. [0, 1] for shares
 */
export function niceScale(
  values: readonly number[],
  wanted: number,
  bounds: readonly [number, number] = [0, Number.POSITIVE_INFINITY],
): Scale {
  const lowest = Math.min(...values);
  const highest = Math.max(...values);
  const wide = highest - lowest || Math.abs(highest) * 0.2 || 1;
  // Never so narrow that rounding makes both ends one.
  const span = Math.max(wide, Math.abs(highest) * 1e-6, 1e-9);
  const step = niceStep(span / wanted);
  // A little air, so that no point sits on the frame.
  const low = Math.max(bounds[0], Math.floor((lowest - span * 0.04) / step) * step);
  const high = Math.min(bounds[1], Math.ceil((highest + span * 0.04) / step) * step);
  const count = Math.round((high - low) / step);
  // Multiplied out and rounded, because adding steps piles up errors (0.30000000000000004).
  const ticks = Array.from({ length: count + 1 }, (_, index) => Number((low + index * step).toPrecision(12)));
  return { low, high, ticks };
}

function niceStep(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = rough / power;
  return power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
}
