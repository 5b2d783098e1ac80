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
    powers: Array.from({ length: SERIES_TERMS }, (_, at) => sumOf((count) => count ** -(at + 1))),
  };
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
  const levels = new Float64Array(quantizedBins);
  let filledLevels = 0;
  let levelSum = 0;
  for (let level = 0; level < quantizedBins; level++) {
    const start = from + level * merged;
    const isLast = level === quantizedBins - 1;
    // The last quantized bin counts the rest, but is spread over no more bins than the others.
    const inLevel = between(count, start, isLast ? to : start + merged);
    const norm = filledBetween(start, start + merged);
    if (norm === 0) continue;
    const height = Math.trunc(inLevel / norm);
    if (height === 0) continue;
    levels[level] = height;
    filledLevels += merged;
    levelSum += merged * height;
  }
  const takenOfLevels = (EPSILON * (bins - filledLevels)) / filledLevels;
  if (filledLevels === 0 || takenOfLevels >= 1) return Infinity;
  const logEmpty = Math.log(EPSILON);
  let crossEntropy = 0;
  const probabilityBetween = (start: number, end: number): number => {
    const full = filledBetween(start, end);
    const held =
      between(count, start, end) +
      (start === from ? first - (counts[from] as number) : 0) +
      (end === to ? last - (counts[to - 1] as number) : 0);
    return held - full * taken + (end - start - full) * EPSILON;
  };
  for (let level = 0; level < quantizedBins; level++) {
    const start = from + level * merged;
    const height = levels[level] as number;
    const log = height === 0 ? logEmpty : Math.log(height - takenOfLevels);
    crossEntropy += log * probabilityBetween(start, start + merged);
  }
  const rest = from + quantizedBins * merged;
  if (rest < to) crossEntropy += logEmpty * probabilityBetween(rest, to);

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
