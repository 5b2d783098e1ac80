import type { Node } from '../onnx/model.ts';

/** Nodes to choose: patterns as in `matchNodes`, or a test. */
export type NodeChoice = readonly string[] | ((node: Node) => boolean);

/** Which nodes a list of patterns means, and which patterns mean none. */
export interface NodeMatch {
  readonly matches: (node: Node) => boolean;
  readonly unmatched: readonly string[];
}

/**
 * Nodes by pattern: a pattern is a node's name, the name of a value it makes, or its operator, in all of which `*`
 * stands for any text. What matches nothing is told, not refused: the rest is still done.
 */
export function matchNodes(nodes: readonly Node[], patterns: NodeChoice): NodeMatch {
  if (typeof patterns === 'function') return { matches: patterns, unmatched: [] };
  const matched = new Set<Node>();
  const unmatched = patterns.filter((pattern) => {
    const found = nodes.filter((node) => isMeant(node, pattern));
    for (const node of found) matched.add(node);
    return found.length === 0;
  });
  return { matches: (node) => matched.has(node), unmatched };
}

/** Whether a pattern means a node. */
export function isMeant(
  { name, opType, outputs }: Pick<Node, 'name' | 'opType' | 'outputs'>,
  pattern: string,
): boolean {
  return [name, opType, ...outputs].some((text) => text !== '' && isLike(text, pattern));
}

/** A pattern that means this node and no other, if it has a name of its own; values stand for nodes without one. */
export function nameInRecipes<N extends Pick<Node, 'name' | 'opType' | 'outputs'>>(
  node: N,
  nodes: readonly N[],
): string {
  const names = [node.name, ...node.outputs].filter((name) => name !== '');
  // Names with a star, or that are an operator's, may mean others, too.
  const isOwn = (name: string): boolean =>
    !name.includes('*') && nodes.every((other) => other === node || !isMeant(other, name));
  return names.find(isOwn) ?? names[0] ?? node.opType;
}

/** Linear in the text for each `*`, whatever the pattern: regular expressions of untrusted text are not. */
function isLike(text: string, pattern: string): boolean {
  const parts = pattern.split('*');
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return text === pattern;
  const last = rest.pop() ?? '';
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
