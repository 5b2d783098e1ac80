import type { NodeView } from '../../onnx/graph-view.ts';
import type { GroupRole, GroupView } from '../../transforms/prune/channels/group-view.ts';

/** `64 channels`, `12 units of 64 channels`. */
export function widthText({ unitCount, channelsPerUnit }: GroupView): string {
  if (channelsPerUnit === 1) return counted(unitCount, 'channel');
  return `${counted(unitCount, 'unit')} of ${counted(channelsPerUnit, 'channel')}`;
}

/** `2 nodes make them, 5 pass them on, 3 read them`. */
export function tiesText({ nodes }: GroupView): string {
  const count = (wanted: GroupRole): number => [...nodes.values()].filter((role) => role === wanted).length;
  const [makes, follows, reads] = [count('makes'), count('follows'), count('reads')];
  const verb = (number: number, one: string, many: string): string =>
    `${number} ${number === 1 ? one : many}`;
  return [
    `${counted(makes, 'node')} ${makes === 1 ? 'makes' : 'make'} them`,
    ...(follows > 0 ? [`${verb(follows, 'passes', 'pass')} them on`] : []),
    ...(reads > 0 ? [`${verb(reads, 'reads', 'read')} them`] : []),
  ].join(', ');
}

/** What becomes of a group: `64 → 32`, `whole`, `as ranked`; empty: nothing is pruned. */
export function fateText({ kept, plan, unitCount }: GroupView): string {
  if (kept !== null) return 'stays whole';
  if (plan === null) return '';
  if (plan.kind === 'protected') return 'protected';
  if (plan.ratio === null) return 'as ranked';
  if (plan.unitsLeft === null || plan.unitsLeft === unitCount) return 'whole';
  return `${unitCount} → ${plan.unitsLeft}`;
}

export const ROLE_WORDS: Readonly<Record<GroupRole, string>> = {
  makes: 'makes',
  follows: 'passes on',
  reads: 'reads',
};

/** A group that nodes touch. */
export interface TouchedGroup {
  readonly group: GroupView;
  readonly role: GroupRole;
}

const ORDER: readonly GroupRole[] = ['makes', 'follows', 'reads'];

/** The groups that some nodes touch: those whose channels they make first. */
export function groupsTouchedBy(
  groups: readonly GroupView[],
  nodes: readonly NodeView[],
): readonly TouchedGroup[] {
  const touched = groups.flatMap((group): TouchedGroup[] => {
    const roles = new Set(nodes.flatMap(({ outputs }) => outputs.map((output) => group.nodes.get(output))));
    const role = ORDER.find((each) => roles.has(each));
    return role === undefined ? [] : [{ group, role }];
  });
  return touched.toSorted((a, b) => ORDER.indexOf(a.role) - ORDER.indexOf(b.role));
}

/** The groups that cannot be pruned, by why. */
export function keptByReason(groups: readonly GroupView[]): ReadonlyMap<string, readonly GroupView[]> {
  const byReason = new Map<string, GroupView[]>();
  for (const group of groups) {
    if (group.kept === null) continue;
    const reason = [
      group.kept.message.replace(/\.$/, ''),
      ...(group.kept.hint ? [group.kept.hint] : []),
    ].join('. ');
    byReason.set(reason, [...(byReason.get(reason) ?? []), group]);
  }
  return byReason;
}

/** Groups whose name has the text; after them those whose nodes, operator or reason have it. */
export function searchGroups(groups: readonly GroupView[], search: string): readonly GroupView[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return groups;
  const has = (text: string): boolean => text.toLowerCase().includes(wanted);
  const others = groups.filter(
    ({ id, opType, nodes, kept }) =>
      !has(id) && [opType, kept?.message ?? '', ...nodes.keys()].some((text) => has(text)),
  );
  return [...groups.filter(({ id }) => has(id)), ...others];
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
