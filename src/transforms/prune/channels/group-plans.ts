import type { Graph, Node } from '../../../onnx/model.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { isMeant } from '../../match-nodes.ts';
import { protectedLayers } from '../protected-layers.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../prune-operator.ts';
import { PRUNED_OPERATORS } from '../pruned-operators.ts';
import type { ChannelGroup, ChannelGroups, ChannelPlace } from './channel-group.ts';

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
 * that it makes go nor those that it reads. An entry of `groups` means the channels that its nodes make, or else
 * those that they pass on; of several that mean one group the last counts.
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
    (node) => layerNodes.has(node) && PRUNED_OPERATORS.has(node.opType),
    protect,
  );
  const open = groups.filter(({ kept }) => kept === null);
  const ownRatios = new Map<ChannelGroup, number>();
  const idle = ratios.filter(({ at, ratio: own }) => {
    const meant = groupsMeantBy(graph, open, at);
    for (const group of meant) ownRatios.set(group, own);
    return meant.length === 0;
  });
  const protectedGroups = open.filter((group) =>
    nodesOf(graph, group, 'makes', 'follows', 'reads').some(protection.isProtected),
  );
  const isOpen = new Set(open.filter((group) => !protectedGroups.includes(group)));
  const plans = [...isOpen].map((group): GroupPlan => {
    const channelsPerUnit = channelsPerUnitOf(group);
    const multiple = roundTo ?? PRUNE_DEFAULTS.roundTo;
    return {
      group,
      ratio: ownRatios.get(group) ?? (scope === 'global' ? null : ratio),
      channelsPerUnit,
      minUnits: Math.ceil((minChannels ?? PRUNE_DEFAULTS.minChannels) / channelsPerUnit),
      multipleOf: multiple / greatestCommonDivisor(multiple, channelsPerUnit),
    };
  });
  return {
    plans,
    protectedGroups,
    unmatched: [...new Set([...idle.map(({ at }) => at), ...protection.unmatched])],
  };
}

/** The groups that an entry of an operator's `groups` means: whose channels its nodes make, or else pass on. */
export function groupsMeantBy(
  graph: Graph,
  groups: readonly ChannelGroup[],
  at: string,
): readonly ChannelGroup[] {
  const meantAs = (role: ChannelPlace['role']) =>
    groups.filter((group) => nodesOf(graph, group, role).some((node) => isMeant(node, at)));
  const made = new Set([...groups.filter(({ name }) => name === at), ...meantAs('makes')]);
  return made.size > 0 ? [...made] : meantAs('follows');
}

function nodesOf(graph: Graph, { places }: ChannelGroup, ...roles: readonly ChannelPlace['role'][]): Node[] {
  return places.flatMap(({ role, node }) => (roles.includes(role) ? (graph.nodes[node] ?? []) : []));
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
