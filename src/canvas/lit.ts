import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import type { Box } from './boxes.ts';

/** What a node does with the channels that are lit: it makes them, passes them on, or reads them. */
export type LitRole = 'makes' | 'follows' | 'reads';

/** How a box is lit. */
export interface Light {
  readonly role: LitRole;
  /** What it does, for people: `makes`, or `3 of 9 lit` of a folded box. */
  readonly text: string;
}

const WORDS: Readonly<Record<LitRole, string>> = { makes: 'makes', follows: 'passes on', reads: 'reads' };
const ROLES: readonly LitRole[] = ['makes', 'follows', 'reads'];

/** How each box is lit; of several roles inside a folded one the first counts. Null: not at all. */
export function lightOfBoxes(
  boxes: readonly Pick<Box, 'kind' | 'firstNode' | 'lastNode'>[],
  lit: ReadonlyMap<number, LitRole>,
): readonly (Light | null)[] {
  return boxes.map(({ kind, firstNode, lastNode }) => {
    if (kind === 'header') return null;
    const inside: LitRole[] = [];
    for (let node = firstNode; node <= lastNode; node++) {
      const role = lit.get(node);
      if (role !== undefined) inside.push(role);
    }
    const role = ROLES.find((each) => inside.includes(each));
    if (role === undefined) return null;
    const count = lastNode - firstNode + 1;
    return { role, text: count === 1 ? WORDS[role] : `${inside.length} of ${count} lit` };
  });
}

/**
 * By `NodeView.index`, what nodes do that are told by a value that they make; those that the view lacks are left
 * out, and of several roles the first counts.
 */
export function litNodes(
  view: Pick<GraphView, 'nodes'>,
  roles: Iterable<readonly [ValueName, LitRole]>,
): ReadonlyMap<number, LitRole> {
  const makers = new Map(
    view.nodes.flatMap(({ index, outputs }) => outputs.map((name) => [name, index] as const)),
  );
  const lit = new Map<number, LitRole>();
  for (const [value, role] of roles) {
    const node = makers.get(value);
    if (node !== undefined && !lit.has(node)) lit.set(node, role);
  }
  return lit;
}
