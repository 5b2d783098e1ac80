import { unreachable } from '../../../base/assert.ts';
import type { ValueRange } from '../quantization.ts';
import { leastDivergence } from './entropy.ts';
import { rangeBetween, type RangeMethod } from './range-method.ts';
import { type Histogram, histogramOf, magnitudeHistogramOf, type ValueSketch } from './value-sketch.ts';

/** A quantized histogram has as many. */
const QUANTIZED_BINS = 128;

/**
 * The range of a value.
 * @param sketch with counts, if the method needs them
 * @returns float32 numbers, `low <= high`; of a value that held nothing 0 and 0
 * @source onnxruntime 1.30.0, quantization/calibrate.py
 */
export function rangeOf(sketch: ValueSketch, method: RangeMethod): ValueRange {
  if (sketch.count === 0) return { low: 0, high: 0 };
  switch (method.kind) {
    case 'minmax':
      return rangeBetween(sketch, method.symmetric);
    case 'entropy': {
      const histogram = histogramOf(sketch, method.bins);
      return withinExtremes(sketch, histogram, leastDivergence(histogram.counts, QUANTIZED_BINS));
    }
    case 'percentile': {
      const { percentile, bins, symmetric } = method;
      if (symmetric) {
        const histogram = magnitudeHistogramOf(sketch, bins);
        const threshold = histogram.edges[binReaching(histogram, percentile / 100)] as number;
        return clamped(sketch, -threshold, threshold);
      }
      const histogram = histogramOf(sketch, bins);
      const cutShare = (100 - percentile) / 200;
      return withinExtremes(sketch, histogram, [
        binReaching(histogram, cutShare),
        binReaching(histogram, 1 - cutShare),
      ]);
    }
    default:
      return unreachable(method);
  }
}

/** The first bin up to whose end there is this share of the numbers; the number of bins if rounding hides it. */
function binReaching({ counts }: Histogram, share: number): number {
  let [seen, total] = [0, 0];
  for (const count of counts) total += count;
  for (let bin = 0; bin < counts.length; bin++) {
    // Shares are added up one by one, as numpy does, so that rounding is the same.
    seen += (counts[bin] as number) / total;
    if (seen >= share) return bin;
  }
  return counts.length;
}

function withinExtremes(
  sketch: ValueSketch,
  { edges }: Histogram,
  [from, to]: readonly [number, number],
): ValueRange {
  return clamped(sketch, edges[from] as number, edges[to] as number);
}

function clamped({ low, high }: ValueSketch, from: number, to: number): ValueRange {
  const start = Math.max(from, low);
  // Of numbers that are all equal, both edges may be the lower one of their bin.
  return { low: start, high: Math.max(start, Math.min(to, high)) };
}
