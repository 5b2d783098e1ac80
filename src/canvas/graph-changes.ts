import type { GraphView, NodeView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { isPrunable, sparsitiesInView } from '../transforms/prune/layer-sparsity.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { shapeText } from './boxes.ts';

/** How a node of a variant relates to the original: there is none for its value, one that differs, or the same.
 * Of a node of the original: `gone` where a variant has none. */
export type NodeChange = 'new' | 'gone' | 'changed' | 'same';

export interface GraphChanges {
  /** By `NodeView.index` of the variant's file. */
  readonly nodes: readonly NodeChange[];
  /** Nodes of the original whose value no node of the file makes: left out, in another file, or inside an If. */
  readonly gone: number;
}

/**
 * What a recipe changed, from the graph before to that of one of the variant's files. Nodes that make a value of the
 * same name stand for each other; recipes keep the names of the values that stay.
 * @param recipeBefore what the graph before was made with
 */
export function graphChanges(
  before: GraphView,
  after: GraphView,
  recipe: Recipe,
  recipeBefore: Recipe = [],
): GraphChanges {
  const originals = new Map(before.nodes.map((node) => [node.outputs[0], node]));
  const [zeros, zerosBefore] = [zerosIn(before, recipe), zerosIn(before, recipeBefore)];
  const shapes = shapeChanges(before, after);
  const made = new Set<unknown>();
  const nodes = after.nodes.map((node): NodeChange => {
    const original = originals.get(node.outputs[0]);
    if (original === undefined) return 'new';
    made.add(original);
    // Pruned weights are other numbers in the same places.
    if (zeros(original) !== zerosBefore(original)) return 'changed';
    if (node.outputs.some((output) => shapes.has(output))) return 'changed';
    return contentOf(node) === contentOf(original) ? 'same' : 'changed';
  });
  return { nodes, gone: originals.size - made.size };
}

/** Values that both graphs have, with another shape: `(64 → 32)×8×8`. */
export function shapeChanges(
  before: Pick<GraphView, 'values'>,
  after: Pick<GraphView, 'values'>,
): ReadonlyMap<ValueName, string> {
  const changes = new Map<ValueName, string>();
  for (const [name, value] of after.values) {
    const [old, now] = [shapeText(before.values.get(name)), shapeText(value)];
    if (old === '' || now === '' || old === now) continue;
    const [oldDims, dims] = [old.split('×'), now.split('×')];
    const isSameRank = oldDims.length === dims.length;
    const each = dims.map((dim, axis) => (dim === oldDims[axis] ? dim : `(${oldDims[axis]} → ${dim})`));
    changes.set(name, isSameRank && dims.length > 1 ? each.join('×') : `${old} → ${now}`);
  }
  return changes;
}

/** How sparse a recipe makes a node of the original, as text; empty: not at all. */
function zerosIn(view: GraphView, recipe: Recipe): (node: NodeView) => string {
  const sparsities = recipe.flatMap((operator) =>
    operator.op === 'prune' && operator.kind === 'unstructured' ? [sparsitiesInView(view, operator)] : [],
  );
  return (node) => {
    if (!isPrunable(node)) return '';
    const shares = sparsities.flatMap((each) => {
      const sparsity = each.of(node);
      if (sparsity.kind === 'protected' || sparsity.sparsity.ratio === 0) return [];
      return [sparsity.sparsity.pattern ?? String(sparsity.sparsity.ratio)];
    });
    return shares.join();
  };
}

/** The change of neighbouring nodes shown as one box. */
export function changeOf(nodes: readonly NodeChange[]): NodeChange {
  if (nodes.every((change) => change === 'same')) return 'same';
  const [first] = nodes;
  return first !== undefined && nodes.every((change) => change === first) ? first : 'changed';
}

/** The same marks for the graph before: what the graph after lacks is gone. */
export function changesSeenBefore(
  before: GraphView,
  after: GraphView,
  recipe: Recipe,
  recipeBefore: Recipe,
): readonly NodeChange[] {
  const { nodes } = graphChanges(after, before, recipeBefore, recipe);
  return nodes.map((change) => (change === 'new' ? 'gone' : change));
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
