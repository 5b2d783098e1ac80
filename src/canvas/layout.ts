import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import type { Box } from './boxes.ts';
import { boxIndexOf } from './boxes.ts';
import { type Interval, packIntervals } from './rails.ts';

/**
 * A layout of our own in which a frontier is a horizontal line: every box has a row to itself, in topological
 * order from top to bottom, so the line between two rows crosses exactly the values that cross that cut. The
 * longest path (the trunk) is the middle column, everything else the side column to its right. Edges that
 * skip rows run as vertical rails beside the columns, one rail per value however many consumers it has.
 * Linear in boxes and edges but for packing the rails. Lengths are pixels at zoom 1; the trunk's centre is x = 0.
 */
export interface Layout {
  readonly boxes: readonly PlacedBox[];
  readonly wires: readonly Wire[];
  /** For each node, the height of the frontier after it; strictly increasing. */
  readonly frontierY: Float64Array;
  readonly exits: readonly PlacedExit[];
  readonly bounds: Bounds;
  /** Left edge and width of the side column. */
  readonly sideX: number;
}

export interface PlacedBox {
  readonly box: Box;
  readonly column: 'trunk' | 'side';
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A line from a box to another. */
export interface Wire {
  /** x0, y0, x1, y1, ...: corners of a polyline with horizontal and vertical parts. */
  readonly points: readonly number[];
  readonly top: number;
  readonly bottom: number;
  /** Rows (indices into `boxes`) it joins. */
  readonly from: number;
  readonly to: number;
  /** The bend where a rail joins a line already drawn: left out when seen from afar. */
  readonly minor: boolean;
  /** Exit whose ramp this is; null for the rest. */
  readonly exit: number | null;
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

export const TRUNK_WIDTH = 252;
export const SIDE_WIDTH = 152;
const RAIL_STEP = 8;
const GUTTER = 22;
const EXIT_GUTTER = 36;

/** Lays out boxes as made by `boxesOf` for the same view. */
export function layOut(view: GraphView, boxes: readonly Box[]): Layout {
  const links = linksOf(view, boxes);
  const columns = columnsOf(view, boxes, links);
  const ys = rowTops(boxes);
  const blocked = blockedRows(boxes, columns);

  // Which links are straight, which branch off their column's line, and which need a rail.
  const routes = links.flatMap((link) =>
    link.targets.map((target) => ({ link, target, shape: shapeOf(link.source, target, columns, blocked) })),
  );
  const railOf = packRails(links, columns, blocked);
  const midRails = railOf.middleCount;
  const hasSide = columns.includes('side');
  const sideX = TRUNK_WIDTH / 2 + Math.max(GUTTER + midRails * RAIL_STEP, EXIT_GUTTER);

  const placed = boxes.map((box, row): PlacedBox => {
    const column = columns[row] ?? 'trunk';
    const width = column === 'trunk' ? TRUNK_WIDTH : SIDE_WIDTH;
    const x = column === 'trunk' ? -TRUNK_WIDTH / 2 : sideX;
    return { box, column, x, y: ys[row] ?? 0, width, height: boxHeight(box) };
  });

  const wires: Wire[] = [];
  const farthest = farthestRails(routes, railOf);
  for (const { link, target, shape } of routes) {
    const from = placed[link.source] as PlacedBox;
    const to = placed[target] as PlacedBox;
    const exit = from.column === 'trunk' ? to.box.exit : null;
    if (shape === 'straight') {
      addWire(wires, [centre(from), bottom(from), centre(to), to.y], link.source, target, exit);
    } else if (shape === 'branch') {
      // Off the trunk's line at the height of the target, as an exit's ramp leaves the road.
      const y = to.y + to.height / 2;
      const start = exit === null ? [centre(from), bottom(from)] : [];
      addWire(wires, [...start, centre(from), y, to.x, y], link.source, target, exit);
    } else if (shape === 'merge') {
      const y = to.y + to.height / 2;
      addWire(
        wires,
        [centre(from), bottom(from), centre(from), y, to.x + to.width, y],
        link.source,
        target,
        null,
      );
    } else {
      addRail(wires, link, target, placed, railOf, farthest, exit);
    }
  }

  const exits = placeExits(view, placed, sideX);
  for (const { stands, exit, dotX, dotY, tagX } of exits) {
    const row = boxIndexOf(boxes, view.exits[exit]?.node ?? 0);
    if (stands === 'at trunk') addWire(wires, [dotX, dotY, tagX, dotY], row, row, exit);
  }
  const left = -TRUNK_WIDTH / 2 - (railOf.leftCount > 0 ? GUTTER + railOf.leftCount * RAIL_STEP : 0);
  const tagsBeside = exits.some(({ stands }) => stands === 'beside head');
  const right = hasSide || exits.length > 0 ? sideX + SIDE_WIDTH * (tagsBeside ? 2 : 1) : TRUNK_WIDTH / 2;
  const last = placed.at(-1);
  return {
    boxes: placed,
    wires: wires.toSorted((a, b) => a.top - b.top),
    frontierY: frontierHeights(view, placed),
    exits,
    bounds: { left, right, top: 0, bottom: last ? last.y + last.height : 0 },
    sideX,
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

/** A value that leaves its box, with the rows that consume it (ascending, without the source). */
interface Link {
  readonly value: ValueName;
  readonly source: number;
  readonly targets: readonly number[];
}

type RouteShape = 'straight' | 'branch' | 'merge' | 'rail';
type Column = PlacedBox['column'];

function linksOf(view: GraphView, boxes: readonly Box[]): readonly Link[] {
  const rowOfNode = new Int32Array(view.nodes.length);
  boxes.forEach((box, row) => {
    if (box.kind !== 'header') rowOfNode.fill(row, box.firstNode, box.lastNode + 1);
  });
  const targetsOf = new Map<ValueName, { source: number; targets: Set<number> }>();
  for (const { from, to, value } of view.edges) {
    if (to < 0) continue;
    const source = from < 0 ? 0 : (rowOfNode[from] ?? 0);
    const target = rowOfNode[to] ?? 0;
    if (source === target) continue;
    const link = targetsOf.get(value);
    if (link) link.targets.add(target);
    else targetsOf.set(value, { source, targets: new Set([target]) });
  }
  return [...targetsOf].map(([value, { source, targets }]) => ({
    value,
    source,
    targets: [...targets].toSorted((a, b) => a - b),
  }));
}

/** The trunk is the longest path to the final output; what is not on it goes to the side. */
function columnsOf(view: GraphView, boxes: readonly Box[], links: readonly Link[]): readonly Column[] {
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
  for (let row = boxIndexOf(boxes, finalNode); row > 0; row = deepest[row] ?? -1) columns[row] = 'trunk';
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

/** For each column, how many boxes that block a vertical line lie above each row. */
interface Blocked {
  readonly trunk: Int32Array;
  readonly side: Int32Array;
}

function blockedRows(boxes: readonly Box[], columns: readonly Column[]): Blocked {
  const trunk = new Int32Array(boxes.length + 1);
  const side = new Int32Array(boxes.length + 1);
  boxes.forEach((box, row) => {
    const solid = box.kind !== 'header';
    trunk[row + 1] = (trunk[row] ?? 0) + (solid && columns[row] === 'trunk' ? 1 : 0);
    side[row + 1] = (side[row] ?? 0) + (solid && columns[row] === 'side' ? 1 : 0);
  });
  return { trunk, side };
}

function shapeOf(source: number, target: number, columns: readonly Column[], blocked: Blocked): RouteShape {
  const from = columns[source] ?? 'trunk';
  const to = columns[target] ?? 'trunk';
  const free = (column: Column): boolean =>
    (blocked[column][target] ?? 0) - (blocked[column][source + 1] ?? 0) === 0;
  if (from === to) return free(from) ? 'straight' : 'rail';
  if (!free(from)) return 'rail';
  return from === 'trunk' ? 'branch' : 'merge';
}

interface Rails {
  /** Lane of a link's rail in its gutter; one per gutter the link needs. */
  readonly left: ReadonlyMap<Link, number>;
  readonly middle: ReadonlyMap<Link, number>;
  readonly leftCount: number;
  readonly middleCount: number;
}

function packRails(links: readonly Link[], columns: readonly Column[], blocked: Blocked): Rails {
  const left: Interval<Link>[] = [];
  const middle: Interval<Link>[] = [];
  for (const link of links) {
    for (const gutter of ['left', 'middle'] as const) {
      const targets = link.targets.filter(
        (target) =>
          gutterOf(link.source, target, columns) === gutter &&
          shapeOf(link.source, target, columns, blocked) === 'rail',
      );
      const end = targets.at(-1);
      if (end !== undefined)
        (gutter === 'left' ? left : middle).push({ item: link, start: link.source, end });
    }
  }
  const packedLeft = packIntervals(left);
  const packedMiddle = packIntervals(middle);
  return {
    left: packedLeft.lanes,
    middle: packedMiddle.lanes,
    leftCount: packedLeft.count,
    middleCount: packedMiddle.count,
  };
}

/** Skips along the trunk run on its left; whatever touches the side column runs between the columns. */
function gutterOf(source: number, target: number, columns: readonly Column[]): 'left' | 'middle' {
  return columns[source] === 'trunk' && columns[target] === 'trunk' ? 'left' : 'middle';
}

function railX(link: Link, gutter: 'left' | 'middle', rails: Rails): number {
  const lane = rails[gutter].get(link) ?? 0;
  const offset = TRUNK_WIDTH / 2 + GUTTER / 2 + (lane + 0.5) * RAIL_STEP;
  return gutter === 'left' ? -offset : offset;
}

/** For each target and gutter, the rail whose line into the box is the longest: the others join it. */
function farthestRails(
  routes: readonly { readonly link: Link; readonly target: number; readonly shape: RouteShape }[],
  rails: Rails,
): ReadonlyMap<string, Link> {
  const farthest = new Map<string, Link>();
  for (const { link, target, shape } of routes) {
    if (shape !== 'rail') continue;
    for (const gutter of ['left', 'middle'] as const) {
      if (!rails[gutter].has(link)) continue;
      const key = `${gutter}${target}`;
      const old = farthest.get(key);
      if (!old || (rails[gutter].get(link) ?? 0) > (rails[gutter].get(old) ?? 0)) farthest.set(key, link);
    }
  }
  return farthest;
}

function addRail(
  wires: Wire[],
  link: Link,
  target: number,
  placed: readonly PlacedBox[],
  rails: Rails,
  farthest: ReadonlyMap<string, Link>,
  exit: number | null,
): void {
  const from = placed[link.source] as PlacedBox;
  const to = placed[target] as PlacedBox;
  const gutter = from.column === 'trunk' && to.column === 'trunk' ? 'left' : 'middle';
  const x = railX(link, gutter, rails);
  const fromX = x < from.x ? from.x : from.x + from.width;
  const toX = x < to.x ? to.x : to.x + to.width;
  const fromY = bottom(from) - 10;
  const toY = to.y + Math.min(12, to.height / 2);
  const isLongest = link.targets.at(-1) === target || !sameGutterAfter(link, target, placed, gutter);
  const joins = farthest.get(`${gutter}${target}`) !== link;
  if (isLongest) {
    const end = joins ? x + Math.sign(toX - x) * (RAIL_STEP - 1) : toX;
    addWire(wires, [fromX, fromY, x, fromY, x, toY, end, toY], link.source, target, exit);
  } else {
    const end = joins ? x + Math.sign(toX - x) * (RAIL_STEP - 1) : toX;
    addWire(wires, [x, toY - RAIL_STEP, x, toY, end, toY], link.source, target, exit, joins);
  }
}

/** Whether the link's rail in this gutter goes on to a later target. */
function sameGutterAfter(
  link: Link,
  target: number,
  placed: readonly PlacedBox[],
  gutter: 'left' | 'middle',
): boolean {
  const last = link.targets.findLast(
    (other) =>
      (placed[link.source]?.column === 'trunk' && placed[other]?.column === 'trunk' ? 'left' : 'middle') ===
      gutter,
  );
  return last !== undefined && last > target;
}

function addWire(
  wires: Wire[],
  points: readonly number[],
  from: number,
  to: number,
  exit: number | null,
  minor = false,
): void {
  let top = Infinity;
  let low = -Infinity;
  for (let i = 1; i < points.length; i += 2) {
    top = Math.min(top, points[i] ?? top);
    low = Math.max(low, points[i] ?? low);
  }
  wires.push({ points, top, bottom: low, from, to, minor, exit });
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
    if (count > 0) heights[box.lastNode] = below ? (bottom(at) + below.y) / 2 : bottom(at) + 12;
  });
  return heights;
}

function placeExits(view: GraphView, placed: readonly PlacedBox[], sideX: number): readonly PlacedExit[] {
  const boxes = placed.map(({ box }) => box);
  return view.exits.slice(0, -1).map(({ index, node }): PlacedExit => {
    const rows = placed.flatMap(({ box }, row) => (box.exit === index && box.kind !== 'header' ? [row] : []));
    const first = placed[rows[0] ?? -1];
    const last = placed[rows.at(-1) ?? -1];
    if (!first || !last) {
      // The output is a value of the trunk itself: no head, only a tag.
      const at = placed[boxIndexOf(boxes, node)] as PlacedBox;
      const y = bottom(at) + 10;
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

function centre(at: PlacedBox): number {
  return at.x + at.width / 2;
}

function bottom(at: PlacedBox): number {
  return at.y + at.height;
}
