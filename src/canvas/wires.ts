import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import type { Box } from './boxes.ts';
import {
  bottomOf,
  centreOf,
  type Column,
  GUTTER,
  type PlacedBox,
  RAIL_STEP,
  TRUNK_WIDTH,
} from './geometry.ts';
import { type Interval, packIntervals } from './rails.ts';

/** A line from a box to another. */
export interface Wire {
  /** x0, y0, x1, y1, ...: corners of a polyline with horizontal and vertical parts. */
  readonly points: readonly number[];
  readonly top: number;
  readonly bottom: number;
  /** Rows (indices into `Layout.boxes`) it joins. */
  readonly from: number;
  readonly to: number;
  /** The bend where a rail joins a line already drawn: left out when seen from afar. */
  readonly minor: boolean;
  /** Exit whose ramp this is; null for the rest. */
  readonly exit: number | null;
}

/** A value that leaves its box, with the rows that consume it (ascending, without the source). */
export interface Link {
  readonly value: ValueName;
  readonly source: number;
  readonly targets: readonly number[];
}

/**
 * How a link gets to a target: straight down its column; off its column's line at the target's height
 * (branch); down and into the other column (merge); or along a rail, when boxes stand in between.
 */
type RouteShape = 'straight' | 'branch' | 'merge' | 'rail';

interface Route {
  readonly link: Link;
  readonly target: number;
  readonly shape: RouteShape;
}

/** What is decided about wires before boxes have places: the rails decide how wide the gutters are. */
export interface WirePlan {
  readonly routes: readonly Route[];
  readonly rails: Rails;
}

/** The values that leave their boxes. */
export function linksOf(view: GraphView, rowOfNode: Int32Array): readonly Link[] {
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

/** Chooses a route for every link and target, and packs the rails. */
export function planWires(
  boxes: readonly Box[],
  columns: readonly Column[],
  links: readonly Link[],
): WirePlan {
  const blocked = blockedRows(boxes, columns);
  const routes = links.flatMap((link) =>
    link.targets.map(
      (target): Route => ({ link, target, shape: shapeOf(link.source, target, columns, blocked) }),
    ),
  );
  return { routes, rails: packRails(routes, columns) };
}

/** The lines of all links between placed boxes. */
export function drawWires({ routes, rails }: WirePlan, placed: readonly PlacedBox[]): Wire[] {
  const farthest = farthestRails(routes, rails, placed);
  return routes.map(({ link, target, shape }): Wire => {
    const from = placed[link.source] as PlacedBox;
    const to = placed[target] as PlacedBox;
    const exit = from.column === 'trunk' ? to.box.exit : null;
    const ends = { from: link.source, to: target, exit };
    const middleY = to.y + to.height / 2;
    switch (shape) {
      case 'straight':
        return wire([centreOf(from), bottomOf(from), centreOf(to), to.y], ends);
      case 'branch': {
        // An exit's ramp starts on the trunk's line, like the road it leaves.
        const start = exit === null ? [centreOf(from), bottomOf(from)] : [];
        return wire([...start, centreOf(from), middleY, to.x, middleY], ends);
      }
      case 'merge':
        return wire(
          [centreOf(from), bottomOf(from), centreOf(from), middleY, to.x + to.width, middleY],
          ends,
        );
      case 'rail':
        return railWire({ link, target, shape }, placed, rails, farthest, ends);
    }
  });
}

/** A wire along these corners. */
export function wire(
  points: readonly number[],
  ends: { readonly from: number; readonly to: number; readonly exit: number | null },
  minor = false,
): Wire {
  let top = Infinity;
  let bottom = -Infinity;
  for (let i = 1; i < points.length; i += 2) {
    top = Math.min(top, points[i] ?? top);
    bottom = Math.max(bottom, points[i] ?? bottom);
  }
  return { points, top, bottom, minor, ...ends };
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

type Gutter = 'left' | 'middle';

interface Rails {
  /** Lane of a link's rail in each gutter where it has one. */
  readonly lanes: Readonly<Record<Gutter, ReadonlyMap<Link, number>>>;
  readonly count: Readonly<Record<Gutter, number>>;
  /** The last target of a link's rail in each gutter. */
  readonly ends: Readonly<Record<Gutter, ReadonlyMap<Link, number>>>;
}

function packRails(routes: readonly Route[], columns: readonly Column[]): Rails {
  const ends = { left: new Map<Link, number>(), middle: new Map<Link, number>() };
  // Targets ascend, so the last one stays.
  for (const { link, target, shape } of routes) {
    if (shape === 'rail') ends[gutterOf(columns[link.source], columns[target])].set(link, target);
  }
  const pack = (gutter: Gutter) =>
    packIntervals(
      [...ends[gutter]].map(([item, end]): Interval<Link> => ({ item, start: item.source, end })),
    );
  const [left, middle] = [pack('left'), pack('middle')];
  return {
    lanes: { left: left.lanes, middle: middle.lanes },
    count: { left: left.count, middle: middle.count },
    ends,
  };
}

/** Skips along the trunk run on its left; whatever touches the side column runs between the columns. */
function gutterOf(from: Column | undefined, to: Column | undefined): Gutter {
  return from === 'trunk' && to === 'trunk' ? 'left' : 'middle';
}

function railX(link: Link, gutter: Gutter, rails: Rails): number {
  const lane = rails.lanes[gutter].get(link) ?? 0;
  const offset = TRUNK_WIDTH / 2 + GUTTER / 2 + (lane + 0.5) * RAIL_STEP;
  return gutter === 'left' ? -offset : offset;
}

/** For each target and gutter (see `farthestKey`), the rail whose line into the box is the longest: the others join it. */
function farthestRails(
  routes: readonly Route[],
  rails: Rails,
  placed: readonly PlacedBox[],
): ReadonlyMap<number, Link> {
  const farthest = new Map<number, Link>();
  for (const { link, target, shape } of routes) {
    if (shape !== 'rail') continue;
    const gutter = gutterOf(placed[link.source]?.column, placed[target]?.column);
    const lanes = rails.lanes[gutter];
    const old = farthest.get(farthestKey(target, gutter));
    if (!old || (lanes.get(link) ?? 0) > (lanes.get(old) ?? 0))
      farthest.set(farthestKey(target, gutter), link);
  }
  return farthest;
}

function farthestKey(target: number, gutter: Gutter): number {
  return 2 * target + (gutter === 'left' ? 0 : 1);
}

/** One line from source to last target; for the targets in between only the bend that leaves it. */
function railWire(
  { link, target }: Route,
  placed: readonly PlacedBox[],
  rails: Rails,
  farthest: ReadonlyMap<number, Link>,
  ends: { readonly from: number; readonly to: number; readonly exit: number | null },
): Wire {
  const from = placed[link.source] as PlacedBox;
  const to = placed[target] as PlacedBox;
  const gutter = gutterOf(from.column, to.column);
  const x = railX(link, gutter, rails);
  const toX = x < to.x ? to.x : to.x + to.width;
  const toY = to.y + Math.min(12, to.height / 2);
  const joins = farthest.get(farthestKey(target, gutter)) !== link;
  const end = joins ? x + Math.sign(toX - x) * (RAIL_STEP - 1) : toX;
  if (rails.ends[gutter].get(link) !== target) {
    return wire([x, toY - RAIL_STEP, x, toY, end, toY], ends, joins);
  }
  const fromX = x < from.x ? from.x : from.x + from.width;
  const fromY = bottomOf(from) - 10;
  return wire([fromX, fromY, x, fromY, x, toY, end, toY], ends);
}
