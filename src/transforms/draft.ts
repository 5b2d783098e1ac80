import type { ValueName } from '../onnx/model.ts';
import type { AnalysedModel } from './analyse-model.ts';
import type { ResolvedCuts } from './cuts/resolve-cut.ts';
import type { ExitStop, SegmentNodes } from './plan-segments.ts';
import type { QuantizeOperator } from './quantize/quantize-operator.ts';
import type { PartitionOperator } from './recipe.ts';

/**
 * A recipe applied as far as that is possible on the whole model: pruned weights and dropped exits are in the
 * model, while stops, cut and integer form are noted and take effect when segments are compiled. That is why
 * operators may come in any order that makes sense.
 */
export interface Draft {
  readonly analysed: AnalysedModel;
  /** In order of work, the final exit last; empty without an early-exit operator. */
  readonly stops: readonly ExitStop[];
  /** Dynamic exits decide inside one file. */
  readonly isNested: boolean;
  readonly partition: PartitionOperator | null;
  readonly quantize: QuantizeOperator | null;
  /** For each value of skipped blocks, the one that what follows reads instead. */
  readonly standIns: ReadonlyMap<ValueName, ValueName>;
  /** Outputs of trained exits, by the value that each hangs on. */
  readonly taps: ReadonlyMap<string, ValueName>;
  /** What preparing and pruning came to, in sentences. */
  readonly notes: readonly string[];
}

export interface PlannedDraft extends Draft {
  /** The values that cross each cut; none without a partition. */
  readonly cuts: readonly (readonly ValueName[])[];
  /** Set if the partition left the places to the lab. */
  readonly automaticCuts: ResolvedCuts | null;
  readonly segments: readonly SegmentNodes[];
}

/** A model to which nothing has been done. */
export function untouched(analysed: AnalysedModel): Draft {
  return {
    analysed,
    stops: [],
    isNested: false,
    partition: null,
    quantize: null,
    standIns: new Map(),
    taps: new Map(),
    notes: [],
  };
}

/** What a draft computes: the outputs of the exits that are used, else of all. */
export function outputsOf({ analysed, stops }: Pick<Draft, 'analysed' | 'stops'>): ValueName[] {
  return (stops.length > 0 ? stops : analysed.exits).map(({ output }) => output);
}
