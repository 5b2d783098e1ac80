import type { Failure } from '../../../base/result.ts';
import type { Node, ValueName } from '../../../onnx/model.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { nameInRecipes } from '../../match-nodes.ts';
import type { StructuredPruneOperator } from '../prune-operator.ts';
import type { ChannelGroup, ChannelGroups, ChannelPlace } from './channel-group.ts';
import { channelGroups } from './channel-groups.ts';
import { chooseUnits } from './choose-units.ts';
import { channelsPerUnitOf, type GroupPlans, groupsMeantBy, planGroups } from './group-plans.ts';

/** What a node does with the channels of a group. */
export type GroupRole = ChannelPlace['role'];

/** A group of channels for people: plain data, without its units. */
export interface GroupView {
  /** The group's name; a number with it where several have the same. */
  readonly id: string;
  readonly name: string;
  /** What recipes call it. */
  readonly at: string;
  /** Operator of the first layer that makes its channels. */
  readonly opType: string;
  readonly unitCount: number;
  /** Channels of the first layer in each unit: more than one of heads and the like. */
  readonly channelsPerUnit: number;
  /** All nodes that it touches, by the first value that each makes, in order of work; of several roles the first. */
  readonly nodes: ReadonlyMap<ValueName, GroupRole>;
  /** Why nothing of it can be removed. */
  readonly kept: Failure | null;
  /** What an operator does to it; null: it is kept, or there is no operator. */
  readonly plan: GroupViewPlan | null;
}

export type GroupViewPlan =
  | { readonly kind: 'protected' }
  | {
      readonly kind: 'pruned';
      /** Share of its units to remove; null: as a ranking of all groups says. */
      readonly ratio: number | null;
      /** Which of the operator's `groups` mean it; the last one counts. */
      readonly entries: readonly number[];
      /** How many units stay; null: only a ranking of weights tells. */
      readonly unitsLeft: number | null;
    };

/** Finding groups takes long beside planning, which every edit of the operator asks for. */
const lastGroups = new WeakMap<AnalysedModel, ChannelGroups>();

/**
 * The groups of a model in order of work, kept ones among them, and what an operator does to each. Reads no weights.
 * @param operator null: there is none
 */
export function groupViews(analysed: AnalysedModel, operator: StructuredPruneOperator | null): GroupView[] {
  const found = lastGroups.get(analysed) ?? channelGroups(analysed);
  lastGroups.set(analysed, found);
  const { graph } = analysed.model;
  const planOf = operator === null ? () => null : plansOf(analysed, found, operator);
  const timesSeen = new Map<string, number>();
  return found.groups.map((group): GroupView => {
    const { name, unitCount, kept } = group;
    const times = (timesSeen.get(name) ?? 0) + 1;
    timesSeen.set(name, times);
    const maker = graph.nodes[group.places.find(({ role }) => role === 'makes')?.node ?? -1];
    return {
      id: times === 1 ? name : `${name} (${times})`,
      name,
      at: maker === undefined ? name : nameInRecipes(maker, graph.nodes),
      opType: maker?.opType ?? '',
      unitCount,
      channelsPerUnit: channelsPerUnitOf(group),
      nodes: rolesOf(group, graph.nodes),
      kept,
      plan: planOf(group),
    };
  });
}

function rolesOf({ places }: ChannelGroup, nodes: readonly Node[]): ReadonlyMap<ValueName, GroupRole> {
  const roles = new Map<ValueName, GroupRole>();
  for (const { node, role } of places) {
    const value = nodes[node]?.outputs.find((output) => output !== '');
    if (value === undefined) continue;
    const known = roles.get(value);
    if (known === undefined || RANKS[role] < RANKS[known]) roles.set(value, role);
  }
  return roles;
}

const RANKS: Readonly<Record<GroupRole, number>> = { makes: 0, follows: 1, reads: 2 };

function plansOf(
  analysed: AnalysedModel,
  found: ChannelGroups,
  operator: StructuredPruneOperator,
): (group: ChannelGroup) => GroupViewPlan | null {
  const planned = planGroups(analysed, found, operator);
  const isProtected = new Set(planned.protectedGroups);
  const left = unitsLeft(found, planned, operator);
  const plans = new Map(planned.plans.map((plan) => [plan.group, plan]));
  const open = found.groups.filter(({ kept }) => kept === null);
  const entriesOf = new Map<ChannelGroup, number[]>();
  for (const [entry, { at }] of (operator.groups ?? []).entries()) {
    for (const group of groupsMeantBy(analysed.model.graph, open, at)) {
      entriesOf.set(group, [...(entriesOf.get(group) ?? []), entry]);
    }
  }
  return (group) => {
    if (isProtected.has(group)) return { kind: 'protected' };
    const plan = plans.get(group);
    if (plan === undefined) return null;
    return {
      kind: 'pruned',
      ratio: plan.ratio,
      entries: entriesOf.get(group) ?? [],
      unitsLeft: plan.ratio === null ? null : left(group),
    };
  };
}

/** How many units stay of groups with a ratio: as many as if all were worth the same. */
function unitsLeft(
  found: ChannelGroups,
  { plans }: GroupPlans,
  { ratio }: StructuredPruneOperator,
): (group: ChannelGroup) => number {
  const alike = new Float64Array(found.unitCount);
  const alone = plans.filter((plan) => plan.ratio !== null);
  const kept = chooseUnits(found, alone, alike, ratio);
  return ({ firstUnit, unitCount }) => {
    let left = 0;
    for (let unit = firstUnit; unit < firstUnit + unitCount; unit++) left += kept[unit] as number;
    return left;
  };
}

/** What a person chooses for a group: what all have, or a share of its own; 0: it stays whole. */
export type GroupChoice = 'usual' | number;

/** What an operator has chosen for a group; null: no channel of it can go, or none shall. */
export function choiceForGroup(plan: GroupViewPlan | null): GroupChoice | null {
  if (plan === null || plan.kind === 'protected') return null;
  return plan.entries.length === 0 ? 'usual' : (plan.ratio ?? 'usual');
}

/**
 * The same operator with another choice for a group. Entries that mean it alone go, so that choosing back and forth
 * leaves nothing behind; where patterns mean it together with others, it gets an entry of its own after them.
 * @param views all groups under this operator
 */
export function withGroupChoice(
  operator: StructuredPruneOperator,
  views: readonly GroupView[],
  { at, plan }: GroupView,
  choice: GroupChoice,
): StructuredPruneOperator {
  const own = plan?.kind === 'pruned' ? plan.entries : [];
  const isAlone = (entry: number): boolean =>
    views.filter(
      (other) => other.at !== at && other.plan?.kind === 'pruned' && other.plan.entries.includes(entry),
    ).length === 0;
  const alone = new Set(own.filter(isAlone));
  const rest = (operator.groups ?? []).filter((_, entry) => !alone.has(entry));
  const isStillMeant = alone.size < own.length;
  const added =
    choice !== 'usual' ? [{ at, ratio: choice }] : isStillMeant ? [{ at, ratio: operator.ratio }] : [];
  const groups = [...rest, ...added];
  const { groups: _before, ...without } = operator;
  return groups.length === 0 ? without : { ...without, groups };
}
