import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import type { Compared } from './compared.ts';
import { relativeError } from './signal-noise.ts';

/** What becomes of a node of the open model in a variant. */
export interface NodeErrors {
  readonly node: NodeView;
  /** Of what it makes; null if the variant does not have that. */
  readonly output: Compared | null;
  /** Of its weights that changed, the worst first. */
  readonly weights: readonly Compared[];
}

/** The nodes of which something is known, in order of the graph. */
export function errorsByNode(
  view: GraphView,
  values: readonly Compared[],
  weights: readonly Compared[],
): readonly NodeErrors[] {
  const [byValue, byWeight] = [values, weights].map((all) => new Map(all.map((each) => [each.name, each])));
  return view.nodes.flatMap((node) => {
    const outputs = node.outputs.flatMap((name) => byValue?.get(name) ?? []);
    const own = node.weights.flatMap(({ name }) => byWeight?.get(name) ?? []);
    if (outputs.length + own.length === 0) return [];
    return [{ node, output: outputs.sort(worstFirst)[0] ?? null, weights: own.sort(worstFirst) }];
  });
}

/**
 * How far off each node's output is, as a share of it, by `NodeView.index`. What an activation took in with it has
 * that activation's share.
 */
export function errorShares(view: GraphView, values: readonly Compared[]): Float64Array {
  const byValue = new Map(values.map((each) => [each.name, shareOf(each)]));
  const shares = new Float64Array(view.nodes.length).fill(Number.NaN);
  const readers = new Map(view.edges.map(({ from, to }) => [from, to]));
  for (const { index, outputs } of view.nodes.toReversed()) {
    const known = outputs.flatMap((name) => byValue.get(name) ?? []);
    const reader = readers.get(index);
    if (known.length > 0) shares[index] = Math.max(...known);
    else if (reader !== undefined && reader >= 0) shares[index] = shares[reader] ?? Number.NaN;
  }
  return shares.map((share) => (Number.isNaN(share) ? 0 : share));
}

/** Where nothing was there to be off from, or numbers are not finite, all is lost. */
function shareOf({ errors }: Compared): number {
  const share = relativeError(errors);
  return Number.isFinite(share) ? Math.min(1, share) : 1;
}

function worstFirst(a: Compared, b: Compared): number {
  return shareOf(b) - shareOf(a);
}
