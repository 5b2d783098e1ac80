import type { ValueRange } from '../quantization.ts';

/** Bins on each side of zero: sixteen for each of the 2,048 that percentiles are usually read from. */
const HALF = 1 << 15;
/** Of the largest finite float32 in units of its last bin; a larger exponent does not occur. */
const SMALLEST_EXPONENT = -149;

/**
 * What a value was seen to hold, however many numbers that were: counts in bins of equal width around zero, and the
 * outermost numbers themselves. The width is a power of two that doubles, pairs of bins merging exactly, whenever a
 * larger number comes. So a sketch does not depend on the order of the images, and any equal-width histogram over the
 * whole range, which is what onnxruntime's calibrators make of all activations at once, can be rebuilt from it: to
 * a fraction of a bin where numbers are dense, and exactly where they are so few that each one decides.
 */
export interface ValueSketch {
  /** Finite numbers seen. */
  count: number;
  /** Not finite: they take part in nothing else. */
  notFinite: number;
  /** Infinity and -Infinity until something was seen. */
  low: number;
  high: number;
  /** The bins cover (-2 ** exponent, 2 ** exponent). */
  exponent: number;
  /** From the most negative bin up, 2 x 32,768 of them; null where nothing was seen. */
  counts: Uint32Array | null;
  /** The largest numbers, and the least, negated. */
  upper: Tail;
  lower: Tail;
}

/** All numbers larger than `beyond`; one or two thousand of them. */
interface Tail {
  numbers: Float32Array;
  length: number;
  beyond: number;
}

/** At least half of them are kept. */
const TAIL_NUMBERS = 2048;
const NO_NUMBERS = new Float32Array(0);

/** A sketch of nothing. */
export function emptySketch(): ValueSketch {
  return {
    count: 0,
    notFinite: 0,
    low: Infinity,
    high: -Infinity,
    exponent: SMALLEST_EXPONENT,
    counts: null,
    upper: { numbers: NO_NUMBERS, length: 0, beyond: -Infinity },
    lower: { numbers: NO_NUMBERS, length: 0, beyond: -Infinity },
  };
}

/** So many numbers stay in the processor's nearest cache between looking for outermost ones and counting. */
const NUMBERS_AT_A_TIME = 2048;

/**
 * Takes numbers into a sketch. Nearly all are counted in a loop that does nothing else: those that need more care
 * are looked for ahead, since loops that might call something run at less than half the speed.
 */
export function addToSketch(sketch: ValueSketch, numbers: Float32Array): void {
  const counts = (sketch.counts ??= new Uint32Array(2 * HALF));
  const notFiniteBefore = sketch.notFinite;
  for (let start = 0; start < numbers.length; start += NUMBERS_AT_A_TIME) {
    const end = Math.min(start + NUMBERS_AT_A_TIME, numbers.length);
    for (let from = start; from < end; ) {
      const outermost = firstBeyond(numbers, from, end, -sketch.lower.beyond, sketch.upper.beyond);
      countInBins(counts, numbers, from, outermost, HALF * 2 ** -sketch.exponent);
      if (outermost < end) addOutermost(sketch, counts, numbers[outermost] as number);
      from = outermost + 1;
    }
  }
  sketch.count += numbers.length - (sketch.notFinite - notFiniteBefore);
}

/** The position of the first number that is none or not between the two; `end` if there is none. */
function firstBeyond(numbers: Float32Array, from: number, end: number, below: number, above: number): number {
  for (let at = from; at < end; at++) {
    const number = numbers[at] as number;
    // Written so that NaN, for which no comparison holds, is found, too.
    if (!(number <= above && number >= below)) return at;
  }
  return end;
}

/** @param numbers inside the bins */
function countInBins(
  counts: Uint32Array,
  numbers: Float32Array,
  from: number,
  end: number,
  binsPerUnit: number,
): void {
  for (let at = from; at < end; at++) {
    const bin = ((numbers[at] as number) * binsPerUnit + HALF) | 0;
    counts[bin] = (counts[bin] as number) + 1;
  }
}

