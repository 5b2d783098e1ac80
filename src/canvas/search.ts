import type { GraphView } from '../onnx/graph-view.ts';

/**
 * Nodes whose operator, name, domain, values or weights contain the text, in order. Several words must all
 * occur, so `conv layer3` finds the convolutions of layer3. Case does not matter.
 */
export function searchMatches(view: GraphView, search: string): readonly number[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return view.nodes
    .filter((node) => {
      const names = [node.opType, node.name, node.domain, ...node.inputs, ...node.outputs];
      const text = [...names, ...node.weights.map(({ name }) => name)].join('\n').toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .map(({ index }) => index);
}
