/** What an empty bin is taken to hold, so that logarithms exist. */
const EPSILON = 1e-4;
/** Terms of the series of `smoothedEntropy`. */
const SERIES_TERMS = 12;

/**
 * The edges between which a histogram, quantized, tells most of the original: of all ranges around the middle bin,
 * from as wide as the quantized bins to the whole, the one with the least relative entropy of the clipped
 * distribution to its quantized form. The first of equals.
 *
 * Sums over bins are differences of running sums, and the logarithms of the counts less what smoothing takes are
 * a series in that small part; so a range costs as much as there are quantized bins, not as there are bins.
 * @param counts whole numbers; at least `quantizedBins` of them
 * @returns the positions of the two edges, from 0 to the number of bins
 * @source S. Migacz, 8-bit inference with TensorRT, 2017; onnxruntime 1.30.0, quantization/calibrate.py, with what it
 * does when bins do not divide evenly and when expanded counts are no whole numbers
 */
export function leastDivergence(
  counts: Float64Array,
  quantizedBins: number,
): readonly [from: number, to: number] {
  const middle = counts.length >> 1;
  const half = quantizedBins >> 1;
  const sums = runningSums(counts);
  let best: readonly [number, number] = [middle - half, Math.min(middle + half + 1, counts.length)];
  let least = Infinity;
  for (let reach = half; reach <= middle; reach++) {
    const range = [middle - reach, Math.min(middle + reach + 1, counts.length)] as const;
    const divergence = divergenceBetween(counts, sums, range, quantizedBins);
    if (divergence < least) {
      least = divergence;
      best = range;
    }
  }
  return best;
}

/** The relative entropy that `leastDivergence` compares, of one range. */
export function divergenceOf(
  counts: Float64Array,
  range: readonly [from: number, to: number],
  quantizedBins: number,
): number {
  return divergenceBetween(counts, runningSums(counts), range, quantizedBins);
}

interface RunningSums {
  /** Of the counts before each bin. */
  readonly count: Float64Array;
  /** Bins before each bin that are not empty. */
  readonly filled: Float64Array;
  /** Of count * log(count), of log(count), and of 1/count, 1/count^2, ..., over the bins before that are not empty. */
  readonly products: Float64Array;
  readonly logs: Float64Array;
  readonly powers: readonly Float64Array[];
}

function runningSums(counts: Float64Array): RunningSums {
  const sumOf = (term: (count: number) => number): Float64Array => {
    const sums = new Float64Array(counts.length + 1);
    for (let bin = 0; bin < counts.length; bin++) {
      const count = counts[bin] as number;
      sums[bin + 1] = (sums[bin] as number) + (count === 0 ? 0 : term(count));
    }
    return sums;
  };
  return {
    count: sumOf((count) => count),
    filled: sumOf(() => 1),
    products: sumOf((count) => count * Math.log(count)),
    logs: sumOf(Math.log),
    powers: runningPowers(counts),
  };
}

function runningPowers(counts: Float64Array): readonly Float64Array[] {
  const sums = Array.from({ length: SERIES_TERMS }, () => new Float64Array(counts.length + 1));
  for (let bin = 0; bin < counts.length; bin++) {
    const inverse = counts[bin] === 0 ? 0 : 1 / (counts[bin] as number);
    let power = 1;
    for (const sum of sums) sum[bin + 1] = (sum[bin] as number) + (power *= inverse);
  }
  return sums;
}

