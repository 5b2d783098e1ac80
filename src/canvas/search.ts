import type { GraphView } from '../onnx/graph-view.ts';

/**
 * Nodes whose operator, name, domain, outputs or weights contain the text, in order. Several words must all
 * occur, so `conv layer3` finds the convolutions of layer3. Case does not matter.
 */
export function searchMatches(view: GraphView, search: string): readonly number[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return view.nodes
    .filter((node) => {
      // Not inputs: a value is found where it is made.
      const names = [node.opType, node.name, node.domain, ...node.outputs];
      const text = [...names, ...node.weights.map(({ name }) => name)].join('\n').toLowerCase();
      return words.every((word) => text.includes(word));
    })
    .map(({ index }) => index);
}
