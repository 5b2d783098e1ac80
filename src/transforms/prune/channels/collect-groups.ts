import type { Failure } from '../../../base/result.ts';
import type { Node } from '../../../onnx/model.ts';
import type { ChannelGroup, ChannelGroups, ChannelPlace } from './channel-group.ts';
import type { ChannelLabels } from './channel-labels.ts';
import { type ChannelWalk, keptBecause, titleOf, type WeightUse } from './channel-walk.ts';

/** Groups and places of a walk that is over: what is united is a unit, what one layer makes is in one group. */
export function collectGroups(walk: ChannelWalk): ChannelGroups {
  const numbering = numberUnits(walk);
  const places = collectPlaces(walk, numbering);
  const reasons = reasonsByGroup(walk, numbering);
  const placesOf = numbering.makers.map((): ChannelPlace[] => []);
  for (const { place, groups } of places) for (const group of groups) placesOf[group]?.push(place);
  const { nodes } = walk.analysed.model.graph;
  const groups = numbering.makers.map((maker, group): ChannelGroup => {
    const node = nodes[maker] as Node;
    const unitCount = numbering.unitCounts[group] as number;
    return {
      name: node.name || (node.outputs[0] ?? ''),
      firstUnit: numbering.firstUnits[group] as number,
      unitCount,
      places: placesOf[group] ?? [],
      kept: reasons.get(group) ?? (unitCount === 1 ? singleUnit(node) : null),
    };
  });
  return {
    groups,
    places: places.map(({ place }) => place),
    unitCount: numbering.unitCounts.reduce((sum, count) => sum + count, 0),
  };
}

function singleUnit(node: Node): Failure {
  return keptBecause(
    'single',
    `${titleOf(node)} makes one unit only: without it nothing would be left`,
    node,
  );
}

/** Units and groups by number; groups in order of their first layer. */
interface Numbering {
  /** For each group the first layer that makes its channels. */
  readonly makers: readonly number[];
  readonly firstUnits: readonly number[];
  readonly unitCounts: readonly number[];
  /** -1: no layer makes the label's channel. */
  readonly groupOf: (label: number) => number;
  readonly unitOf: (label: number) => number;
}

function numberUnits({ labels, madeBy }: ChannelWalk): Numbering {
  const rootOf = connectedOrigins(labels);
  const groupOfOrigin = new Int32Array(labels.originCount).fill(-1);
  const makers: number[] = [];
  for (const [made, node] of madeBy) {
    const origin = rootOf[labels.originOf(made[0] ?? -1)];
    if (origin === undefined || groupOfOrigin[origin] !== -1) continue;
    groupOfOrigin[origin] = makers.push(node) - 1;
  }
  const groupOf = (label: number): number =>
    groupOfOrigin[rootOf[labels.originOf(label)] as number] as number;

  // The first label of a unit stands for it, so units of a group come in the order of its first layer's channels.
  const unitCounts = makers.map(() => 0);
  const units = new Int32Array(labels.count).fill(-1);
  for (let label = 0; label < labels.count; label++) {
    const group = groupOf(label);
    if (group < 0 || labels.find(label) !== label) continue;
    units[label] = unitCounts[group] as number;
    unitCounts[group] = (unitCounts[group] as number) + 1;
  }
  let firstUnit = 0;
  const firstUnits = unitCounts.map((count) => {
    firstUnit += count;
    return firstUnit - count;
  });
  const unitOf = (label: number): number => {
    const group = label < 0 ? -1 : groupOf(label);
    return group < 0 ? -1 : (firstUnits[group] as number) + (units[labels.find(label)] as number);
  };
  return { makers, firstUnits, unitCounts, groupOf, unitOf };
}

/** For each origin the first of those that share a unit with it, directly or through others. */
function connectedOrigins(labels: ChannelLabels): Int32Array {
  const parents = Int32Array.from({ length: labels.originCount }, (_, origin) => origin);
  const find = (origin: number): number => {
    let root = origin;
    while (parents[root] !== root) {
      parents[root] = parents[parents[root] as number] as number;
      root = parents[root] as number;
    }
    return root;
  };
  for (let label = 0; label < labels.count; label++) {
    const own = find(labels.originOf(label));
    const other = find(labels.originOf(labels.find(label)));
    if (own < other) parents[other] = own;
    else parents[own] = other;
  }
  return parents.map((_, origin) => find(origin));
}

interface CollectedPlace {
  readonly place: ChannelPlace;
  /** Those that have channels in it. */
  readonly groups: readonly number[];
}

function collectPlaces(walk: ChannelWalk, { groupOf, unitOf }: Numbering): CollectedPlace[] {
  const { model, index } = walk.analysed;
  const known = new Map<Int32Array, { units: Int32Array; groups: readonly number[] }>();
  const collected: CollectedPlace[] = [];
  const add = (labels: Int32Array | null | undefined, place: Omit<ChannelPlace, 'units'>): void => {
    if (!labels) return;
    let held = known.get(labels);
    if (held === undefined) {
      const groups = new Set<number>();
      for (const label of labels) if (label >= 0) groups.add(groupOf(label));
      groups.delete(-1);
      held = { units: labels.map(unitOf), groups: [...groups] };
      known.set(labels, held);
    }
    if (held.groups.length > 0)
      collected.push({ place: { ...place, units: held.units }, groups: held.groups });
  };
  const usesOf = usesByNode(walk.uses);
  for (const node of index.order) {
    for (const use of usesOf.get(node) ?? []) {
      add(walk.axes.get(use.name)?.[use.axis]?.labels, { kind: 'weight', ...use });
    }
    for (const name of model.graph.nodes[node]?.outputs ?? []) {
      for (const [axis, { labels }] of (walk.axes.get(name) ?? []).entries()) {
        const role = labels && walk.madeBy.get(labels) === node ? 'makes' : 'follows';
        add(labels, { kind: 'value', name, axis, role, node });
      }
    }
  }
  return collected;
}

/** Each axis of a weight once for each node that uses it. */
function usesByNode(uses: readonly WeightUse[]): ReadonlyMap<number, readonly WeightUse[]> {
  const byNode = new Map<number, WeightUse[]>();
  for (const use of uses) {
    const others = byNode.get(use.node);
    if (others === undefined) byNode.set(use.node, [use]);
    else if (!others.some(({ name, axis }) => name === use.name && axis === use.axis)) others.push(use);
  }
  return byNode;
}

/** The first reason found for each group that must stay. */
function reasonsByGroup({ keepings }: ChannelWalk, { groupOf }: Numbering): ReadonlyMap<number, Failure> {
  const reasons = new Map<number, Failure>();
  for (const { labels, reason } of keepings) {
    let last = -1;
    for (const label of labels) {
      const group = label < 0 ? -1 : groupOf(label);
      if (group !== last && group >= 0 && !reasons.has(group)) reasons.set(group, reason);
      last = group;
    }
  }
  return reasons;
}