/** Relative entropy of what is in a range, with the outliers in its outermost bins, to its quantized form. */
function divergenceBetween(
  counts: Float64Array,
  sums: RunningSums,
  [from, to]: readonly [number, number],
  quantizedBins: number,
): number {
  const { count, filled } = sums;
  const bins = to - from;
  // The outermost bins hold what was clipped.
  const first = count[from + 1] as number;
  const last = between(count, to - 1, counts.length);
  const isFilled = (outer: number): number => (outer === 0 ? 0 : 1);
  const filledBetween = (start: number, end: number): number =>
    between(filled, start, end) +
    (start === from ? isFilled(first) - isFilled(counts[from] as number) : 0) +
    (end === to ? isFilled(last) - isFilled(counts[to - 1] as number) : 0);
  const total = count[counts.length] as number;

  const filledBins = filledBetween(from, to);
  const taken = (EPSILON * (bins - filledBins)) / filledBins;
  // Smoothing takes from the full bins what it gives the empty ones.
  if (filledBins === 0 || taken >= 1) return Infinity;
  const ownEntropy =
    smoothedEntropy(sums, from + 1, to - 1, taken) +
    smoothed(first, taken) +
    smoothed(last, taken) +
    (bins - filledBins) * EPSILON * Math.log(EPSILON);

  const merged = Math.floor(bins / quantizedBins);
  const heights = new Float64Array(quantizedBins);
  /** Of the original distribution, smoothed, over the bins that each level is spread over. */
  const masses = new Float64Array(quantizedBins);
  let filledLevels = 0;
  let levelSum = 0;
  let start = from;
  let countBefore = count[from] as number;
  let filledBefore = filled[from] as number;
  for (let level = 0; level < quantizedBins; level++) {
    const end = start + merged;
    const countAfter = count[end] as number;
    const filledAfter = filled[end] as number;
    let inLevel = countAfter - countBefore;
    let norm = filledAfter - filledBefore;
    let held = inLevel;
    if (level === 0 || end === to) {
      norm = filledBetween(start, end);
      if (level === 0) held += first - (counts[from] as number);
      if (end === to) held += last - (counts[to - 1] as number);
    }
    // The last quantized bin counts the rest, but is spread over no more bins than the others.
    if (level === quantizedBins - 1) inLevel = between(count, start, to);
    masses[level] = held - norm * taken + (merged - norm) * EPSILON;
    const height = norm === 0 ? 0 : Math.trunc(inLevel / norm);
    if (height !== 0) {
      heights[level] = height;
      filledLevels += merged;
      levelSum += merged * height;
    }
    start = end;
    countBefore = countAfter;
    filledBefore = filledAfter;
  }
  const takenOfLevels = (EPSILON * (bins - filledLevels)) / filledLevels;
  if (filledLevels === 0 || takenOfLevels >= 1) return Infinity;
  const logEmpty = Math.log(EPSILON);
  let crossEntropy = 0;
  for (let level = 0; level < quantizedBins; level++) {
    const height = heights[level] as number;
    crossEntropy += (height === 0 ? logEmpty : Math.log(height - takenOfLevels)) * (masses[level] as number);
  }
  // What no level is spread over.
  if (start < to) {
    const full = filledBetween(start, to);
    const held = between(count, start, to) + last - (counts[to - 1] as number);
    crossEntropy += logEmpty * (held - full * taken + (to - start - full) * EPSILON);
  }

  // Both are normalised: what smoothing adds and takes is equal, so the sums are those of the counts.
  return (ownEntropy - crossEntropy) / total - Math.log(total) + Math.log(levelSum);
}

/** Of one bin: x log x of what smoothing leaves; an empty bin is counted elsewhere. */
function smoothed(count: number, taken: number): number {
  return count === 0 ? 0 : (count - taken) * Math.log(count - taken);
}

/**
 * The sum of (c - e) log(c - e) over the bins that are not empty, for e < 1 <= c:
 * c log c - e (log c + 1) + sum over n >= 2 of e^n / (n (n - 1) c^(n - 1)).
 */
function smoothedEntropy(
  { filled, products, logs, powers }: RunningSums,
  start: number,
  end: number,
  taken: number,
): number {
  let sum = between(products, start, end) - taken * (between(logs, start, end) + between(filled, start, end));
  let factor = taken;
  for (const [at, power] of powers.entries()) {
    const n = at + 2;
    factor *= taken;
    // Few bins are empty, usually: then the series has ended by now.
    if (factor < 1e-12) break;
    sum += (factor / (n * (n - 1))) * between(power, start, end);
  }
  return sum;
}

function between(sums: Float64Array, start: number, end: number): number {
  return (sums[end] as number) - (sums[start] as number);
}
