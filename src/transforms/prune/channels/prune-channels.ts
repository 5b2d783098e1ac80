import { defined } from '../../../base/assert.ts';
import { InputError } from '../../../base/result.ts';
import { type AnalysedModel, analyseEdited } from '../../analyse-model.ts';
import { PRUNE_DEFAULTS, type StructuredPruneOperator } from '../prune-operator.ts';
import type { ChannelGroup, ChannelGroups } from './channel-group.ts';
import { channelGroups } from './channel-groups.ts';
import { chooseUnits } from './choose-units.ts';
import { type GroupPlans, planGroups } from './group-plans.ts';
import { groupsLeft } from './groups-left.ts';
import { recalibrated } from '../recalibrate/recalibrate.ts';
import {
  type ChannelMoments,
  type ChannelStatistics,
  momentsLeft,
} from '../statistics/channel-statistics.ts';
import { unitImportance } from './importance.ts';
import { keptAfterBoth, keptAxes, type KeptAxes } from './kept-axes.ts';
import { pruningNotes } from './pruning-notes.ts';
import { removeChannels } from './remove-channels.ts';

/** A model without some of its channels. */
export interface PrunedModel {
  /** The same object if nothing went. */
  readonly analysed: AnalysedModel;
  /** What went, and what could not and why, in sentences. */
  readonly notes: readonly string[];
  /** What went of each value; known where statistics of values are. */
  readonly left: KeptAxes['values'];
}

/** What was seen on images that pruning may need. */
export interface SeenOnImages {
  /** In the model that is pruned. */
  readonly values: ChannelStatistics | null;
  /** In the model that recalibrating brings channels back to. */
  readonly targets: ChannelStatistics | null;
  readonly recalibration: ChannelStatistics | null;
}

const NOTHING_SEEN: SeenOnImages = { values: null, targets: null, recalibration: null };

/** A result with what it was made from besides the model. */
interface LastPruned {
  readonly purpose: 'check' | 'build';
  readonly key: string;
  readonly seen: SeenOnImages;
  readonly pruned: PrunedModel;
}

/** The last of each model: a recipe is checked and built again and again while something else of it changes. */
const lastPruned = new WeakMap<AnalysedModel, LastPruned>();

/**
 * Removes channels, heads and features, with all that depends on them.
 * @param purpose `check`: no weights are read, so it is a guess which channels go, and where groups are ranked
 *   together also how many each loses
 * @param seen what rankings and recalibrations on images need, to build
 * @throws InputError `statistics-missing` if what was seen is missing
 * @throws InputError `nothing-to-prune`, `prune-all-protected`
 */
export function pruneChannels(
  analysed: AnalysedModel,
  operator: StructuredPruneOperator,
  purpose: 'check' | 'build',
  seen: SeenOnImages = NOTHING_SEEN,
): PrunedModel {
  const key = JSON.stringify(operator);
  const last = lastPruned.get(analysed);
  const isSame =
    last?.key === key &&
    (purpose === 'check' ||
      (last.purpose === 'build' &&
        last.seen.values === seen.values &&
        last.seen.targets === seen.targets &&
        last.seen.recalibration === seen.recalibration));
  if (last !== undefined && isSame) return last.pruned;
  const pruned = purpose === 'check' ? checked(analysed, operator) : built(analysed, operator, seen);
  lastPruned.set(analysed, { purpose, key, seen, pruned });
  return pruned;
}

/** As if all channels were worth the same. */
function checked(analysed: AnalysedModel, operator: StructuredPruneOperator): PrunedModel {
  const groups = channelGroups(analysed);
  const { plans } = openPlans(analysed, groups, { ...operator, scope: 'layer' });
  const alike = new Float64Array(groups.unitCount);
  const kept = chooseUnits(groups, plans, alike, operator.ratio);
  return { analysed: removeChannels(analysed, groups, kept), notes: [], left: new Map() };
}

function built(original: AnalysedModel, operator: StructuredPruneOperator, seen: SeenOnImages): PrunedModel {
  const {
    steps = PRUNE_DEFAULTS.steps,
    importance = PRUNE_DEFAULTS.importance,
    seed = PRUNE_DEFAULTS.seed,
    recalibrate = [],
  } = operator;
  const ranksOnImages = importance === 'activation' || importance === 'wanda';
  if (ranksOnImages && seen.values === null) throw statisticsMissing(`to rank channels by "${importance}"`);
  const first = channelGroups(original);
  const rankedByWeights = new Set<string>();
  let analysed = original;
  let groups = first;
  let left: KeptAxes['values'] = new Map();
  const momentsIn =
    (statistics: ChannelStatistics | null) =>
    (value: string): ChannelMoments | null => {
      const moments = statistics?.values.get(value);
      return moments === undefined ? null : momentsLeft(moments, left.get(value));
    };
  for (let step = 1; step <= steps; step++) {
    const { plans } = openPlans(analysed, groups, withShare(operator, step / steps));
    const unitsBefore = new Map(
      groups.groups.map((group, at) => [group, (first.groups[at] as ChannelGroup).unitCount]),
    );
    const onImages = ranksOnImages ? momentsIn(seen.values) : undefined;
    const { scores, without } = unitImportance(analysed, groups, importance, seed + step - 1, onImages);
    for (const { name } of without) rankedByWeights.add(name);
    const share = operator.ratio * (step / steps);
    const kept = chooseUnits(groups, plans, scores, share, ({ group }) =>
      defined(unitsBefore.get(group), group.name),
    );
    analysed = removeChannels(analysed, groups, kept);
    if (seen.values !== null || seen.targets !== null)
      left = keptAfterBoth(left, keptAxes(groups.places, kept).values);
    groups = groupsLeft(groups, kept);
  }
  const unitsLeft = new Map(first.groups.map((group, at) => [group, groups.groups[at]?.unitCount ?? 0]));
  const plans = openPlans(original, first, operator);
  const notes = pruningNotes({ groups: first.groups, plans, unitsLeft, rankedByWeights, operator });
  if (ranksOnImages) notes.push(...(seen.values?.warnings ?? []));
  if (recalibrate.length === 0) return { analysed, notes, left };
  if (seen.recalibration === null) throw statisticsMissing('to recalibrate what is left');
  const corrected = recalibrated(analysed, recalibrate, seen.recalibration, momentsIn(seen.targets));
  return {
    analysed: analyseEdited(analysed, corrected.model, analysed.exits),
    notes: [...notes, ...corrected.notes],
    left,
  };
}

function statisticsMissing(why: string): InputError {
  return new InputError({
    code: 'statistics-missing',
    message: `prune: found no statistics of channels on images, wanted some ${why}`,
    hint: 'Measure the recipe with images open; to write files, give the statistics.json of a study.',
  });
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
