import type { GraphView } from '../onnx/graph-view.ts';
import type { Box } from './boxes.ts';
import {
  bottomOf,
  type Column,
  GUTTER,
  type PlacedBox,
  RAIL_STEP,
  SIDE_WIDTH,
  TRUNK_WIDTH,
} from './geometry.ts';
import { drawWires, type Link, linksOf, planWires, type Wire, wire } from './wires.ts';

/**
 * A layout of our own in which a frontier is a horizontal line: every box has a row to itself, in topological
 * order from top to bottom, so the line between two rows crosses exactly the values that cross that cut. The
 * longest path (the trunk) is the middle column, everything else the side column to its right. Edges that
 * skip rows run as vertical rails beside the columns, one rail per value however many consumers it has.
 * Linear in boxes and edges but for packing the rails. Lengths are pixels at zoom 1; the trunk's centre is x = 0.
 */
export interface Layout {
  readonly boxes: readonly PlacedBox[];
  /** For each node, the row (index into `boxes`) that shows it. */
  readonly rowOfNode: Int32Array;
  readonly wires: readonly Wire[];
  /** For each node, the height of the frontier after it; strictly increasing. */
  readonly frontierY: Float64Array;
  readonly exits: readonly PlacedExit[];
  readonly bounds: Bounds;
}

/** Where an exit leaves the trunk and where its tag stands. */
export interface PlacedExit {
  readonly exit: number;
  readonly dotX: number;
  readonly dotY: number;
  readonly tagX: number;
  readonly tagY: number;
  /** The tag stands for the folded head (a box is reserved for it), beside the unfolded head, or at the trunk that makes the output. */
  readonly stands: 'for head' | 'beside head' | 'at trunk';
}

export interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Between trunk and side column at least as much: room for the exits' ramps. */
const EXIT_GUTTER = 36;

/** Lays out boxes as made by `boxesOf` for the same view. */
export function layOut(view: GraphView, boxes: readonly Box[]): Layout {
  const rowOfNode = rowsOfNodes(view, boxes);
  const links = linksOf(view, rowOfNode);
  const columns = columnsOf(view, boxes, links, rowOfNode);
  const plan = planWires(boxes, columns, links);
  const { left: leftRails, middle: middleRails } = plan.rails.count;
  const sideX = TRUNK_WIDTH / 2 + Math.max(GUTTER + middleRails * RAIL_STEP, EXIT_GUTTER);

  const ys = rowTops(boxes);
  const placed = boxes.map((box, row): PlacedBox => {
    const column = columns[row] ?? 'trunk';
    const width = column === 'trunk' ? TRUNK_WIDTH : SIDE_WIDTH;
    const x = column === 'trunk' ? -TRUNK_WIDTH / 2 : sideX;
    return { box, column, x, y: ys[row] ?? 0, width, height: boxHeight(box) };
  });

  const exits = placeExits(view, placed, rowOfNode, sideX);
  const wires = drawWires(plan, placed);
  for (const { stands, exit, dotX, dotY, tagX } of exits) {
    const row = rowOfNode[view.exits[exit]?.node ?? 0] ?? 0;
    if (stands === 'at trunk') wires.push(wire([dotX, dotY, tagX, dotY], { from: row, to: row, exit }));
  }
  const hasSide = columns.includes('side') || exits.length > 0;
  const tagsBeside = exits.some(({ stands }) => stands === 'beside head');
  const last = placed.at(-1);
  return {
    boxes: placed,
    rowOfNode,
    wires,
    frontierY: frontierHeights(view, placed),
    exits,
    bounds: {
      left: -TRUNK_WIDTH / 2 - (leftRails > 0 ? GUTTER + leftRails * RAIL_STEP : 0),
      right: hasSide ? sideX + SIDE_WIDTH * (tagsBeside ? 2 : 1) : TRUNK_WIDTH / 2,
      top: 0,
      bottom: last ? bottomOf(last) : 0,
    },
  };
}

