import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { type TransferType, transferredBytes } from '../transforms/transfer.ts';
import type { Tier } from '../transforms/variant.ts';
import {
  linksBetween,
  PLACEMENT_NAMES,
  type PlacementName,
  sendMs,
  type TierPlacement,
  tiersOfPlacement,
} from './placement/tiers.ts';
import type { CostProfile } from './profile/cost-profile.ts';

/** What is expected of a model on every placement and at every cut, in plain arrays: looked up while dragging. */
export interface Predictions {
  /** Compute on this device up to each frontier, by `afterNode`. */
  readonly headMs: Float64Array;
  /** Bytes crossing each frontier, converted as asked; NaN where there is no legal cut or the size is unknown. */
  readonly crossingBytes: Float64Array;
  /** Decode to answer for each single tier. */
  readonly alone: ReadonlyMap<PlacementName, number>;
  /** Decode to answer for each pair of tiers, by `afterNode`; NaN where there is no legal cut. */
  readonly cut: ReadonlyMap<PlacementName, Float64Array>;
}

/** What a prediction assumes besides the costs. */
export interface Assumptions extends Pick<TierPlacement, 'setup' | 'sends'> {
  readonly transfer: TransferType;
  /** Share of the images that reach each node, by `NodeView.index`; null: all. */
  readonly reach: Float64Array | null;
}

/**
 * Predicts the mean time from decode to answer; linear in nodes and crossing values. Jitter counts with its mean.
 * A cut is predicted after each prefix of the topological order.
 */
export function predictPlacements(
  view: GraphView,
  profile: CostProfile,
  { setup, sends, transfer, reach }: Assumptions,
): Predictions {
  const count = view.nodes.length;
  const headMs = new Float64Array(count);
  let totalMs = 0;
  for (let node = 0; node < count; node++) {
    totalMs += (profile.nodeMs[node] ?? 0) * (reach?.[node] ?? 1);
    headMs[node] = totalMs;
  }
  const crossing = crossingShares(count, reach);
  const crossingBytes = Float64Array.from(view.frontiers, (frontier) =>
    frontier.legal ? bytesAcross(view, frontier.crossing, transfer) : Number.NaN,
  );
  const inputBytes = bytesAcross(view, view.inputs.slice(0, 1), 'float32');
  const on = (tier: Tier, ms: number): number => ms / setup.tiers[tier].speedFactor;

  /** All but computing and what crosses the cut. */
  const aroundMs = (first: Tier, last: Tier): number => {
    const preparing = sends === 'encoded-image' ? first : 'mobile';
    const links = linksBetween('mobile', first);
    const imageBytes = sends === 'encoded-image' ? profile.imageBytes : inputBytes;
    return (
      on(preparing, profile.decodeMs + profile.preprocessMs) +
      (links.length > 0 ? sendMs(setup, links, imageBytes) : 0) +
      on(last, profile.postprocessMs)
    );
  };
  const alone = new Map<PlacementName, number>();
  const cut = new Map<PlacementName, Float64Array>();
  for (const name of PLACEMENT_NAMES) {
    const [first, last, ...others] = tiersOfPlacement(name);
    if (first === undefined || others.length > 0) continue;
    if (last === undefined) {
      alone.set(name, aroundMs(first, first) + on(first, totalMs));
      continue;
    }
    const around = aroundMs(first, last);
    const links = linksBetween(first, last);
    cut.set(
      name,
      headMs.map(
        (ms, at) =>
          around +
          on(first, ms) +
          (crossing[at] ?? 1) * sendMs(setup, links, crossingBytes[at] ?? Number.NaN) +
          on(last, totalMs - ms),
      ),
    );
  }
  return { headMs, crossingBytes, alone, cut };
}

/**
 * Share of the images that reach each node when some leave early: what an exit needs runs for all that did not
 * leave before it.
 * @param exits exits that take part, in order of work, by index in `GraphView.exits`
 * @param shares share of the images that leave at each of them; together 1
 * @returns by `NodeView.index`; 0 for what none of them needs
 */
export function reachOfNodes(
  view: GraphView,
  exits: readonly number[],
  shares: ReadonlyMap<number, number>,
): Float64Array {
  const producer = new Map<ValueName, number>();
  for (const { index, outputs } of view.nodes) for (const name of outputs) producer.set(name, index);
  const reach = new Float64Array(view.nodes.length);
  let remaining = 1;
  for (const exit of exits) {
    const wanted = [view.exits[exit]?.node ?? -1];
    for (let node = wanted.pop(); node !== undefined; node = wanted.pop()) {
      // Reached by an earlier exit already, and with it all that it needs.
      if (node < 0 || (reach[node] ?? 1) > 0) continue;
      reach[node] = Math.max(remaining, Number.MIN_VALUE);
      for (const name of view.nodes[node]?.inputs ?? []) wanted.push(producer.get(name) ?? -1);
    }
    remaining = Math.max(0, remaining - (shares.get(exit) ?? 0));
  }
  return reach;
}

/** Share of the images for which anything after each frontier runs. */
function crossingShares(count: number, reach: Float64Array | null): Float64Array {
  const shares = new Float64Array(count).fill(1);
  if (reach === null) return shares;
  let most = 0;
  for (let node = count - 1; node >= 0; node--) {
    shares[node] = most;
    most = Math.max(most, reach[node] ?? 0);
  }
  return shares;
}

function bytesAcross(view: GraphView, names: readonly ValueName[], transfer: TransferType): number {
  return names.reduce((sum, name) => {
    const value = view.values.get(name);
    return sum + ((value && transferredBytes(value, transfer)) ?? Number.NaN);
  }, 0);
}
