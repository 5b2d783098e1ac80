import { seedFromText } from '../base/random.ts';
import type { FrontierView, NodeView, SkippableBlock, SkippableRun, ValueView } from './graph-view.ts';
import type { ValueName } from './model.ts';

/**
 * Attributes that tell apart blocks of different structure. Dilations and paddings are left out: the blocks of a
 * dilated network differ in nothing else, and the sizes that come out are compared anyway.
 */
const structuralAttributes: ReadonlySet<string> = new Set(
  'kernel_shape strides group axis axes perm transA transB epsilon equation mode num_heads hidden_size'.split(
    ' ',
  ),
);

/** Longest block, in pieces between single-value cuts: an encoder layer with its normalisations spelled out has some 16. */
const maxPiecesPerBlock = 32;

/** The nodes between neighbouring values that cross alone. */
interface Piece {
  readonly from: ValueName;
  readonly to: ValueName;
  readonly firstNode: number;
  readonly lastNode: number;
  readonly macs: number;
  readonly params: number;
  readonly structure: string;
  /** Types and shapes of `from` and `to`; null if not known. */
  readonly before: string | null;
  readonly after: string | null;
}

/**
 * Runs of blocks that inference can leave out, in order: each block has one value as its only input and one as its
 * only output, of equal type and shape, so that what follows may read the one for the other. The blocks of a run
 * follow each other and have identical structure: the same operators, wired alike, with weights of equal shapes.
 * A block without an equal neighbour is a run of its own. What only an early exit needs belongs to no block. Where
 * nothing is repeated along the whole graph (encoders whose values are also sent to a decoder), blocks are looked for
 * beside values that wait for later.
 * @param nodes in topological order
 * @param frontiers the cut after each node, as `frontiersOf` gives them
 * @source Singh et al., Algorithm 1 (early exit of black-box models): identical consecutive sub-graphs, from the end
 */
export function skippableRuns(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
  values: ReadonlyMap<ValueName, ValueView>,
): readonly SkippableRun[] {
  const runs = runsAlong(piecesOf(nodes, frontiers, values));
  const isRepeated = ({ blocks }: SkippableRun): boolean => blocks.length > 1;
  if (runs.some(isRepeated)) return runs;
  const isTaken = nodes.map(() => false);
  for (const pieces of piecesBeside(nodes, frontiers, values)) {
    for (const run of runsAlong(pieces).filter(isRepeated)) {
      if (isTaken.slice(run.firstNode, run.lastNode + 1).includes(true)) continue;
      isTaken.fill(true, run.firstNode, run.lastNode + 1);
      runs.push(run);
    }
  }
  const isApart = (run: SkippableRun): boolean =>
    isRepeated(run) || !isTaken.slice(run.firstNode, run.lastNode + 1).includes(true);
  return runs.filter(isApart).toSorted((a, b) => a.firstNode - b.firstNode);
}

/** Runs of blocks among pieces that follow each other. */
function runsAlong(pieces: readonly Piece[]): SkippableRun[] {
  const runs: SkippableRun[] = [];
  const isFree = pieces.map(() => true);
  const take = (first: number, piecesPerBlock: number, count: number): void => {
    isFree.fill(false, first, first + piecesPerBlock * count);
    const blocks = Array.from({ length: count }, (_, at) =>
      blockOf(pieces.slice(first + at * piecesPerBlock, first + (at + 1) * piecesPerBlock)),
    );
    runs.push(runOf(blocks));
  };
  // Repeated blocks first: a lone one must not swallow the last of a run together with what follows it.
  for (let end = pieces.length - 1; end >= 0; end--) {
    const found = repetitionEndingAt(pieces, end);
    if (found === null) continue;
    end -= found.piecesPerBlock * found.count - 1;
    take(end, found.piecesPerBlock, found.count);
  }
  for (let end = pieces.length - 1; end >= 0; end--) {
    let first = end;
    while (isFree[first] && end - first < maxPiecesPerBlock && !isBlock(pieces, first, end)) first--;
    if (first < 0 || !isFree[first] || !isBlock(pieces, first, end)) continue;
    take(first, end - first + 1, 1);
    end = first;
  }
  return runs.toSorted((a, b) => a.firstNode - b.firstNode);
}

/** The type and shape of a value as a text to compare by; null if they are not wholly known. */
export function shapeKey(value: ValueView | undefined): string | null {
  const { shape = null, dataType } = value ?? {};
  const counted = value?.counted ?? shape;
  if (!counted || dataType === 'undefined' || counted.includes(null)) return null;
  return `${dataType} [${counted.join(', ')}]`;
}

function piecesOf(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
  values: ReadonlyMap<ValueName, ValueView>,
): readonly Piece[] {
  const producer = new Map<ValueName, number>();
  for (const node of nodes) for (const name of node.outputs) producer.set(name, node.index);
  const pieces: Piece[] = [];
  let from: ValueName | null = null;
  let firstNode = 0;
  for (const { afterNode, crossing, legal } of frontiers) {
    const [to] = crossing;
    if (!legal || crossing.length !== 1 || to === undefined) continue;
    if (from !== null && to !== from) {
      pieces.push(pieceOf(from, to, nodes.slice(firstNode, afterNode + 1), producer, values));
    }
    // The same value crosses again behind an exit's head, which so falls between two pieces.
    from = to;
    firstNode = afterNode + 1;
  }
  return pieces;
}

