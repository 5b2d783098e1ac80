import { assert } from '../../base/assert.ts';
import type { GraphView, NodeView } from '../../onnx/graph-view.ts';

/** What one node of the runtime takes in an inference. */
export interface RuntimeNodeTime {
  /** As the runtime calls it; the file's nodes were named after their first output. */
  readonly name: string;
  readonly opType: string;
  /** Which provider ran it, as the runtime calls it. */
  readonly provider?: string;
  readonly ms: number;
}

export interface AttributedTimes {
  /** By `NodeView.index`; their sum is that of the given times. */
  readonly nodeMs: Float64Array;
  /** Part of the sum whose node is only guessed, from what ran before it. */
  readonly guessedMs: number;
}

/**
 * Attributes times of the runtime's nodes to the graph's nodes. The runtime fuses nodes and adds some of its own:
 * - what it names after a node (`fused NAME`, `NAME/SomeFusion/`, `NAME_token_3`) is that node's;
 * - a fusion with a name of its own (`Gelu_token_238`) is that of the node that only such a fusion swallows (`Erf`),
 *   paired in order where there are as many of one as of the other;
 * - the rest (inserted transposes and reshapes) counts for the node that ran before it.
 *
 * The time of a fused node is shared out among the nodes it swallowed, which are those that did not run by
 * themselves and are connected with it, by their multiply-accumulates and outputs.
 * @param times in the order in which they ran
 */
export function attributeTimes(view: GraphView, times: readonly RuntimeNodeTime[]): AttributedTimes {
  const nodeMs = new Float64Array(view.nodes.length);
  const ran = new Set<NodeView>();
  const isFused = new Set<NodeView>();
  let guessedMs = 0;
  originsOf(view, times).forEach(({ node, isGuess }, at) => {
    const { opType, ms } = times[at] as RuntimeNodeTime;
    if (isGuess) guessedMs += ms;
    else {
      ran.add(node);
      if (node.opType !== opType) isFused.add(node);
    }
    nodeMs[node.index] = (nodeMs[node.index] ?? 0) + ms;
  });
  return { nodeMs: sharedOut(nodeMs, swallowedBy(view, isFused, ran)), guessedMs };
}

/**
 * The node of the graph that each of the runtime's is about, see `attributeTimes`: of a fused one that it is named
 * after; a guess where nothing but its place tells.
 */
export function originsOf(
  { nodes }: GraphView,
  times: readonly RuntimeNodeTime[],
): readonly { readonly node: NodeView; readonly isGuess: boolean }[] {
  assert(nodes.length > 0, 'a graph has nodes');
  const nodeOfOutput = new Map<string, NodeView>();
  for (const node of nodes) for (const name of node.outputs) nodeOfOutput.set(name, node);
  const named = times.map(({ name }) => nodeNamed(name, nodeOfOutput));
  const paired = pairFusions(times, named, nodes, new Set(named));
  let current = nodes[0] as NodeView;
  return times.map((_, at) => {
    const node = named[at] ?? paired.get(at);
    current = node ?? current;
    return { node: current, isGuess: node === undefined };
  });
}

/** The node that a name of the runtime's tells. */
function nodeNamed(name: string, nodeOfOutput: ReadonlyMap<string, NodeView>): NodeView | undefined {
  let plain = name.startsWith('fused ') ? name.slice('fused '.length) : name;
  for (;;) {
    const node = nodeOfOutput.get(plain) ?? nodeOfOutput.get(plain.replace(/_token_\d+$/, ''));
    if (node !== undefined) return node;
    const end = plain.lastIndexOf('/');
    if (end <= 0) return undefined;
    plain = plain.slice(0, end);
  }
}

/** Fusions by the operator that nothing else of what they swallow has. */
const FUSIONS: readonly { readonly fused: RegExp; readonly swallows: string }[] = [
  { fused: /^(Bias)?Gelu$/, swallows: 'Erf' },
  { fused: /^FastGelu$/, swallows: 'Tanh' },
  { fused: /^QuickGelu$/, swallows: 'Sigmoid' },
  { fused: /LayerNormalization$/, swallows: 'Sqrt' },
  { fused: /Attention$/, swallows: 'Softmax' },
];

/** Nodes of fusions whose name does not tell them, by position in the list of times. */
function pairFusions(
  times: readonly RuntimeNodeTime[],
  named: readonly (NodeView | undefined)[],
  nodes: readonly NodeView[],
  ran: ReadonlySet<NodeView | undefined>,
): ReadonlyMap<number, NodeView> {
  const paired = new Map<number, NodeView>();
  for (const { fused, swallows } of FUSIONS) {
    const fusions = times.flatMap(({ opType }, at) =>
      fused.test(opType) && named[at]?.opType !== opType ? [at] : [],
    );
    const swallowed = nodes.filter((node) => node.opType === swallows && !ran.has(node));
    if (fusions.length !== swallowed.length) continue;
    fusions.forEach((at, i) => {
      if (named[at] === undefined) paired.set(at, swallowed[i] as NodeView);
    });
  }
  return paired;
}

/** For each fused node those that are part of it: nearer to it than to another, by way of nodes that did not run. */
function swallowedBy(
  { nodes, edges }: GraphView,
  fused: ReadonlySet<NodeView>,
  ran: ReadonlySet<NodeView>,
): ReadonlyMap<NodeView, readonly NodeView[]> {
  const neighbours = nodes.map((): NodeView[] => []);
  for (const { from, to } of edges) {
    const [maker, user] = [nodes[from], nodes[to]];
    if (!maker || !user) continue;
    neighbours[from]?.push(user);
    neighbours[to]?.push(maker);
  }
  // The last first: of two nodes before an Add, the runtime fuses it with the one that runs later.
  const queue = [...fused].sort((a, b) => b.index - a.index);
  const owners = new Map<NodeView, NodeView>(queue.map((node) => [node, node]));
  const members = new Map<NodeView, NodeView[]>(queue.map((node) => [node, [node]]));
  for (const node of queue) {
    const owner = owners.get(node) as NodeView;
    for (const next of neighbours[node.index] ?? []) {
      if (ran.has(next) || owners.has(next)) continue;
      owners.set(next, owner);
      members.get(owner)?.push(next);
      queue.push(next);
    }
  }
  return members;
}

/** @param nodeMs of fused nodes with all they swallowed */
function sharedOut(nodeMs: Float64Array, members: ReadonlyMap<NodeView, readonly NodeView[]>): Float64Array {
  const shared = Float64Array.from(nodeMs);
  for (const [{ index: at }, group] of members) {
    const work = group.reduce((sum, node) => sum + workOf(node), 0);
    if (work === 0) continue;
    for (const node of group) shared[node.index] = ((nodeMs[at] as number) * workOf(node)) / work;
  }
  return shared;
}

/** An operation for each multiply-accumulate and each number of the output. */
function workOf({ macs, activationBytes }: NodeView): number {
  return macs + activationBytes / 4;
}
