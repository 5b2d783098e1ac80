import type { ValueName } from '../onnx/model.ts';
import type { Piece } from '../onnx/wire-writer.ts';
import type { ValueView } from '../onnx/graph-view.ts';
import type { ConfidenceMeasure } from './exits/confidence.ts';
import type { CutPrediction } from './cuts/resolve-cut.ts';
import type { AutomaticCut, Recipe } from './recipe.ts';

export type Tier = 'mobile' | 'edge' | 'cloud';

/** How a variant's files run: segments in order, each fed by model inputs and earlier segments' values. */
export interface VariantPlan {
  readonly segments: readonly SegmentPlan[];
  /** The model's final output, and what it holds. */
  readonly output: { readonly name: ValueName; readonly scores: 'logits' | 'probabilities' };
  readonly input: ValueView;
  /** Set if a file decides by itself where to stop (`form: "if"`). */
  readonly decision?: DecisionPlan;
}

/** Exits inside one file. */
export interface DecisionPlan {
  /** The output that tells which exit was taken: one int64, an index in `GraphView.exits`. */
  readonly output: ValueName;
  /** In order of work, the final exit last. */
  readonly exits: readonly {
    readonly index: number;
    /** MACs from the start to this exit. */
    readonly macs: number;
  }[];
}

export interface SegmentPlan {
  /** File of this segment, e.g. `resnet20-head.onnx`. */
  readonly file: string;
  readonly inputs: readonly ValueView[];
  readonly outputs: readonly ValueView[];
  readonly tier: Tier;
  /** Set if inference may stop after this segment. The last segment has the final exit, with threshold 0. */
  readonly exit: ExitPlan | null;
  readonly macs: number;
  readonly params: number;
}

export interface ExitPlan {
  /** Index in `GraphView.exits`. */
  readonly index: number;
  readonly output: ValueName;
  readonly scores: 'logits' | 'probabilities';
  /** Stop if the confidence is at least this; 0 always stops. */
  readonly threshold: number;
  /** What confidence means; `max-softmax` when left out. */
  readonly confidence?: ConfidenceMeasure;
}

/** A tensor of learned numbers. */
export interface Parameter {
  readonly count: number;
  /** How many of them are not zero. Asked for the first time, it may read them all: building a variant does not. */
  readonly nonZero: () => number;
}

/** A file as a list of chunks, so that untouched weights are never copied: views of memory or ranges to stream. */
export interface VariantFile {
  readonly name: string;
  readonly bytes: number;
  readonly parameters: readonly Parameter[];
  /** The file in order; what comes from a source unchanged is a range of it. */
  readonly pieces: readonly Piece[];
  /** Writes the file piece by piece, in order, from its start. */
  readonly write: (sink: (chunk: Uint8Array) => void) => void;
}

export interface AutomaticCutReport {
  readonly kind: AutomaticCut;
  /** As a recipe names it, to cut there always; of three parts `cuts`. */
  readonly cut?: readonly ValueName[];
  readonly cuts?: readonly [readonly ValueName[], readonly ValueName[]];
  /** False if there were too many frontiers to compare them all. */
  readonly isExact: boolean;
  /** For `fastest`. */
  readonly times?: 'measured' | 'from-macs';
  readonly prediction?: CutPrediction;
}

export interface Variant {
  readonly recipe: Recipe;
  readonly files: readonly VariantFile[];
  readonly plan: VariantPlan;
  readonly params: number;
  /** Each once, however many files share it. */
  readonly parameters: readonly Parameter[];
  /** MACs of the whole variant if no exit is taken. */
  readonly macs: number;
  /** For each cut: what crosses. */
  readonly cuts: readonly { readonly afterSegment: number; readonly crossing: readonly ValueView[] }[];
  /** Set if the recipe left the place of the cut to the lab: where it is and what it was computed with. */
  readonly automaticCut?: AutomaticCutReport;
  readonly buildMs: number;
  readonly warnings: readonly string[];
}