function pieceOf(
  from: ValueName,
  to: ValueName,
  members: readonly NodeView[],
  producer: ReadonlyMap<ValueName, number>,
  values: ReadonlyMap<ValueName, ValueView>,
): Piece {
  return {
    from,
    to,
    firstNode: members[0]?.index ?? 0,
    lastNode: members.at(-1)?.index ?? 0,
    macs: members.reduce((sum, { macs }) => sum + macs, 0),
    params: members.reduce((sum, { params }) => sum + params, 0),
    structure: structureOf(members, producer),
    before: shapeKey(values.get(from)),
    after: shapeKey(values.get(to)),
  };
}

/** Values that may wait beside a block. */
const mostWaiting = 4;

/**
 * Pieces that follow each other while the same other values cross beside them, unused: a list for each set of such
 * values.
 */
function piecesBeside(
  nodes: readonly NodeView[],
  frontiers: readonly FrontierView[],
  values: ReadonlyMap<ValueName, ValueView>,
): readonly (readonly Piece[])[] {
  const producer = new Map<ValueName, number>();
  for (const node of nodes) for (const name of node.outputs) producer.set(name, node.index);
  const open = new Map<string, { pieces: Piece[]; from: ValueName; firstNode: number }>();
  const lists: Piece[][] = [];
  for (const { afterNode, crossing, legal } of frontiers) {
    if (!legal || crossing.length < 2 || crossing.length > mostWaiting + 1) continue;
    for (const to of crossing) {
      const waiting = crossing.filter((name) => name !== to);
      const key = JSON.stringify(waiting.toSorted());
      const last = open.get(key);
      const members = last === undefined ? [] : nodes.slice(last.firstNode, afterNode + 1);
      const isBeside = !members.some(({ inputs }) => inputs.some((name) => waiting.includes(name)));
      if (last !== undefined && isBeside && last.from !== to) {
        last.pieces.push(pieceOf(last.from, to, members, producer, values));
        open.set(key, { pieces: last.pieces, from: to, firstNode: afterNode + 1 });
      } else {
        const pieces: Piece[] = [];
        lists.push(pieces);
        open.set(key, { pieces, from: to, firstNode: afterNode + 1 });
      }
    }
  }
  return lists;
}

function structureOf(members: readonly NodeView[], producer: ReadonlyMap<ValueName, number>): string {
  const firstNode = members[0]?.index ?? 0;
  let text = '';
  for (const node of members) {
    text += `${node.domain}:${node.opType}`;
    for (const { name, text: value } of node.attributes)
      if (structuralAttributes.has(name)) text += `,${name}=${value}`;
    for (const { dataType, dims } of node.weights) text += ` ${dataType}[${dims.join()}]`;
    for (const name of node.inputs) {
      const source = producer.get(name) ?? -1;
      text += source < firstNode ? '<' : `-${node.index - source}`;
    }
    text += ';';
  }
  const half = (part: string): string => seedFromText(part).toString(16).padStart(8, '0');
  return half(text) + half(`${text}!`);
}

/** The shortest block that stands here at least twice in a row, and how often. */
function repetitionEndingAt(
  pieces: readonly Piece[],
  end: number,
): { readonly piecesPerBlock: number; readonly count: number } | null {
  for (let length = 1; length <= Math.min(maxPiecesPerBlock, (end + 1) / 2); length++) {
    const first = end - length + 1;
    if (!isBlock(pieces, first, end)) continue;
    let count = 1;
    while (isEqualBlock(pieces, first - length * count, first, length)) count++;
    if (count > 1) return { piecesPerBlock: length, count };
  }
  return null;
}

/** Something is computed, and what comes out has the type and shape of what goes in. */
function isBlock(pieces: readonly Piece[], first: number, last: number): boolean {
  const before = pieces[first]?.before ?? null;
  if (before === null || before !== pieces[last]?.after) return false;
  return pieces.slice(first, last + 1).some(({ macs }) => macs > 0);
}

function isEqualBlock(pieces: readonly Piece[], one: number, other: number, length: number): boolean {
  if (one < 0 || pieces[one]?.before !== pieces[other]?.before) return false;
  for (let at = 0; at < length; at++) {
    if (pieces[one + at]?.structure !== pieces[other + at]?.structure) return false;
  }
  return true;
}

function blockOf(pieces: readonly Piece[]): SkippableBlock {
  const first = pieces[0] as Piece;
  const last = pieces.at(-1) as Piece;
  return {
    from: first.from,
    to: last.to,
    firstNode: first.firstNode,
    lastNode: last.lastNode,
    macs: pieces.reduce((sum, { macs }) => sum + macs, 0),
    params: pieces.reduce((sum, { params }) => sum + params, 0),
  };
}

function runOf(blocks: readonly SkippableBlock[]): SkippableRun {
  const first = blocks[0] as SkippableBlock;
  const last = blocks.at(-1) as SkippableBlock;
  return {
    from: first.from,
    to: last.to,
    firstNode: first.firstNode,
    lastNode: last.lastNode,
    blocks,
  };
}
