import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../prune-operator.ts';
import type { ChannelGroup } from './channel-group.ts';
import { unitsWanted } from './choose-units.ts';
import { channelsPerUnitOf, type GroupPlan, type GroupPlans } from './group-plans.ts';

/** Names shown of a list before it is cut short. */
const SHOWN_NAMES = 3;
const SHOWN_REASONS = 4;

/**
 * What a person should know of a pruned model, in sentences.
 * @param rankedByWeights names of groups that the importance says nothing of
 */
export function pruningNotes({
  groups,
  plans: { plans, protectedGroups, unmatched },
  unitsLeft,
  rankedByWeights,
  operator,
}: {
  readonly groups: readonly ChannelGroup[];
  readonly plans: GroupPlans;
  readonly unitsLeft: ReadonlyMap<ChannelGroup, number>;
  readonly rankedByWeights: ReadonlySet<string>;
  readonly operator: StructuredPruneOperator;
}): string[] {
  const { importance = PRUNE_DEFAULTS.importance } = operator;
  const leftOf = (group: ChannelGroup): number => unitsLeft.get(group) ?? group.unitCount;
  const open = groups.filter(({ kept }) => kept === null);
  const channels = (count: (group: ChannelGroup) => number): number =>
    open.reduce((sum, group) => sum + channelsPerUnitOf(group) * count(group), 0);
  const all = channels(({ unitCount }) => unitCount);
  const smaller = open.filter((group) => leftOf(group) < group.unitCount);
  const notes = [
    `prune: ${all - channels(leftOf)} of ${all} channels removed, from ${smaller.length} of ${open.length} groups of channels that hang together.`,
    ...keptNotes(groups),
  ];
  if (protectedGroups.length > 0) notes.push(`prune: protected and left whole: ${namesOf(protectedGroups)}.`);
  if (unmatched.length > 0)
    notes.push(`prune: no group of channels that can be removed is meant by ${unmatched.join(', ')}.`);
  const wanted = ({ group, ratio }: GroupPlan): number => unitsWanted(group.unitCount, ratio ?? 0);
  const emptied = plans.filter((plan) => wanted(plan) < 1);
  if (emptied.length > 0)
    notes.push(
      `prune: the ratio would empty ${namesOf(emptied.map(({ group }) => group))}: one unit stays of each.`,
    );
  const fuller = plans.filter(
    (plan) => plan.ratio !== null && leftOf(plan.group) > Math.max(1, wanted(plan)),
  );
  if (fuller.length > 0)
    notes.push(
      `prune: more than the ratio asks for stays of ${namesOf(fuller.map(({ group }) => group))}: at least ${operator.minChannels ?? PRUNE_DEFAULTS.minChannels} channels, in multiples of ${operator.roundTo ?? PRUNE_DEFAULTS.roundTo}.`,
    );
  if (rankedByWeights.size > 0) notes.push(otherRankingNote(importance, rankedByWeights.size, plans.length));
  return notes;
}

function otherRankingNote(importance: string, count: number, all: number): string {
  const reason =
    importance === 'batch-norm'
      ? 'they have no batch normalization of their own (it may be folded into the layer before)'
      : `"${importance}" says nothing of them`;
  return `prune: ${count} of ${all} groups were ranked by "l1": ${reason}.`;
}

/** Groups that cannot be pruned, by their reasons. */
function keptNotes(groups: readonly ChannelGroup[]): string[] {
  const byReason = new Map<string, ChannelGroup[]>();
  for (const group of groups) {
    if (group.kept === null) continue;
    const same = byReason.get(group.kept.message);
    if (same === undefined) byReason.set(group.kept.message, [group]);
    else same.push(group);
  }
  const reasons = [...byReason];
  const more = reasons.length - SHOWN_REASONS;
  return [
    ...reasons
      .slice(0, SHOWN_REASONS)
      .map(
        ([reason, kept]) =>
          `prune: left whole: ${namesOf(kept)}: ${reason.replace(/\.$/, '').replace(/^The /, 'the ')}.`,
      ),
    ...(more > 0 ? [`prune: and groups left whole for ${more} more reasons.`] : []),
  ];
}

function namesOf(groups: readonly ChannelGroup[]): string {
  const named = groups.slice(0, SHOWN_NAMES).map(({ name }) => JSON.stringify(name));
  const more = groups.length - named.length;
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ');
}
