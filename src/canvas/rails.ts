/** A vertical rail over the rows [start, end]. */
export interface Interval<T> {
  readonly item: T;
  readonly start: number;
  readonly end: number;
}

/**
 * Gives each interval a lane in which it overlaps no other, short ones nearest to the column (lane 0), so that
 * a residual connection stays close to its block and long ones run outside.
 * @returns the lane of each item and the number of lanes
 */
export function packIntervals<T>(intervals: readonly Interval<T>[]): {
  readonly lanes: ReadonlyMap<T, number>;
  readonly count: number;
} {
  const shortestFirst = intervals.toSorted(
    (a, b) => a.end - a.start - (b.end - b.start) || a.start - b.start,
  );
  const taken: Lane[] = [];
  const lanes = new Map<T, number>();
  for (const interval of shortestFirst) {
    let lane = taken.findIndex((other) => isFree(other, interval));
    if (lane < 0) lane = taken.push([]) - 1;
    const occupied = taken[lane] as Lane;
    occupied.splice(firstAtOrAfter(occupied, interval.start), 0, interval);
    lanes.set(interval.item, lane);
  }
  return { lanes, count: taken.length };
}

/** Disjoint intervals sorted by start. */
type Lane = { readonly start: number; readonly end: number }[];

function isFree(lane: Lane, wanted: { readonly start: number; readonly end: number }): boolean {
  const at = firstAtOrAfter(lane, wanted.start);
  const before = lane[at - 1];
  const after = lane[at];
  return (!before || before.end < wanted.start) && (!after || after.start > wanted.end);
}

function firstAtOrAfter(lane: Lane, start: number): number {
  let low = 0;
  let high = lane.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lane[middle]?.start ?? 0) < start) low = middle + 1;
    else high = middle;
  }
  return low;
}
