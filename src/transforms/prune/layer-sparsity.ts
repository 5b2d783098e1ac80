import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import { PRUNED_OPERATORS } from './pruned-operators.ts';
import { protectedLayers, type OrderedNode } from './protected-layers.ts';
import { PRUNE_DEFAULTS, type UnstructuredPruneOperator } from './prune-operator.ts';
import { ruleFor, type Sparsity } from './sparsity-rules.ts';

/** How sparse an operator makes a layer: not at all, as a rule says, or as it says of all. */
export type LayerSparsity =
  | { readonly kind: 'protected' }
  | { readonly kind: 'rule'; readonly sparsity: Sparsity }
  | { readonly kind: 'usual'; readonly sparsity: Sparsity };

/**
 * Tells how sparse an operator makes each layer.
 * @param nodes in order of work, each after those it reads from
 * @param isLayer which of them have weights to prune
 */
export function layerSparsities<N extends OrderedNode>(
  { layers: rules = [], protect = [], ratio, pattern }: UnstructuredPruneOperator,
  nodes: readonly N[],
  outputs: readonly string[],
  isLayer: (node: N) => boolean,
): {
  readonly of: (layer: N) => LayerSparsity;
  /** What `protect` names and no layer is called. */
  readonly unmatched: readonly string[];
} {
  const { isProtected, unmatched } = protectedLayers(nodes, outputs, isLayer, protect);
  const usual: LayerSparsity = {
    kind: 'usual',
    sparsity: pattern === undefined ? { ratio: ratio ?? 0 } : { pattern },
  };
  return {
    of: (layer) => {
      if (isProtected(layer)) return { kind: 'protected' };
      const rule = ruleFor(rules, layer);
      return rule === undefined ? usual : { kind: 'rule', sparsity: rule };
    },
    unmatched,
  };
}

/** Whether a node has weights to prune, as far as a view tells. */
export function isPrunable({ opType, weights }: Pick<NodeView, 'opType' | 'weights'>): boolean {
  return PRUNED_OPERATORS.has(opType) && weights.some(({ dims }) => dims.length >= 2);
}

/** The same as `layerSparsities` for a view. */
export function sparsitiesInView(
  view: Pick<GraphView, 'nodes' | 'outputs'>,
  operator: UnstructuredPruneOperator,
): { readonly of: (layer: NodeView) => LayerSparsity } {
  return layerSparsities(operator, view.nodes, view.outputs, isPrunable);
}

/** Whether layers without a rule are ranked together. */
export function isRankedTogether({
  scope = PRUNE_DEFAULTS.scope,
  pattern,
}: UnstructuredPruneOperator): boolean {
  return scope === 'global' && pattern === undefined;
}
