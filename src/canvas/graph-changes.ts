import type { GraphView, NodeView } from '../onnx/graph-view.ts';
import { isPrunable, sparsitiesInView } from '../transforms/prune/layer-sparsity.ts';
import type { Recipe } from '../transforms/recipe.ts';

/** How a node of a variant relates to the original: there is none for its value, one that differs, or the same. */
export type NodeChange = 'new' | 'changed' | 'same';

export interface GraphChanges {
  /** By `NodeView.index` of the variant's file. */
  readonly nodes: readonly NodeChange[];
  /** Nodes of the original whose value no node of the file makes: left out, in another file, or inside an If. */
  readonly gone: number;
}

/**
 * What a recipe changed, from the graph before to that of one of the variant's files. Nodes that make a value of the
 * same name stand for each other; recipes keep the names of the values that stay.
 */
export function graphChanges(before: GraphView, after: GraphView, recipe: Recipe): GraphChanges {
  const originals = new Map(before.nodes.map((node) => [node.outputs[0], node]));
  const isPruned = prunedNodes(before, recipe);
  const made = new Set<unknown>();
  const nodes = after.nodes.map((node): NodeChange => {
    const original = originals.get(node.outputs[0]);
    if (original === undefined) return 'new';
    made.add(original);
    // Pruned weights are other numbers in the same places.
    if (isPruned(original)) return 'changed';
    return contentOf(node) === contentOf(original) ? 'same' : 'changed';
  });
  return { nodes, gone: originals.size - made.size };
}

/** Which nodes of the original have weights that become zero. */
function prunedNodes(view: GraphView, recipe: Recipe): (node: NodeView) => boolean {
  const tests = recipe.flatMap((operator) => {
    if (operator.op !== 'prune' || operator.kind !== 'unstructured') return [];
    const sparsities = sparsitiesInView(view, operator);
    return [
      (node: NodeView): boolean => {
        const sparsity = sparsities.of(node);
        return sparsity.kind !== 'protected' && sparsity.sparsity.ratio !== 0;
      },
    ];
  });
  return (node) => isPrunable(node) && tests.some((test) => test(node));
}

/** The change of neighbouring nodes shown as one box. */
export function changeOf(nodes: readonly NodeChange[]): NodeChange {
  if (nodes.every((change) => change === 'same')) return 'same';
  return nodes.every((change) => change === 'new') ? 'new' : 'changed';
}

/** `Nodes: 12 new · 3 changed · 40 as before · 2 of the original left out`. */
export function changesText({ nodes, gone }: GraphChanges, after: GraphView, fileCount: number): string {
  const count = (wanted: NodeChange): number => nodes.filter((change) => change === wanted).length;
  const elsewhere = [
    ...(fileCount > 1 ? ['in other files'] : []),
    ...(after.nodes.some(({ opType }) => opType === 'If') ? ['inside the If'] : []),
    'left out',
  ];
  const parts = [
    [count('new'), 'new'],
    [count('changed'), 'changed'],
    [count('same'), 'as before'],
    [gone, `of the original ${elsewhere.join(' or ')}`],
  ] as const;
  const told = parts.flatMap(([nodesOf, what]) => (nodesOf > 0 ? [`${nodesOf} ${what}`] : []));
  return `Nodes: ${told.join(' · ')}`;
}

/** All that two nodes may differ in besides the values of weights, whose names change with what they hold. */
function contentOf({ opType, domain, inputs, attributes, weights }: NodeView): string {
  const tensors = weights.map(({ dataType, dims }) => [dataType, dims]);
  return JSON.stringify([opType, domain, inputs, attributes, tensors]);
}
