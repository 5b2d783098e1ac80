import type { Failure } from '../../../base/result.ts';

/** Channels that can only be removed together with all that depends on them: one dimension of the network. */
export interface ChannelGroup {
  /** The first node in order of work that makes its channels; its first output where the node has no name. */
  readonly name: string;
  /**
   * What can be removed separately: the units `firstUnit` to `firstUnit + unitCount - 1`. Units are numbered through
   * all groups, since one axis may hold channels of several groups (Concat).
   */
  readonly firstUnit: number;
  readonly unitCount: number;
  /** All axes that hold channels of this group; an axis that several groups share is the same object in each. */
  readonly places: readonly ChannelPlace[];
  /** Why nothing of it may be removed: it reaches the model's outputs, a node that cannot be followed, … */
  readonly kept: Failure | null;
}

/** An axis of a weight or a value whose indices belong to units. */
export interface ChannelPlace {
  readonly kind: 'weight' | 'value';
  /** The initializer or value. */
  readonly name: string;
  readonly axis: number;
  /**
   * For each index of the axis its unit, numbered through all groups; -1: an index that always stays. A unit may
   * hold several indices (flattened channels, heads). Places of one axis (shared weights) share this array.
   */
  readonly units: Int32Array;
  /**
   * What the node does with them: a layer `makes` channels (its filters; the value it makes), biases, norms, factors
   * and depthwise filters `follow` them, the next layer's inputs `read` them.
   */
  readonly role: 'makes' | 'follows' | 'reads';
  /** The node that uses the weight or makes the value, as position in `graph.nodes`. */
  readonly node: number;
}

/** The channels of a model; no index of an axis belongs to two units. */
export interface ChannelGroups {
  /** In order of work, those that are kept among them. */
  readonly groups: readonly ChannelGroup[];
  /** All places, each once: weights and values in order of work. */
  readonly places: readonly ChannelPlace[];
  /** How many units all groups have. */
  readonly unitCount: number;
}
