import { defined } from '../base/assert.ts';
import type { Node } from '../onnx/model.ts';
import type { AnalysedModel } from '../transforms/analyse-model.ts';
import type { ChannelGroups, ChannelPlace } from '../transforms/prune/channels/channel-group.ts';
import { channelGroups } from '../transforms/prune/channels/channel-groups.ts';
import { chooseUnits, unitsWanted } from '../transforms/prune/channels/choose-units.ts';
import { type GroupPlan, planGroups } from '../transforms/prune/channels/group-plans.ts';
import { isMeant } from '../transforms/match-nodes.ts';
import type { GroupRatio, StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';

/** What recipes can give a ratio of its own: a group of channels, or several whose layers have one name. */
export interface PruneSubject {
  /** Of its first group. */
  readonly name: string;
  /** What recipes call it. */
  readonly at: string;
  /** Operator of the first layer that makes its channels. */
  readonly opType: string;
  readonly unitCount: number;
  readonly channels: number;
  /** What the layers make that make its channels. */
  readonly made: readonly string[];
  /** What all nodes make that hold its channels, or read them. */
  readonly touched: readonly string[];
}

/** The groups of a model that an operator may prune, each apart. */
export interface PruneSubjects {
  readonly groups: ChannelGroups;
  readonly subjects: readonly PruneSubject[];
  /**
   * Which units stay if one subject alone loses a share.
   * @param subject position in `subjects`
   * @returns by unit of all groups
   */
  readonly keptWithout: (subject: number, ratio: number) => Uint8Array;
  /** The units that go then. */
  readonly removedFrom: (subject: number, ratio: number) => readonly number[];
  /** How many units of a subject stay then. */
  readonly unitsLeft: (subject: number, ratio: number) => number;
  /** What each unit is worth. */
  readonly scores: Float64Array;
}

/**
 * What an operator that removes channels could give ratios of their own: groups that it protects are left out, the
 * ratios that it gives now are forgotten.
 * @param scores what each unit is worth, see `unitImportance`
 */
export function pruneSubjects(
  analysed: AnalysedModel,
  operator: StructuredPruneOperator,
  scoresOf: (groups: ChannelGroups) => Float64Array,
): PruneSubjects {
  const { nodes } = analysed.model.graph;
  const groups = channelGroups(analysed);
  const { groups: _ratios, ...alike } = operator;
  const { plans } = planGroups(analysed, groups, { ...alike, scope: 'layer' });
  const byName = new Map<string, GroupPlan[]>();
  for (const plan of plans) {
    const same = byName.get(plan.group.name);
    if (same === undefined) byName.set(plan.group.name, [plan]);
    else same.push(plan);
  }
  const scores = scoresOf(groups);
  const plansOf = [...byName.values()];
  const keptWithout = (subject: number, ratio: number): Uint8Array => {
    const own = defined(plansOf[subject], `subject ${subject}`);
    // Axes without units of this subject lose none.
    const places = own.flatMap(({ group }) => group.places);
    return chooseUnits(
      { places, unitCount: groups.unitCount },
      own.map((plan) => ({ ...plan, ratio })),
      scores,
      ratio,
    );
  };
  // Each search for ratios asks for the same.
  const known = new Map<string, readonly number[]>();
  const removedFrom = (subject: number, ratio: number): readonly number[] => {
    const key = `${subject} ${ratio}`;
    const found = known.get(key) ?? unitsRemoved(subject, ratio);
    known.set(key, found);
    return found;
  };
  const unitsRemoved = (subject: number, ratio: number): readonly number[] => {
    const kept = keptWithout(subject, ratio);
    const removed: number[] = [];
    for (const { group } of plansOf[subject] ?? [])
      for (let unit = group.firstUnit; unit < group.firstUnit + group.unitCount; unit++)
        if (kept[unit] === 0) removed.push(unit);
    return removed;
  };
  return {
    groups,
    scores,
    subjects: [...byName].map(([name, own]): PruneSubject => {
      const places = own.flatMap(({ group }) => group.places);
      const nodesOf = (isWanted: (place: ChannelPlace) => boolean): readonly Node[] =>
        [...new Set(places.filter(isWanted).map(({ node }) => node))].flatMap((node) => nodes[node] ?? []);
      const makers = nodesOf(({ role }) => role === 'makes');
      return {
        name,
        at: nameOfMaker(name, makers, nodes),
        opType: makers[0]?.opType ?? '',
        unitCount: own.reduce((sum, { group }) => sum + group.unitCount, 0),
        channels: own.reduce((sum, plan) => sum + plan.group.unitCount * plan.channelsPerUnit, 0),
        made: makers.map(({ outputs }) => outputs[0] ?? ''),
        touched: nodesOf(() => true).map(({ outputs }) => outputs[0] ?? ''),
      };
    }),
    keptWithout,
    removedFrom,
    unitsLeft: (subject, ratio) =>
      defined(plansOf[subject], `subject ${subject}`).reduce((sum, { group }) => sum + group.unitCount, 0) -
      removedFrom(subject, ratio).length,
  };
}

/** What means none but layers of its own: the group's name, or else a value that the first layer makes. */
function nameOfMaker(name: string, makers: readonly Node[], nodes: readonly Node[]): string {
  const isOwn = (text: string): boolean =>
    !text.includes('*') && nodes.every((node) => makers.includes(node) || !isMeant(node, text));
  return [name, ...(makers[0]?.outputs ?? [])].find(isOwn) ?? name;
}

/**
 * The ratios of subjects as a recipe has them; what stays whole is left out.
 * @param removed how many units each subject loses
 */
export function ratiosInRecipe(
  subjects: readonly Pick<PruneSubject, 'at' | 'unitCount'>[],
  removed: readonly number[],
): readonly GroupRatio[] {
  return subjects.flatMap(({ at, unitCount }, subject) => {
    const count = removed[subject] ?? 0;
    return count === 0 ? [] : [{ at, ratio: ratioThatRemoves(count, unitCount) }];
  });
}

/** The ratio with the fewest digits that takes so many units. */
export function ratioThatRemoves(removed: number, unitCount: number): number {
  for (let digits = 2; digits < 6; digits++) {
    const ratio = Math.floor((removed / unitCount) * 10 ** digits) / 10 ** digits;
    if (unitsWanted(unitCount, ratio) === unitCount - removed) return ratio;
  }
  return removed / unitCount;
}
