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
  /** Nodes to leave as floats: patterns as in `matchNodes`. */
  readonly exclude: readonly string[];
}
