import { unreachable } from '../../../base/assert.ts';
import type { ValueRange } from '../quantization.ts';
import {
  DEFAULT_BINS,
  DEFAULT_PERCENTILE,
  STATIC_DEFAULTS,
  type StaticQuantizeOperator,
} from '../quantize-operator.ts';

/** How ranges follow from what values were seen to hold; as onnxruntime's calibrators of the same names. */
export type RangeMethod =
  /** The least and the largest number; `symmetric`: the same on both sides of zero. */
  | { readonly kind: 'minmax'; readonly symmetric: boolean }
  /** Where a quantized histogram tells most of the original one, by relative entropy. */
  | { readonly kind: 'entropy'; readonly bins: number }
  /** What holds so many percent of the numbers; `symmetric`: of their magnitudes. */
  | {
      readonly kind: 'percentile';
      readonly percentile: number;
      readonly bins: number;
      readonly symmetric: boolean;
    };

/** What a recipe says of it; what it leaves out is as onnxruntime's tool has it. */
export type RangeOptions = Pick<StaticQuantizeOperator, 'calibration' | 'percentile' | 'bins' | 'symmetric'>;

/** The method that a recipe means. */
export function rangeMethod({
  calibration = STATIC_DEFAULTS.calibration,
  ...options
}: RangeOptions): RangeMethod {
  switch (calibration) {
    case 'minmax':
      return { kind: calibration, symmetric: options.symmetric ?? false };
    case 'entropy':
      return { kind: calibration, bins: options.bins ?? DEFAULT_BINS.entropy };
    case 'percentile': {
      const { percentile = DEFAULT_PERCENTILE, bins = DEFAULT_BINS.percentile, symmetric = true } = options;
      return { kind: calibration, percentile, bins, symmetric };
    }
    default:
      return unreachable(calibration);
  }
}

/** Whether a method needs counts, or the extremes are enough. */
export function needsCounts({ kind }: RangeMethod): boolean {
  return kind !== 'minmax';
}

/**
 * The range between the extremes of a value, which is all that `minmax` needs.
 * @returns of a value that held nothing 0 and 0
 */
export function rangeBetween({ low, high }: ValueRange, symmetric: boolean): ValueRange {
  if (low > high) return { low: 0, high: 0 };
  const largest = Math.max(Math.abs(low), Math.abs(high));
  // Adding 0 makes no difference but to -0.
  return symmetric ? { low: 0 - largest, high: largest } : { low: low + 0, high: high + 0 };
}
