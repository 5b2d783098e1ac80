import { seedFromText } from '../base/random.ts';
import type { BlockView, FrontierView, NodeView } from './graph-view.ts';
import type { ValueName } from './model.ts';

/** Operators that only follow up on what a layer made: a box of their own would say nothing. */
const followers: ReadonlySet<string> = new Set(
  (
    'Relu LeakyRelu PRelu Sigmoid HardSigmoid HardSwish Tanh Clip Elu Selu Celu Gelu Mish Softplus Softmax ' +
    'LogSoftmax Erf Mul Add Sub Div Pow Sqrt BatchNormalization InstanceNormalization LayerNormalization ' +
    'GroupNormalization LRN Dropout Identity Cast Flatten Reshape Squeeze Unsqueeze Transpose Pad ' +
    'QuantizeLinear DequantizeLinear ReduceMean Sum Slice Gather'
  ).split(' '),
);

/** Attributes that tell apart layers a person would tell apart. */
const tellingAttributes: ReadonlySet<string> = new Set(['kernel_shape', 'strides', 'axis', 'perm']);

/**
 * Partitions the nodes into blocks for folding: the pieces between single-value cuts, where an activation or
 * another light follower joins the block before it. Linear time.
 * @param nodes in topological order
 * @param frontiers the cut after each node, as `frontiersOf` gives them
 */
export function blocksOf(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
): readonly BlockView[] {
  const ranges: { firstNode: number; lastNode: number }[] = [];
  let firstNode = 0;
  for (const [position, frontier] of frontiers.entries()) {
    const isLast = position === nodes.length - 1;
    if (frontier.crossing.length !== 1 && !isLast) continue;
    const piece = nodes.slice(firstNode, position + 1);
    const previous = ranges.at(-1);
    if (previous && piece.every((node) => followers.has(node.opType))) previous.lastNode = position;
    else ranges.push({ firstNode, lastNode: position });
    firstNode = position + 1;
  }
  const producer = producers(nodes);
  const structures = ranges.map((range) => structureOf(nodes, range.firstNode, range.lastNode, producer));
  const labels = labelsOf(nodes, ranges, structures);
  return ranges.map((range, id) => {
    const members = nodes.slice(range.firstNode, range.lastNode + 1);
    return {
      id,
      label: labels[id] as string,
      ...range,
      structure: structures[id] as string,
      macs: members.reduce((sum, node) => sum + node.macs, 0),
      params: members.reduce((sum, node) => sum + node.params, 0),
    };
  });
}

function producers(nodes: readonly NodeView[]): ReadonlyMap<ValueName, number> {
  const producer = new Map<ValueName, number>();
  for (const node of nodes) for (const name of node.outputs) producer.set(name, node.index);
  return producer;
}

/** A hash of the operators, their telling attributes and how they are wired inside the block. */
function structureOf(
  nodes: readonly NodeView[],
  firstNode: number,
  lastNode: number,
  producer: ReadonlyMap<ValueName, number>,
): string {
  let text = '';
  for (const node of nodes.slice(firstNode, lastNode + 1)) {
    text += `${node.domain}:${node.opType}`;
    for (const { name, text: value } of node.attributes)
      if (tellingAttributes.has(name)) text += `,${name}=${value}`;
    for (const name of node.inputs) {
      const from = producer.get(name) ?? -1;
      text += from < firstNode ? '<' : `-${node.index - from}`;
    }
    text += ';';
  }
  // Two passes of 32 bits: a collision would only fold two boxes that differ.
  const half = (part: string) => seedFromText(part).toString(16).padStart(8, '0');
  return half(text) + half(`${text}!`);
}

/**
 * `stem` is what comes before the first repeated or branching block, `head` what follows the last; those blocks
 * are numbered, and what stands between them is named by its heaviest operator.
 */
function labelsOf(
  nodes: readonly NodeView[],
  ranges: readonly { readonly firstNode: number; readonly lastNode: number }[],
  structures: readonly string[],
): readonly string[] {
  const counts = new Map<string, number>();
  for (const structure of structures) counts.set(structure, (counts.get(structure) ?? 0) + 1);
  const heavy = ranges.map(({ firstNode, lastNode }) => {
    const members = nodes.slice(firstNode, lastNode + 1);
    return members.filter((node) => node.macs > 0).length;
  });
  const isBody = ranges.map(
    (_, at) =>
      (heavy[at] as number) > 0 &&
      ((counts.get(structures[at] as string) ?? 0) > 1 || (heavy[at] as number) > 1),
  );
  const first = isBody.indexOf(true);
  const last = isBody.lastIndexOf(true);
  let number = 0;
  return ranges.map((range, at) => {
    if (isBody[at]) return `block ${++number}`;
    const name = mainOperator(nodes.slice(range.firstNode, range.lastNode + 1));
    if (first < 0) return name;
    if (at < first) return at === 0 ? 'stem' : `stem ${name}`;
    if (at > last) return at === ranges.length - 1 ? 'head' : `head ${name}`;
    return name;
  });
}

function mainOperator(members: readonly NodeView[]): string {
  let main = members[0];
  for (const node of members) if (node.macs > (main?.macs ?? 0)) main = node;
  return main?.opType ?? 'nothing';
}
