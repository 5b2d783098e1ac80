import type { Node } from '../../../onnx/model.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { isMeant } from '../../match-nodes.ts';
import { protectedLayers } from '../protected-layers.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../prune-operator.ts';
import type { ChannelGroup, ChannelGroups } from './channel-group.ts';

/** How far a group that may be pruned is to be. */
export interface GroupPlan {
  readonly group: ChannelGroup;
  /** Share of its units to remove; `null`: as many as a ranking of all such groups takes. */
  readonly ratio: number | null;
  /** Channels of the layer that makes them: one, but for heads, groups of convolutions and the like. */
  readonly channelsPerUnit: number;
  /** At least so many units stay. */
  readonly minUnits: number;
  /** What is left is a multiple of so many units, where it can be. */
  readonly multipleOf: number;
}

/** What an operator wants of each group. */
export interface GroupPlans {
  /** In order of work. */
  readonly plans: readonly GroupPlan[];
  /** Groups with a protected layer. */
  readonly protectedGroups: readonly ChannelGroup[];
  /** Patterns of `protect` and `groups` that mean no group. */
  readonly unmatched: readonly string[];
}

/**
 * How far each group is to be pruned, without reading weights. A protected layer stays whole: neither the channels
 * that it makes go nor those that it reads. Of several entries of `groups` that mean one group the last counts.
 */
export function planGroups(
  { model: { graph }, index }: Pick<AnalysedModel, 'model' | 'index'>,
  { groups }: ChannelGroups,
  operator: StructuredPruneOperator,
): GroupPlans {
  const { ratio, scope, groups: ratios = [], protect = [], roundTo, minChannels } = operator;
  const layerNodes = new Set<Node>();
  for (const { places } of groups)
    for (const { kind, node } of places) if (kind === 'weight') layerNodes.add(graph.nodes[node] as Node);
  const protection = protectedLayers(
    index.order.map((position) => graph.nodes[position] as Node),
    graph.outputs.map(({ name }) => name),
    (node) => layerNodes.has(node),
    protect,
  );
  const nodesOf = (group: ChannelGroup, role?: 'makes'): Node[] =>
    group.places.flatMap((place) => {
      const node = graph.nodes[place.node];
      const isMeantToo = place.kind === 'weight' && (role === undefined || place.role === role);
      return node !== undefined && isMeantToo ? [node] : [];
    });
  const open = groups.filter(({ kept }) => kept === null);
  const matched = new Set<string>();
  const ownRatio = (group: ChannelGroup): number | undefined => {
    const makers = nodesOf(group, 'makes');
    const meant = ratios.filter(({ at }) => group.name === at || makers.some((node) => isMeant(node, at)));
    for (const { at } of meant) matched.add(at);
    return meant.at(-1)?.ratio;
  };
  const protectedGroups = open.filter((group) => nodesOf(group).some(protection.isProtected));
  const isOpen = new Set(open.filter((group) => !protectedGroups.includes(group)));
  const plans = [...isOpen].map((group): GroupPlan => {
    const channelsPerUnit = channelsPerUnitOf(group);
    const multiple = roundTo ?? PRUNE_DEFAULTS.roundTo;
    return {
      group,
      ratio: ownRatio(group) ?? (scope === 'global' ? null : ratio),
      channelsPerUnit,
      minUnits: Math.ceil((minChannels ?? PRUNE_DEFAULTS.minChannels) / channelsPerUnit),
      multipleOf: multiple / greatestCommonDivisor(multiple, channelsPerUnit),
    };
  });
  const idle = ratios.map(({ at }) => at).filter((at) => !matched.has(at));
  return { plans, protectedGroups, unmatched: [...new Set([...idle, ...protection.unmatched])] };
}

/** As many as its first layer makes of each unit. */
export function channelsPerUnitOf({ places, firstUnit, unitCount }: ChannelGroup): number {
  const made = places.find(({ role, kind }) => role === 'makes' && kind === 'weight') ?? places[0];
  if (made === undefined) return 1;
  const own = made.units.filter((unit) => unit >= firstUnit && unit < firstUnit + unitCount);
  return Math.max(1, Math.round(own.length / unitCount));
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
