import type { NodeChoice } from '../../match-nodes.ts';
import { STATIC_DEFAULTS, type StaticQuantizeOperator } from '../quantize-operator.ts';

/** A form of static int8; every combination but signed activations with unsigned weights, which no kernel takes. */
export interface StaticForm {
  /** QuantizeLinear/DequantizeLinear around float operators, or integer operators (QLinearConv, QGemm, ...). */
  readonly format: 'qdq' | 'qoperator';
  readonly activations: 'u8' | 's8';
  readonly weights: 's8' | 'u8';
  /** A scale for each output channel of a weight. */
  readonly perChannel: boolean;
  /** Activations' ranges are widened to be symmetric about 0. */
  readonly symmetric: boolean;
  /** 7-bit weights. */
  readonly reduceRange: boolean;
  /** Nodes to leave as floats. */
  readonly exclude: NodeChoice;
}

/** The form that an operator asks for; where it leaves that to the device, which nothing here tells of, the usual one. */
export function staticFormOf(
  operator: Omit<StaticQuantizeOperator, 'mode' | 'exclude'>,
  exclude: NodeChoice,
): StaticForm {
  const { format, activations, weights, perChannel, symmetric, reduceRange } = {
    ...STATIC_DEFAULTS,
    ...operator,
  };
  // Files that no device has asked for are in the usual form.
  return {
    format: format === 'auto' ? STATIC_DEFAULTS.format : format,
    activations,
    weights,
    perChannel,
    symmetric,
    reduceRange,
    exclude,
  };
}
