import type { ConfidenceMeasure } from './exits/confidence.ts';
import type { PrepareOperator } from './prepare/prepare-operator.ts';
import { isIdlePrune } from './prune/idle-prune.ts';
import type { PruneOperator } from './prune/prune-operator.ts';
import type { QuantizeOperator } from './quantize/quantize-operator.ts';
import type { TransferType } from './transfer.ts';

/**
 * A recipe: a JSON array of operators, applied in order to a model. Small, serialisable, undoable.
 * Parsing and the reasons for refusing a sequence live in `parse-recipe.ts`.
 */
export type Recipe = readonly Operator[];

export type Operator =
  | IdentityOperator
  | EarlyExitOperator
  | PartitionOperator
  | PrepareOperator
  | QuantizeOperator
  | PruneOperator;

export interface IdentityOperator {
  readonly op: 'identity';
}

/** True if the recipe leaves the model as it is. */
export function isIdentity(recipe: Recipe): boolean {
  return recipe.every(
    (operator) => operator.op === 'identity' || (operator.op === 'prune' && isIdlePrune(operator)),
  );
}

export type EarlyExitOperator = ExistingExitOperator | SkipExitOperator | TrainedExitOperator;

/** How dynamic exits decide; only together with `threshold`. */
export interface ExitDecision {
  /** What the threshold is compared with. Default `max-softmax`. */
  readonly confidence?: ConfidenceMeasure;
  /** Default `segments`. */
  readonly form?: ExitForm;
}

/** Several files, of which the next runs only if it is needed; or a single one that decides inside, by nested `If`. */
export type ExitForm = 'segments' | 'if';

/** Early exit on outputs that the model already has. Exactly one of `exit` and `threshold` is given. */
export interface ExistingExitOperator extends ExitDecision {
  readonly op: 'early-exit';
  readonly kind: 'existing';
  /** Fixed: always stop at this exit (index in `GraphView.exits`). The rest of the model is cut away. */
  readonly exit?: number;
  /** Dynamic: stop at the first exit whose confidence reaches the threshold; one for all exits or one per exit but the last. */
  readonly threshold?: number | readonly number[];
  /** Exits that take part (indices); all when left out. The final exit always does. */
  readonly exits?: readonly number[];
}

/** Black-box early exit: blocks are left out, so that the tail follows directly. No training; at most one field is given. */
export interface SkipExitOperator {
  readonly op: 'early-exit';
  readonly kind: 'skip';
  /** The last so many identical blocks in a row; 2 when both fields are left out. */
  readonly blocks?: number;
  /** By hand: what reads `to` shall read `from`, a value before it of equal type and shape. */
  readonly bypass?: readonly Bypass[];
}

/**
 * Early exits with heads trained on the device. The heads themselves are kept beside the recipe: see
 * `exits/trained-head.ts`. With neither `exit` nor `threshold` nothing stops: the exits become further outputs of
 * one file, an ordinary model with several exits.
 */
export interface TrainedExitOperator extends ExitDecision {
  readonly op: 'early-exit';
  readonly kind: 'trained';
  /** The values that the exits hang on, by name; at least one. */
  readonly at: readonly string[];
  /** Fixed: always stop at the exit on `at[exit]`. */
  readonly exit?: number;
  /** Dynamic: stop at the first exit that is confident enough; one threshold for all or one for each of `at`. */
  readonly threshold?: number | readonly number[];
  /** Of the division of the training images into those to learn from and those to validate with. Default 1. */
  readonly seed?: number;
}

/** As many as Singh et al. leave out. */
export const DEFAULT_SKIPPED_BLOCKS = 2;

/** Names of two values, the second computed from the first. */
export interface Bypass {
  readonly from: string;
  readonly to: string;
}

/** Cut into two parts that run as two sessions, or into three. Exactly one of `cut` and `cuts` is given. */
export interface PartitionOperator {
  readonly op: 'partition';
  /**
   * The values that cross, by name; a frontier of one value may be given as a string. Or an
   * `AutomaticCut` (a value that is called like one is meant by a list with its name).
   */
  readonly cut?: CutNames;
  /** For three tiers: what crosses from mobile to edge, and what from edge to cloud; or an `AutomaticCut`. */
  readonly cuts?: readonly [CutNames, CutNames] | AutomaticCut;
  /** How float32 values cross. Default `float32`: as they are. */
  readonly transfer?: TransferType;
  /** For `fastest`: how fast the parts' tiers are, relative to the device that costs are measured on. */
  readonly headSpeed?: number;
  readonly tailSpeed?: number;
  /** For `fastest`: the link between them; of three tiers that between the first two. */
  readonly bandwidthMbps?: number;
  readonly rttMs?: number;
  /** For `fastest` on three tiers: how fast the one between is, and the link from it to the last. */
  readonly middleSpeed?: number;
  readonly tailBandwidthMbps?: number;
  readonly tailRttMs?: number;
  /** For `fastest`: speed 1 in 10^9 multiply-accumulates a second. */
  readonly gmacsPerSecond?: number;
  /**
   * For `fastest`: what each node was measured to take at speed 1, by `NodeView.index`, in whole microseconds. In the
   * recipe, so that it means the same cut wherever it is applied; left out: times follow from multiply-accumulates.
   */
  readonly nodeMicroseconds?: readonly number[];
}

export type CutNames = string | readonly string[];

/** Parts of equal weight, the fewest bytes crossing, or the least time on two tiers: see `cuts/`. */
export type AutomaticCut = 'equal-size' | 'fewest-bytes' | 'fastest';

/** A recipe with a name for people, as kept in lists and files. */
export interface NamedRecipe {
  readonly name: string;
  readonly recipe: Recipe;
}
