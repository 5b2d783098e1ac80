import {
  addToSketch,
  emptySketch,
  histogramOver,
  type ValueSketch,
} from '../../transforms/quantize/calibrate/value-sketch.ts';
import type { ValueRange } from '../../transforms/quantize/quantization.ts';
import { addErrors, type ErrorSums, NO_ERRORS } from './signal-noise.ts';

/** What a variant makes of a value, or of a weight, of the float model. */
export interface Compared {
  readonly name: string;
  /** What the variant computes with, against the float model. */
  readonly errors: ErrorSums;
  /** What it computes with, against the same before it was rounded; null where it does not have both. */
  readonly rounding: ErrorSums | null;
  /** null unless asked for. */
  readonly histograms: HistogramPair | null;
}

/** The same numbers before and after, in bins of one range. */
export interface HistogramPair {
  /** One more than there are bins. */
  readonly edges: Float32Array;
  readonly before: Float64Array;
  readonly after: Float64Array;
  /** Numbers that are not finite are in no bin. */
  readonly notFinite: number;
}

/** Bins of a histogram: as many as a phone is wide shows. */
export const HISTOGRAM_BINS = 96;

/** Sums up what becomes of one value, tensor by tensor. */
export class Comparison {
  private errors = NO_ERRORS;
  private rounding: ErrorSums | null = null;
  private readonly sketches: readonly [ValueSketch, ValueSketch] | null;

  constructor(withHistograms: boolean) {
    this.sketches = withHistograms ? [emptySketch(), emptySketch()] : null;
  }

  add(original: Float32Array, changed: Float32Array, unrounded: Float32Array | null = null): void {
    this.errors = addErrors(this.errors, original, changed);
    if (unrounded !== null) this.rounding = addErrors(this.rounding ?? NO_ERRORS, unrounded, changed);
    if (this.sketches === null) return;
    addToSketch(this.sketches[0], original);
    addToSketch(this.sketches[1], changed);
  }

  outcome(name: string): Compared {
    const { errors, rounding } = this;
    return { name, errors, rounding, histograms: this.sketches && histogramsOf(this.sketches) };
  }
}

function histogramsOf([first, second]: readonly [ValueSketch, ValueSketch]): HistogramPair {
  const hasNumbers = first.count + second.count > 0;
  const range: ValueRange = hasNumbers
    ? { low: Math.min(first.low, second.low), high: Math.max(first.high, second.high) }
    : { low: 0, high: 1 };
  const before = histogramOver(first, range, HISTOGRAM_BINS);
  const after = histogramOver(second, range, HISTOGRAM_BINS);
  return {
    edges: before.edges,
    before: before.counts,
    after: after.counts,
    notFinite: first.notFinite + second.notFinite,
  };
}
