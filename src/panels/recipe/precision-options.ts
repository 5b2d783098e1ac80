import type { Precision } from '../../transforms/quantize/mixed-operator.ts';

/** The precisions, for people. */
export const PRECISION_OPTIONS: readonly { readonly value: Precision; readonly label: string }[] = [
  { value: 'float32', label: 'float32' },
  { value: 'float16', label: 'float16' },
  { value: 'int8', label: 'int8' },
  { value: 'int8-weights', label: 'weights in 8 bits' },
  { value: 'int4-weights', label: 'weights in 4 bits' },
];
