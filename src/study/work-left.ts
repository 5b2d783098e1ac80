import type { GraphView } from '../onnx/graph-view.ts';

/**
 * What is left of the time of an original's nodes in a variant that has the same nodes with other widths: each takes
 * the share of its time that its multiply-accumulates are of those before, or its bytes where it has none. Nodes that
 * only one of both has are not counted: what they come to is told in other ways.
 * @param nodeMs times of the original's nodes, by `NodeView.index`
 * @returns a factor; 1 where nothing can be said
 */
export function workLeft(
  before: Pick<GraphView, 'nodes'>,
  after: Pick<GraphView, 'nodes'>,
  nodeMs: ArrayLike<number>,
): number {
  const originals = new Map(before.nodes.map((node) => [node.outputs[0], node]));
  let [all, left] = [0, 0];
  for (const node of after.nodes) {
    const original = originals.get(node.outputs[0]);
    if (original === undefined) continue;
    const ms = nodeMs[original.index] ?? 0;
    const [now, then] =
      original.macs > 0 && node.macs > 0
        ? [node.macs, original.macs]
        : [node.activationBytes, original.activationBytes];
    all += ms;
    left += then > 0 ? ms * (now / then) : ms;
  }
  return all > 0 ? left / all : 1;
}
