export interface Ranks {
  /** From 1; ties share the mean of theirs. In the order of the values. */
  readonly ranks: Float64Array;
  /** Sum of t^3 - t over the runs of t equal values, which the tests correct for. */
  readonly tieSum: number;
}

/** Ranks of values, ties averaged. */
export function averageRanks(values: ArrayLike<number>): Ranks {
  // A native sort and a search for each value are several times faster than sorting indices with a comparison.
  const sorted = Float64Array.from(values).sort();
  const n = sorted.length;
  const distinct = new Float64Array(n);
  const shared = new Float64Array(n);
  let runs = 0;
  let tieSum = 0;
  for (let start = 0, end: number; start < n; start = end) {
    const value = sorted[start] as number;
    for (end = start + 1; end < n && sorted[end] === value; ) end++;
    const tied = end - start;
    tieSum += tied ** 3 - tied;
    distinct[runs] = value;
    shared[runs++] = (start + 1 + end) / 2;
  }
  const ascending = distinct.subarray(0, runs);
  const ranks = new Float64Array(n);
  for (let i = 0; i < n; i++) ranks[i] = shared[countBelow(ascending, values[i] as number)] as number;
  return { ranks, tieSum };
}

/** How many of ascending numbers are below `value`. */
export function countBelow(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of ascending numbers are at most `value`. */
export function countAtMost(ascending: Float64Array, value: number): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface RankedGroups {
  readonly sizes: readonly number[];
  readonly meanRanks: readonly number[];
  /** Number of all values. */
  readonly total: number;
  readonly tieSum: number;
  /** Squared distances of the ranks from the mean of their group, summed. */
  readonly withinSquares: number;
}

/** Ranks over all groups together, summed up by group. */
export function rankGroups(groups: readonly ArrayLike<number>[]): RankedGroups {
  const sizes = groups.map((group) => group.length);
  const { ranks, tieSum } = averageRanks(joined(groups));
  let from = 0;
  let withinSquares = 0;
  let lost = 0;
  const meanRanks = sizes.map((size) => {
    const own = ranks.subarray(from, from + size);
    from += size;
    // Sums of halves below 2^53 are exact.
    const mean = own.reduce((sum, rank) => sum + rank, 0) / size;
    for (const rank of own) {
      // Kahan's sum: in the tail of thousands of values, what a plain sum rounds off shows in the tenth digit of p.
      const term = (rank - mean) ** 2 - lost;
      const next = withinSquares + term;
      lost = next - withinSquares - term;
      withinSquares = next;
    }
    return mean;
  });
  return { sizes, meanRanks, total: ranks.length, tieSum, withinSquares };
}

/** Several samples one after another. */
export function joined(groups: readonly ArrayLike<number>[]): Float64Array {
  const all = new Float64Array(groups.reduce((sum, group) => sum + group.length, 0));
  let at = 0;
  for (const group of groups) {
    all.set(group, at);
    at += group.length;
  }
  return all;
}
