import type { ValueName } from './model.ts';

/**
 * What the page needs to draw a model and to place exits and cuts on it: plain data, made once in the model
 * worker from the *display model* (constants folded, shape clutter removed; value names unchanged).
 */
export interface GraphView {
  /** Identifies the model's content (see `model-fingerprint.ts`). */
  readonly modelId: string;
  readonly fileName: string;
  readonly fileBytes: number;
  readonly irVersion: number;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer: string;
  /** The file's `metadata_props`, as written: they may tell the preprocessing. */
  readonly metadata?: readonly { readonly key: string; readonly value: string }[];
  /** Every value that nodes exchange, inputs and outputs included (weights are not: see `NodeView.weights`). */
  readonly values: ReadonlyMap<ValueName, ValueView>;
  /** Inputs without the initializers that old exporters list as inputs. */
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  /** In topological order; a node's position here is its `index` everywhere else in this view. */
  readonly nodes: readonly NodeView[];
  /** Data edges between nodes, by index; -1 as `from` is a graph input, -1 as `to` a graph output. */
  readonly edges: readonly EdgeView[];
  /** Repeated and single blocks, for folding; a partition of the nodes, in order. */
  readonly blocks: readonly BlockView[];
  /** `frontiers[i]` is the cut after the first `i + 1` nodes; the last one is the end of the graph. */
  readonly frontiers: readonly FrontierView[];
  /** The model's outputs as early exits, in order of work; the last is the final one. At least one. */
  readonly exits: readonly ExitView[];
  /** Runs of blocks that can be left out (see `skippable-blocks.ts`), in order of nodes; none when left out. */
  readonly skippable?: readonly SkippableRun[];
  readonly totals: {
    readonly params: number;
    readonly nonZeroParams: number | null;
    readonly macs: number;
    readonly weightBytes: number;
    readonly activationBytes: number;
    /** How many nodes of the file were folded away before showing. */
    readonly foldedNodes: number;
    readonly fileNodes: number;
  };
  /** True if the weights are noise: size and latency only, no accuracy. */
  readonly hollow: boolean;
  /** Files of weights that the model names and that were not given: it can be looked at, not run. None when left out. */
  readonly missingFiles?: readonly string[];
  readonly warnings: readonly string[];
}

export interface ValueView {
  readonly name: ValueName;
  /** e.g. `float32`, `int64`. */
  readonly dataType: string;
  /** Symbols stay as text; null: unknown rank. */
  readonly shape: readonly (number | string | null)[] | null;
  /** The shape at the size that the model's open inputs are counted with, where that is another. */
  readonly counted?: ValueView['shape'];
  /** Bytes of one instance at batch 1 and at that size; null if unknown. */
  readonly bytes: number | null;
}

export interface NodeView {
  readonly index: number;
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  /** False for custom domains and operators this lab does not know: shown as such, passed through. */
  readonly known: boolean;
  readonly attributes: readonly { readonly name: string; readonly text: string }[];
  readonly weights: readonly {
    readonly name: string;
    readonly dataType: string;
    readonly dims: readonly number[];
  }[];
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  readonly params: number;
  readonly macs: number;
  readonly weightBytes: number;
  /** Bytes of the node's outputs. */
  readonly activationBytes: number;
}

export interface EdgeView {
  readonly from: number;
  readonly to: number;
  readonly value: ValueName;
}

export interface BlockView {
  readonly id: number;
  /** A short name for people: `stem`, `block 3`, `head`, or the operator sequence. */
  readonly label: string;
  /** Indices of its nodes, contiguous in topological order. */
  readonly firstNode: number;
  readonly lastNode: number;
  /** Blocks with the same operator sequence share this hash; consecutive ones fold into one box with a count. */
  readonly structure: string;
  readonly macs: number;
  readonly params: number;
}

export interface FrontierView {
  /** The frontier lies after this node (topological position). */
  readonly afterNode: number;
  /** Values that cross it (computed before, needed after; graph inputs still needed included). */
  readonly crossing: readonly ValueName[];
  /** Bytes of the crossing values at batch 1; null if any is unknown. */
  readonly bytes: number | null;
  readonly macsBefore: number;
  readonly weightBytesBefore: number;
  /** A legal partition point: something before, something after, only tensors cross. */
  readonly legal: boolean;
}

export interface ExitView {
  readonly index: number;
  readonly output: ValueName;
  /** Node that makes it. */
  readonly node: number;
  /** Work of everything the exit needs. */
  readonly macs: number;
  readonly params: number;
  /** Whether the output is already softmaxed. */
  readonly scores: 'logits' | 'probabilities';
}

/** A block whose only input and only output have equal type and shape: what follows can read the one for the other. */
export interface SkippableBlock {
  readonly from: ValueName;
  readonly to: ValueName;
  /** Indices of its nodes. */
  readonly firstNode: number;
  readonly lastNode: number;
  readonly macs: number;
  readonly params: number;
}

/** Consecutive blocks of identical structure; from the first one's input to the last one's output. */
export interface SkippableRun {
  readonly from: ValueName;
  readonly to: ValueName;
  readonly firstNode: number;
  readonly lastNode: number;
  /** In order, at least one. */
  readonly blocks: readonly SkippableBlock[];
}
