import type { FrontierView, NodeView, ValueView } from './graph-view.ts';
import type { ValueName } from './model.ts';

/** The graph as frontiers need it: nodes in topological order, their data inputs and outputs. */
export interface FrontierInput {
  readonly nodes: readonly Pick<NodeView, 'inputs' | 'outputs' | 'macs'>[];
  readonly graphInputs: readonly ValueName[];
  readonly values: ReadonlyMap<ValueName, ValueView>;
  /** Bytes of the initializers that each node is the first to read. */
  readonly newWeightBytes: readonly number[];
  /** False for sequences and other things that are not tensors. */
  readonly canCross: (value: ValueName) => boolean;
}

/**
 * Crossing values listed for a whole model. DenseNet-201 needs some ten thousand; a graph where every value waits
 * for the last node would need the square of its nodes.
 */
const maxListed = 1_000_000;
/** A frontier this small is always listed. */
const alwaysListed = 8;

/**
 * The cut after every node. Every prefix of a topological order is a frontier; the values that cross are those
 * made before (or given) and used after. An output of the model that nothing uses later does not cross: it is
 * finished.
 *
 * One pass: a value enters when it is made and leaves at its last use, so the cost is the size of the answer.
 * Frontiers that would make the answer enormous are given as illegal, without their values.
 */
export function frontiersOf(input: FrontierInput): readonly FrontierView[] {
  const { nodes, values } = input;
  const lastUse = new Map<ValueName, number>();
  for (const [position, node] of nodes.entries()) for (const name of node.inputs) lastUse.set(name, position);

  const given = new Set(input.graphInputs);
  const crossing = new Set<ValueName>(input.graphInputs.filter((name) => lastUse.has(name)));
  let listed = 0;
  let macsBefore = 0;
  let weightBytesBefore = 0;
  return nodes.map((node, position) => {
    for (const name of node.inputs) if (lastUse.get(name) === position) crossing.delete(name);
    for (const name of node.outputs) if ((lastUse.get(name) ?? -1) > position) crossing.add(name);
    macsBefore += node.macs;
    weightBytesBefore += input.newWeightBytes[position] ?? 0;

    if (crossing.size > alwaysListed && listed + crossing.size > maxListed) {
      return { afterNode: position, crossing: [], bytes: null, macsBefore, weightBytesBefore, legal: false };
    }
    listed += crossing.size;
    const names = [...crossing];
    let bytes: number | null = 0;
    let legal = names.length > 0;
    let computed = false;
    for (const name of names) {
      const size: number | null = values.get(name)?.bytes ?? null;
      bytes = bytes === null || size === null ? null : bytes + size;
      legal &&= input.canCross(name);
      computed ||= !given.has(name);
    }
    return {
      afterNode: position,
      crossing: names,
      bytes,
      macsBefore,
      weightBytesBefore,
      legal: legal && computed,
    };
  });
}

/**
 * The frontiers that exactly one value crosses: the natural places to cut a model in two. Where the same value
 * crosses several (the head of an exit lies between them), the first.
 */
export function singleValueCuts(frontiers: readonly FrontierView[]): readonly FrontierView[] {
  const seen = new Set<ValueName>();
  return frontiers.filter(({ legal, crossing }) => {
    const [value] = crossing;
    if (!legal || crossing.length !== 1 || value === undefined || seen.has(value)) return false;
    seen.add(value);
    return true;
  });
}
