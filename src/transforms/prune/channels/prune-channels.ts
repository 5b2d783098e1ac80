import { defined } from '../../../base/assert.ts';
import { InputError } from '../../../base/result.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../prune-operator.ts';
import type { ChannelGroup, ChannelGroups } from './channel-group.ts';
import { channelGroups } from './channel-groups.ts';
import { chooseUnits } from './choose-units.ts';
import { type GroupPlans, planGroups } from './group-plans.ts';
import { groupsLeft } from './groups-left.ts';
import { unitImportance, type WeightImportance } from './importance.ts';
import { pruningNotes } from './pruning-notes.ts';
import { removeChannels } from './remove-channels.ts';

/** A model without some of its channels. */
export interface PrunedModel {
  /** The same object if nothing went. */
  readonly analysed: AnalysedModel;
  /** What went, and what could not and why, in sentences. */
  readonly notes: readonly string[];
}

/** The last of each model: a recipe is checked and built again and again while something else of it changes. */
const lastPruned = new WeakMap<AnalysedModel, Map<string, PrunedModel>>();

/**
 * Removes channels, heads and features, with all that depends on them.
 * @param purpose `check`: no weights are read, so it is a guess which channels go, and where groups are ranked
 *   together also how many each loses
 * @throws InputError `nothing-to-prune`, `prune-all-protected`
 */
export function pruneChannels(
  analysed: AnalysedModel,
  operator: StructuredPruneOperator,
  purpose: 'check' | 'build',
): PrunedModel {
  const key = JSON.stringify(operator);
  const known = lastPruned.get(analysed) ?? new Map<string, PrunedModel>();
  const same = known.get(`build ${key}`) ?? known.get(`${purpose} ${key}`);
  if (same !== undefined) return same;
  const pruned = purpose === 'check' ? checked(analysed, operator) : built(analysed, operator);
  lastPruned.set(analysed, new Map([[`${purpose} ${key}`, pruned]]));
  return pruned;
}

/** As if all channels were worth the same. */
function checked(analysed: AnalysedModel, operator: StructuredPruneOperator): PrunedModel {
  const groups = channelGroups(analysed);
  const { plans } = openPlans(analysed, groups, { ...operator, scope: 'layer' });
  const alike = new Float64Array(groups.unitCount);
  const kept = chooseUnits(groups, plans, alike, operator.ratio);
  return { analysed: removeChannels(analysed, groups, kept), notes: [] };
}

function built(original: AnalysedModel, operator: StructuredPruneOperator): PrunedModel {
  const {
    steps = PRUNE_DEFAULTS.steps,
    importance = PRUNE_DEFAULTS.importance,
    seed = PRUNE_DEFAULTS.seed,
  } = operator;
  const first = channelGroups(original);
  const rankedByWeights = new Set<string>();
  let analysed = original;
  let groups = first;
  for (let step = 1; step <= steps; step++) {
    const { plans } = openPlans(analysed, groups, withShare(operator, step / steps));
    const unitsBefore = new Map(
      groups.groups.map((group, at) => [group, (first.groups[at] as ChannelGroup).unitCount]),
    );
    const ranking = importance as WeightImportance;
    const { scores, without } = unitImportance(analysed, groups, ranking, seed + step - 1);
    for (const { name } of without) rankedByWeights.add(name);
    const share = operator.ratio * (step / steps);
    const kept = chooseUnits(groups, plans, scores, share, ({ group }) =>
      defined(unitsBefore.get(group), group.name),
    );
    analysed = removeChannels(analysed, groups, kept);
    groups = groupsLeft(groups, kept);
  }
  const unitsLeft = new Map(first.groups.map((group, at) => [group, groups.groups[at]?.unitCount ?? 0]));
  const plans = openPlans(original, first, operator);
  return {
    analysed,
    notes: pruningNotes({ groups: first.groups, plans, unitsLeft, rankedByWeights, operator }),
  };
}

/** What is to be gone after a step. */
function withShare(operator: StructuredPruneOperator, share: number): StructuredPruneOperator {
  const { ratio, groups } = operator;
  return {
    ...operator,
    ratio: ratio * share,
    ...(groups && { groups: groups.map((group) => ({ ...group, ratio: group.ratio * share })) }),
  };
}

/** @throws InputError `nothing-to-prune`, `prune-all-protected` */
function openPlans(
  analysed: AnalysedModel,
  groups: ChannelGroups,
  operator: StructuredPruneOperator,
): GroupPlans {
  const plans = planGroups(analysed, groups, operator);
  if (plans.plans.length > 0) return plans;
  const [kept] = groups.groups.flatMap((group) => group.kept ?? []);
  if (plans.protectedGroups.length > 0) {
    throw new InputError({
      code: 'prune-all-protected',
      message: 'prune: "protect" means layers of all groups of channels, wanted at least one to prune',
      where: 'protect',
      hint: 'Name fewer layers, or leave pruning out.',
    });
  }
  throw new InputError({
    code: 'nothing-to-prune',
    message: `prune: found no channels that can be removed${kept === undefined ? ', as no layer has constant floating-point weights' : `: ${kept.message}`}`,
    ...(kept?.where === undefined ? {} : { where: kept.where }),
    hint: 'Models that are already quantized cannot be pruned here: prune the float model, then quantize it.',
  });
}