/** Takes a number that may be the largest or the least so far, or one of those that are kept. */
function addOutermost(sketch: ValueSketch, counts: Uint32Array, number: number): void {
  if (!Number.isFinite(number)) {
    sketch.notFinite++;
    return;
  }
  if (number < sketch.low) sketch.low = number;
  if (number > sketch.high) sketch.high = number;
  const magnitude = Math.abs(number);
  if (magnitude >= 2 ** sketch.exponent) widenFor(sketch, counts, magnitude);
  keep(sketch.upper, number);
  keep(sketch.lower, -number);
  const bin = (number * HALF * 2 ** -sketch.exponent + HALF) | 0;
  counts[bin] = (counts[bin] as number) + 1;
}

function keep(tail: Tail, number: number): void {
  if (number <= tail.beyond) return;
  if (tail.length === tail.numbers.length) makeRoom(tail);
  // It may not be one of the largest any more.
  if (number > tail.beyond) tail.numbers[tail.length++] = number;
}

function makeRoom(tail: Tail): void {
  if (tail.length < TAIL_NUMBERS) {
    const grown = new Float32Array(Math.max(64, 2 * tail.length));
    grown.set(tail.numbers);
    tail.numbers = grown;
    return;
  }
  tail.numbers.sort();
  tail.beyond = tail.numbers[TAIL_NUMBERS >> 1] as number;
  const first = countUpTo(tail.numbers, tail.beyond);
  tail.numbers.copyWithin(0, first);
  tail.length = TAIL_NUMBERS - first;
}