/** Height of a box in pixels at zoom 1: stacks grow with what they hold, so that a cut inside has room to move. */
export function boxHeight(box: Box): number {
  switch (box.kind) {
    case 'input':
      return 34;
    case 'header':
      return 26;
    case 'node':
      return 46;
    case 'head':
      return 48;
    case 'block':
      return 48;
    case 'stack':
      return 60 + Math.min(60, 12 * Math.log2(box.count));
  }
}

function rowsOfNodes(view: GraphView, boxes: readonly Box[]): Int32Array {
  const rows = new Int32Array(view.nodes.length);
  boxes.forEach((box, row) => {
    if (box.kind !== 'header') rows.fill(row, box.firstNode, box.lastNode + 1);
  });
  return rows;
}

/** The trunk is the longest path to the final output; what is not on it goes to the side. */
function columnsOf(
  view: GraphView,
  boxes: readonly Box[],
  links: readonly Link[],
  rowOfNode: Int32Array,
): readonly Column[] {
  const depth = new Int32Array(boxes.length);
  const deepest = new Int32Array(boxes.length).fill(-1);
  const bySource = links.toSorted((a, b) => a.source - b.source);
  for (const { source, targets } of bySource) {
    for (const target of targets) {
      const candidate = (depth[source] ?? 0) + 1;
      // At equal depth the later row: its line to the target is the shorter one.
      if (candidate >= (depth[target] ?? 0)) {
        depth[target] = candidate;
        deepest[target] = source;
      }
    }
  }
  const columns = boxes.map(
    (box): Column => (box.kind === 'input' || box.kind === 'header' ? 'trunk' : 'side'),
  );
  const finalNode = view.exits.at(-1)?.node ?? view.nodes.length - 1;
  for (let row = rowOfNode[finalNode] ?? 0; row > 0; row = deepest[row] ?? -1) columns[row] = 'trunk';
  boxes.forEach((box, row) => {
    if (box.kind === 'header' && box.exit !== null) columns[row] = 'side';
  });
  return columns;
}

function rowTops(boxes: readonly Box[]): readonly number[] {
  let y = 0;
  return boxes.map((box, row) => {
    const above = boxes[row - 1];
    if (above) y += boxHeight(above) + gapBetween(above, box);
    return y;
  });
}

function gapBetween(above: Box, below: Box): number {
  if (above.kind === 'header') return 10;
  return above.kind === 'node' && below.kind === 'node' ? 22 : 28;
}

/** The frontier after a node: in the gap below its box, or, inside a folded box, at its share of the height. */
function frontierHeights(view: GraphView, placed: readonly PlacedBox[]): Float64Array {
  const heights = new Float64Array(view.nodes.length);
  placed.forEach((at, row) => {
    const { box } = at;
    if (box.kind === 'header') return;
    const below = placed[row + 1];
    const count = box.lastNode - box.firstNode + 1;
    for (let node = box.firstNode; node < box.lastNode; node++) {
      heights[node] = at.y + (at.height * (node - box.firstNode + 1)) / count;
    }
    if (count > 0) heights[box.lastNode] = below ? (bottomOf(at) + below.y) / 2 : bottomOf(at) + 12;
  });
  return heights;
}

function placeExits(
  view: GraphView,
  placed: readonly PlacedBox[],
  rowOfNode: Int32Array,
  sideX: number,
): readonly PlacedExit[] {
  return view.exits.slice(0, -1).map(({ index, node }): PlacedExit => {
    const rows = placed.flatMap(({ box }, row) => (box.exit === index && box.kind !== 'header' ? [row] : []));
    const first = placed[rows[0] ?? -1];
    const last = placed[rows.at(-1) ?? -1];
    if (!first || !last) {
      // The output is a value of the trunk itself: no head, only a tag.
      const at = placed[rowOfNode[node] ?? 0] as PlacedBox;
      const y = bottomOf(at) + 10;
      return { exit: index, dotX: 0, dotY: y, tagX: sideX, tagY: y, stands: 'at trunk' };
    }
    const folded = last.box.kind === 'head';
    return {
      exit: index,
      dotX: 0,
      dotY: first.y + first.height / 2,
      tagX: folded ? sideX : sideX + SIDE_WIDTH + 12,
      tagY: last.y + last.height / 2,
      stands: folded ? 'for head' : 'beside head',
    };
  });
}
