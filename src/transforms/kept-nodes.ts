import type { GraphView } from '../onnx/graph-view.ts';
import { type ValueName, valueName } from '../onnx/model.ts';
import type { ExitPlacement, Placement } from './placement.ts';

type Kept = Pick<Placement, 'exit' | 'skips'>;

/**
 * Which nodes are left once exits are chosen and blocks skipped: 1 for what the remaining outputs need, 0 for what
 * lies behind or beside them; by topological position.
 */
export function keptNodes(view: GraphView, { exit, skips }: Kept): Uint8Array {
  const kept = new Uint8Array(view.nodes.length);
  const producer = new Map<ValueName, number>();
  for (const { index, outputs } of view.nodes) for (const name of outputs) producer.set(name, index);
  const standIns = new Map(skips.map(({ from, to }) => [to, valueName(from)]));
  const open = outputsLeft(view, exit);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const standIn = standIns.get(name);
    if (standIn !== undefined) {
      open.push(standIn);
      continue;
    }
    const node = producer.get(name) ?? -1;
    if (node < 0 || kept[node] === 1) continue;
    kept[node] = 1;
    open.push(...(view.nodes[node]?.inputs ?? []));
  }
  return kept;
}

function outputsLeft(view: GraphView, exit: ExitPlacement): ValueName[] {
  switch (exit.kind) {
    case 'none':
      return [...view.outputs];
    case 'fixed':
      return outputsOf(view, [exit.exit]);
    case 'dynamic':
      return outputsOf(view, exit.exits);
  }
}

function outputsOf(view: GraphView, exits: readonly number[]): ValueName[] {
  return exits.flatMap((exit) => view.exits[exit]?.output ?? []);
}

/** Work and weights of a model with a recipe's exits and skipped blocks. */
export interface VariantCost {
  readonly params: number;
  /** MACs if inference goes to the end. */
  readonly macs: number;
  /** MACs if it stops at the first exit that it may stop at. */
  readonly leastMacs: number;
}

/** What is left of the model's cost; weights that several nodes share count for each of them. */
export function variantCost(view: GraphView, placement: Kept): VariantCost {
  const { exit } = placement;
  const whole = costOf(view, placement);
  const [first] = exit.kind === 'dynamic' ? exit.exits : [];
  const least =
    first === undefined ? whole : costOf(view, { ...placement, exit: { kind: 'fixed', exit: first } });
  return { ...whole, leastMacs: least.macs };
}

function costOf(view: GraphView, placement: Kept): Pick<VariantCost, 'params' | 'macs'> {
  const kept = keptNodes(view, placement);
  if (kept.every((isKept) => isKept === 1)) return view.totals;
  const nodes = view.nodes.filter(({ index }) => kept[index] === 1);
  const sum = (quantity: 'params' | 'macs') => nodes.reduce((total, node) => total + node[quantity], 0);
  return { params: Math.min(sum('params'), view.totals.params), macs: sum('macs') };
}
