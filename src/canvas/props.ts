import type { ReactNode } from 'react';
import type { GraphView, ValueView } from '../onnx/graph-view.ts';
import type { LinkedSide } from './use-camera-link.ts';
import type { LitRole } from './lit.ts';
import type { NodeChange } from './graph-changes.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { TierModels } from '../transforms/cuts/resolve-cut.ts';
import type { ValueName } from '../onnx/model.ts';
import type { Recipe } from '../transforms/recipe.ts';

/** What the boxes' heat shows. */
export type ColourMode = 'macs' | 'params' | 'activationBytes' | 'crossingBytes' | MeasuredColour;

/** What is known only once it was measured; see `GraphCanvasProps.nodeCosts`. */
export type MeasuredColour = 'ms' | 'reach' | 'error' | 'sensitivity' | 'pruning';

/**
 * By `NodeView.index`: measured milliseconds; share of the images that reach a node; how far off a variant's numbers
 * are, as a share of them; the power of the error on the scores when a node alone is in int8, of their own, or when half
 * of the channels that it makes are gone.
 */
export type NodeCosts = Readonly<Partial<Record<MeasuredColour, ArrayLike<number>>>>;

/** What a cut or an exit would mean at the place it is being dragged over. */
export type PreviewInfo =
  | {
      readonly kind: 'cut';
      /** Node after which the cut would lie. */
      readonly afterNode: number;
      /** Values that would cross, with shapes and bytes. */
      readonly crossing: readonly ValueView[];
      /** Bytes that would cross at batch 1; null if a shape is unknown. */
      readonly bytes: number | null;
      /** Share of the MACs before the cut, in [0, 1]. */
      readonly macShareBefore: number;
    }
  | {
      readonly kind: 'exit';
      /** Index in `GraphView.exits`. */
      readonly exit: number;
      /** Share of the MACs that this exit needs, in [0, 1]. */
      readonly macShare: number;
    };

/** What a placement is expected to take from image to answer. */
export interface Forecast {
  /** Its tiers: `mobile → edge`. */
  readonly label: string;
  /** null: nothing can be said. */
  readonly ms: number | null;
  /** One tier runs all of the model, wherever it is cut. */
  readonly isWhole: boolean;
  /** The one that stands on the cut's tag. */
  readonly isChosen: boolean;
}

/** What every cut is expected to cost, for the chart along the graph. */
export interface CutCosts {
  /** By the node that the cut lies after; NaN where there is no cut. */
  readonly costs: Float64Array;
  /** What they are: `mobile → edge`. */
  readonly label: string;
}

/** Neighbouring nodes shown as one box. */
export interface NodeRange {
  readonly label: string;
  readonly firstNode: number;
  readonly lastNode: number;
}

export interface GraphCanvasProps {
  readonly view: GraphView;
  readonly recipe: Recipe;
  /** Called once when a cut or an exit is dropped, toggled or removed: one undo step. */
  readonly onRecipe: (next: Recipe) => void;
  /** Called while dragging, and with null when it ends. */
  readonly onPreview?: (info: PreviewInfo | null) => void;
  readonly selectedNode: number | null;
  /** A folded box selects its first node. */
  readonly onSelectNode: (index: number | null) => void;
  /** The box that was selected, with all its nodes. */
  readonly onSelectRange?: (range: NodeRange | null) => void;
  readonly colour: ColourMode;
  readonly onColour: (mode: ColourMode) => void;
  /** What was measured about nodes; a mode without its numbers is offered only with help, see `costHelp`. */
  readonly nodeCosts?: NodeCosts;
  /** What stands in place of the legend where numbers are missing: why, and what gets them. */
  readonly costHelp?: Readonly<Partial<Record<MeasuredColour, ReactNode>>>;
  /** What each placement is expected to take with these cuts, in order of the graph; called while dragging. */
  readonly forecast?: (cuts: readonly PlacedCut[]) => readonly Forecast[];
  readonly cutCosts?: CutCosts;
  /** Expected times are guesses, since nothing of the kind was measured on this device yet. */
  readonly isGuess?: boolean;
  /** What each node is expected to take on this device, by `NodeView.index`. */
  readonly nodeMs?: ArrayLike<number>;
  /** Tiers and link that the fastest cut is for, where they differ from the defaults. */
  readonly tiers?: TierModels;
  /** More for the toolbar. */
  readonly tools?: ReactNode;
  /** Why the recipe does not fit the model, beside what the canvas itself sees, and what would help. */
  readonly problem?: { readonly text: string; readonly help: ReactNode };
  /** By `NodeView.index`, what is not as in the graph that this one was made of: marked. */
  readonly changes?: readonly NodeChange[];
  /** What nodes do with what is lit, by `NodeView.index`; the others fade. */
  readonly lit?: ReadonlyMap<number, LitRole>;
  /** Where a value had another shape, both: `(64 → 32)×8×8`. */
  readonly shapeChanges?: ReadonlyMap<ValueName, string>;
  /** Pans, zooms and unfolds together with another graph. */
  readonly linked?: LinkedSide;
  /** Without tools, legend and buttons: those of the other graph serve both. */
  readonly isBare?: boolean;
  /** What to know about the graph, in a line; beside the mark of changes. */
  readonly note?: string;
  /** Nothing can be dropped, toggled or removed. */
  readonly isReadOnly?: boolean;
  /** Text to look for in names, operators and values; empty: no search. See `search.ts`. */
  readonly search: string;
  /** Which of the matches to centre on; counts on round the end. Default 0. */
  readonly searchIndex?: number;
  /** Phone layout: larger targets, shorter labels, no minimap. */
  readonly compact: boolean;
  /** A short text for an exit's tag, by index in `GraphView.exits`, e.g. its accuracy. */
  readonly exitNotes?: ReadonlyMap<number, string>;
  /** A short text for a trained exit, by the value it hangs on, e.g. its accuracy; without one it is not trained yet. */
  readonly tapNotes?: ReadonlyMap<string, string>;
}