/** How many of ascending numbers are at most as large. */
function countUpTo(ascending: Float32Array, bound: number): number {
  let [from, to] = [0, ascending.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ascending[middle] as number) <= bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Makes bins wide enough for a magnitude. */
function widenFor(sketch: ValueSketch, counts: Uint32Array, magnitude: number): void {
  const exponent = exponentAbove(magnitude);
  // The first number may be anywhere.
  if (sketch.exponent > SMALLEST_EXPONENT || counts[HALF] !== 0) widen(counts, exponent - sketch.exponent);
  sketch.exponent = exponent;
}

/** The least power of two that is larger. */
function exponentAbove(magnitude: number): number {
  const exponent = Math.floor(Math.log2(magnitude));
  // The logarithm may be rounded across a power of two.
  if (2 ** exponent > magnitude) return exponent;
  return 2 ** (exponent + 1) > magnitude ? exponent + 1 : exponent + 2;
}

/** Merges each 2 ** doublings neighbours, away from zero, in place. */
function widen(counts: Uint32Array, doublings: number): void {
  const shift = Math.min(doublings, 31);
  for (let bin = 0; bin < HALF; bin++) {
    move(counts, HALF + bin, HALF + (bin >> shift));
    move(counts, HALF - 1 - bin, HALF - 1 - (bin >> shift));
  }
}

/** Towards zero, from the middle outwards, so that nothing is moved twice. */
function move(counts: Uint32Array, from: number, to: number): void {
  if (from === to) return;
  counts[to] = (counts[to] as number) + (counts[from] as number);
  counts[from] = 0;
}

/** Counts in bins of equal width; the last one holds its upper edge, too. */
export interface Histogram {
  /** Whole numbers. */
  readonly counts: Float64Array;
  /** One more than there are bins, float32. */
  readonly edges: Float32Array;
}

/**
 * The numbers of a sketch in bins over [-t, t], t the largest magnitude.
 * @source numpy.histogram with that range
 */
export function histogramOf(sketch: ValueSketch, bins: number): Histogram {
  const largest = sketch.count === 0 ? 0 : Math.max(Math.abs(sketch.low), Math.abs(sketch.high));
  const edges = edgesBetween(-largest, largest, bins);
  const below = numbersBelow(sketch);
  return { edges, counts: countsBetween(edges, sketch.count, below) };
}

/**
 * The magnitudes of a sketch's numbers in bins from the least to the largest.
 * @source numpy.histogram without a range
 */
export function magnitudeHistogramOf(sketch: ValueSketch, bins: number): Histogram {
  const { count, low, high } = sketch;
  const below = numbersBelow(sketch);
  if (count === 0) return { edges: edgesBetween(0, 1, bins), counts: new Float64Array(bins) };
  const edges = edgesBetween(leastMagnitude(sketch), Math.max(Math.abs(low), Math.abs(high)), bins);
  return { edges, counts: countsBetween(edges, count, (m) => below(m) - below(-m, true)) };
}

/**
 * The numbers of a sketch in bins over a range that holds all of them.
 * @source numpy.histogram with that range
 */
export function histogramOver(sketch: ValueSketch, { low, high }: ValueRange, bins: number): Histogram {
  const edges = edgesBetween(low, high, bins);
  return { edges, counts: countsBetween(edges, sketch.count, numbersBelow(sketch)) };
}

/** Exact where all numbers have one sign, else the lower edge of the sketch's first bin that is not empty. */
function leastMagnitude({ low, high, exponent, counts }: ValueSketch): number {
  if (low >= 0) return low;
  if (high <= 0) return -high;
  let bin = 0;
  while (bin < HALF && counts?.[HALF + bin] === 0 && counts[HALF - 1 - bin] === 0) bin++;
  return (bin / HALF) * 2 ** exponent;
}

/** As numpy, in float32: where the ends are equal, half a unit to either side. */
function edgesBetween(low: number, high: number, bins: number): Float32Array {
  const { fround } = Math;
  const [from, to] = low === high ? [fround(low - 0.5), fround(high + 0.5)] : [low, high];
  const step = fround((to - from) / bins);
  return Float32Array.from({ length: bins + 1 }, (_, edge) =>
    edge === bins ? to : fround(edge * step) + from,
  );
}

/**
 * How many numbers lie below a place: of the outermost ones exactly; those of a bin of the sketch are taken to be
 * spread evenly in it.
 */
function numbersBelow({
  count,
  low,
  high,
  exponent,
  counts,
  upper,
  lower,
}: ValueSketch): (place: number, orEqual?: boolean) => number {
  const before = new Float64Array(2 * HALF + 1);
  for (let bin = 0, sum = 0; counts !== null && bin < counts.length; bin++)
    before[bin + 1] = sum += counts[bin] as number;
  const binsPerUnit = HALF * 2 ** -exponent;
  const [largest, least] = [upper, lower].map((tail) => tail.numbers.slice(0, tail.length).sort()) as [
    Float32Array,
    Float32Array,
  ];
  return (place, orEqual = false) => {
    if (orEqual ? place < low : place <= low) return 0;
    if (orEqual ? place >= high : place > high) return count;
    if (place > upper.beyond)
      return count - largest.length + (orEqual ? countUpTo : countBelow)(largest, place);
    if (-place > lower.beyond) return least.length - (orEqual ? countBelow : countUpTo)(least, -place);
    const bin = Math.floor(place * binsPerUnit) + HALF;
    const from = (bin - HALF) / binsPerUnit;
    const share = (place - from) * binsPerUnit;
    const [start, end] = [before[bin] as number, before[bin + 1] as number];
    const about = start + share * (end - start);
    return Math.min(Math.max(about, least.length), count - largest.length);
  };
}

function countBelow(ascending: Float32Array, bound: number): number {
  let [from, to] = [0, ascending.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ascending[middle] as number) < bound) from = middle + 1;
    else to = middle;
  }
  return from;
}

function countsBetween(edges: Float32Array, count: number, below: (place: number) => number): Float64Array {
  const counts = new Float64Array(edges.length - 1);
  let before = 0;
  for (let bin = 0; bin < counts.length; bin++) {
    // Nothing lies outside, whatever rounding does to the outermost edges.
    const after = bin === counts.length - 1 ? count : Math.round(below(edges[bin + 1] as number));
    counts[bin] = after - before;
    before = after;
  }
  return counts;
}
