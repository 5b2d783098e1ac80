import type { GraphView } from './graph-view.ts';

/**
 * For each node, the exit whose head it belongs to: everything computed from it ends in that output and in
 * nothing else. -1 for the trunk, which leads to the final exit.
 */
export function headOfNodes({
  nodes,
  edges,
  exits,
}: Pick<GraphView, 'nodes' | 'edges' | 'exits'>): Int32Array {
  const none = -2;
  const heads = new Int32Array(nodes.length).fill(none);
  const merge = (node: number, exit: number): void => {
    const old = heads[node];
    heads[node] = old === none || old === exit ? exit : -1;
  };
  const final = exits.length - 1;
  for (const exit of exits) if (exit.node >= 0) merge(exit.node, exit.index === final ? -1 : exit.index);
  const incoming = nodes.map((): number[] => []);
  for (const { from, to } of edges) if (from >= 0 && to >= 0) incoming[to]?.push(from);
  for (let node = nodes.length - 1; node >= 0; node--) {
    // Dead ends (outputs that are no exit) count as trunk.
    if (heads[node] === none) heads[node] = -1;
    for (const from of incoming[node] ?? []) merge(from, heads[node] ?? -1);
  }
  return heads;
}
