import type { Model } from '../../onnx/model.ts';

/** What a float value was seen to hold, by calibration; `low <= high`, both finite. */
export interface ValueRange {
  readonly low: number;
  readonly high: number;
}

/** Ranges of float values by name: what static quantization needs of calibration. */
export type Ranges = ReadonlyMap<string, ValueRange>;

/** What became of the nodes that could have been quantized. */
export interface QuantizationCoverage {
  readonly quantized: number;
  /** Of these, convolutions with groups: few channels each, so integers gain little. */
  readonly grouped: number;
  /** Of these, convolutions with few weights to a channel, which take 8 bits where others take 4. */
  readonly in8Bits?: number;
  /** Left as floats, with the reason. */
  readonly skipped: readonly { readonly node: string; readonly reason: string }[];
  /** Patterns of nodes to leave out that mean no node. */
  readonly unmatched?: readonly string[];
}

/** A model after quantization. Its inputs, outputs and the values that exits and cuts name keep names and types. */
export interface Quantization {
  readonly model: Model;
  readonly coverage: QuantizationCoverage;
  /** For each float weight that was replaced, how many of its numbers are not zero now. */
  readonly nonZeroOfWeight: ReadonlyMap<string, number>;
}
