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

/** What turns features into the answer: with followers among them, the classifier at the end. */
const classifiers: ReadonlySet<string> = new Set(
  'GlobalAveragePool GlobalMaxPool AveragePool MaxPool ReduceMax Gemm MatMul ArgMax'.split(' '),
);

/** A block before it has a name. */
interface Piece {
  firstNode: number;
  lastNode: number;
  /** Exit that all of it is the head of; -1 for the trunk. */
  readonly exit: number;
}

/**
 * Partitions the nodes into blocks for folding: the pieces between single-value cuts, where an activation or
 * another light follower joins the block before it, and the classifier at the end is one block. Linear time.
 * @param nodes in topological order
 * @param frontiers the cut after each node, as `frontiersOf` gives them
 * @param headOfNode the exit whose head each node belongs to, as `headOfNodes` gives it
 */
export function blocksOf(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
  headOfNode: Int32Array,
): readonly BlockView[] {
  const producer = producers(nodes);
  const structure = ({ firstNode, lastNode }: Piece) => structureOf(nodes, firstNode, lastNode, producer);
  const pieces = piecesOf(nodes, frontiers, headOfNode);
  const isBody = bodyOf(nodes, pieces, pieces.map(structure));
  const head = headStart(nodes, pieces, isBody);
  if (head < pieces.length) {
    const last = pieces.splice(head + 1).at(-1) ?? (pieces[head] as Piece);
    (pieces[head] as Piece).lastNode = last.lastNode;
  }
  const labels = labelsOf(nodes, pieces, isBody.slice(0, pieces.length), head);
  return pieces.map((piece, id) => {
    const { firstNode, lastNode } = piece;
    const members = nodes.slice(firstNode, lastNode + 1);
    return {
      id,
      label: labels[id] as string,
      firstNode,
      lastNode,
      structure: structure(piece),
      macs: members.reduce((sum, node) => sum + node.macs, 0),
      params: members.reduce((sum, node) => sum + node.params, 0),
    };
  });
}

function piecesOf(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
  headOfNode: Int32Array,
): Piece[] {
  const pieces: Piece[] = [];
  let firstNode = 0;
  for (const [position, frontier] of frontiers.entries()) {
    const isLast = position === nodes.length - 1;
    if (frontier.crossing.length !== 1 && !isLast) continue;
    const heads = headOfNode.subarray(firstNode, position + 1);
    const exit = heads.every((head) => head === heads[0]) ? (heads[0] as number) : -1;
    const previous = pieces.at(-1);
    const follows = nodes.slice(firstNode, position + 1).every((node) => followers.has(node.opType));
    if (previous?.exit === exit && follows) previous.lastNode = position;
    else pieces.push({ firstNode, lastNode: position, exit });
    firstNode = position + 1;
  }
  return pieces;
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

/** Which pieces of the trunk repeat or do several heavy things: its numbered blocks. */
function bodyOf(
  nodes: readonly NodeView[],
  pieces: readonly Piece[],
  structures: readonly string[],
): readonly boolean[] {
  const counts = new Map<string, number>();
  pieces.forEach(({ exit }, at) => {
    const structure = structures[at] as string;
    if (exit < 0) counts.set(structure, (counts.get(structure) ?? 0) + 1);
  });
  return pieces.map(({ exit, firstNode, lastNode }, at) => {
    const heavy = nodes.slice(firstNode, lastNode + 1).filter((node) => node.macs > 0).length;
    const isRepeated = (counts.get(structures[at] as string) ?? 0) > 1;
    return exit < 0 && heavy > 0 && (isRepeated || heavy > 1);
  });
}

/** The first piece of the classifier at the end, which nothing but a classifier's operators and followers makes. */
function headStart(nodes: readonly NodeView[], pieces: readonly Piece[], isBody: readonly boolean[]): number {
  let start = pieces.length;
  // Without numbered blocks the pieces are few and each has the name of its operator.
  for (let at = pieces.length - 1; at > isBody.lastIndexOf(true) && isBody.includes(true); at--) {
    const { exit, firstNode, lastNode } = pieces[at] as Piece;
    const members = nodes.slice(firstNode, lastNode + 1);
    const classifies = members.every(({ opType }) => classifiers.has(opType) || followers.has(opType));
    if (exit >= 0 || !classifies) break;
    start = at;
  }
  return start;
}

/**
 * The trunk's numbered blocks count on over the heads of exits. `stem` is what comes before the first of them,
 * `head` the classifier; what stands between is named by its heaviest operator.
 */
function labelsOf(
  nodes: readonly NodeView[],
  pieces: readonly Piece[],
  isBody: readonly boolean[],
  head: number,
): readonly string[] {
  const first = isBody.indexOf(true);
  let number = 0;
  return pieces.map(({ exit, firstNode, lastNode }, at) => {
    if (exit >= 0) return `exit ${exit + 1} head`;
    if (at === head) return 'head';
    if (isBody[at]) return `block ${++number}`;
    const name = mainOperator(nodes.slice(firstNode, lastNode + 1));
    if (at < first) return at === 0 ? 'stem' : `stem ${name}`;
    return name;
  });
}

function mainOperator(members: readonly NodeView[]): string {
  let main = members[0];
  for (const node of members) if (node.macs > (main?.macs ?? 0)) main = node;
  return main?.opType ?? 'nothing';
}
