import type { NodeView } from '../../onnx/graph-view.ts';
import { isMeant } from '../match-nodes.ts';

/** What is needed of nodes to protect some: in order of work, each after those it reads from. */
export type OrderedNode = Pick<NodeView, 'name' | 'opType' | 'outputs'> & {
  readonly inputs: readonly string[];
};

interface Protection<N> {
  readonly isProtected: (layer: N) => boolean;
  /** Patterns that mean no layer. */
  readonly unmatched: readonly string[];
}

/**
 * The layers that an operator's `protect` means: by `first` the first one in order of work, by `last` the last one
 * before each of the model's outputs, else by name or pattern.
 * @param isLayer which of the nodes are layers
 */
export function protectedLayers<N extends OrderedNode>(
  nodes: readonly N[],
  outputs: readonly string[],
  isLayer: (node: N) => boolean,
  patterns: readonly string[],
): Protection<N> {
  const layers = nodes.filter(isLayer);
  const meantBy = (pattern: string): readonly N[] => {
    if (pattern === 'first') return layers.slice(0, 1);
    if (pattern === 'last') return lastLayers(nodes, outputs, isLayer);
    return layers.filter((layer) => isMeant(layer, pattern));
  };
  const meant = patterns.map((pattern) => ({ pattern, layers: meantBy(pattern) }));
  const all = new Set(meant.flatMap((each) => each.layers));
  return {
    isProtected: (layer) => all.has(layer),
    unmatched: meant.filter((each) => each.layers.length === 0).map(({ pattern }) => pattern),
  };
}

/** For each output the last layer that it depends on. */
function lastLayers<N extends OrderedNode>(
  nodes: readonly N[],
  outputs: readonly string[],
  isLayer: (node: N) => boolean,
): readonly N[] {
  const found = new Set<N>();
  for (const output of outputs) {
    const needed = new Set([output]);
    // Backwards, so that whoever needs a value has said so before its maker is reached.
    const last = nodes.findLast((node) => {
      if (!node.outputs.some((name) => needed.has(name))) return false;
      for (const name of node.inputs) needed.add(name);
      return isLayer(node);
    });
    if (last !== undefined) found.add(last);
  }
  return [...found];
}
