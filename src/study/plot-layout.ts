import type { Axis, Measure } from './metrics.ts';
import { niceScale, type Scale } from './ticks.ts';

/** Where a label stands beside its point. */
export interface LabelPlace {
  readonly text: string;
  readonly x: number;
  readonly y: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

/** A point on screen with the name that should stand beside it. */
export interface LabelledPoint {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly isOnFront: boolean;
}

/** Pixels, y downwards. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A point as it is drawn, and whether it is on the front. */
export interface DrawnPoint {
  readonly x: number;
  readonly y: number;
  readonly isOnFront: boolean;
}

/**
 * The front as an SVG path: a staircase, because between two neighbours nothing better is known than the one that is
 * affordable; open at both ends. Empty without a front.
 */
export function frontPath(points: readonly DrawnPoint[], xAxis: Axis, yAxis: Axis, frame: Box): string {
  const isHigherBetter = yAxis.better === 'higher';
  const front = points
    .filter((point) => point.isOnFront)
    .sort((a, b) => a.x - b.x || (isHigherBetter ? b.y - a.y : a.y - b.y));
  const [first] = front;
  const last = front.at(-1);
  if (!first || !last) return '';
  const bestIsLeft = xAxis.better === 'lower';
  const worstY = isHigherBetter ? frame.bottom : frame.top;
  const corners = front.map(({ x, y }) => (bestIsLeft ? `H${x}V${y}` : `V${y}H${x}`)).join('');
  return bestIsLeft
    ? `M${first.x} ${worstY}${corners}H${frame.right}`
    : `M${frame.left} ${first.y}${corners}V${worstY}`;
}

/** Where a value of an axis is drawn, to a hundredth of a pixel. */
export function project(value: number, { low, high }: Scale, from: number, to: number): number {
  return Math.round(100 * (from + ((value - low) / (high - low)) * (to - from))) / 100;
}

/** Of the names of points, in pixels. */
export const labelFontSize = 12;
/** Radius that labels keep free around a point. */
export const pointRadius = 4.5;
/** Mean width of a character in the sans-serif fonts a viewer may have, as a share of the font size. */
const characterWidth = 0.56;
/** Between names on one line: less would read as one name. */
const labelGap = 7;
/** Characters of a name that are tried, the most first: what a name begins with tells more than no name. */
const nameLengths = [40, 24, 14] as const;

/** Places to try for a label around its point, best first. */
const places = [
  { dx: 9, dy: -8, anchor: 'start' },
  { dx: 9, dy: 17, anchor: 'start' },
  { dx: -9, dy: -8, anchor: 'end' },
  { dx: -9, dy: 17, anchor: 'end' },
  { dx: 0, dy: -13, anchor: 'middle' },
  { dx: 0, dy: 23, anchor: 'middle' },
  { dx: 9, dy: -24, anchor: 'start' },
  { dx: 9, dy: 33, anchor: 'start' },
  { dx: -9, dy: -24, anchor: 'end' },
  { dx: -9, dy: 33, anchor: 'end' },
] as const;

/**
 * Places names beside their points so that they cover neither points nor each other, and so that no other point is
 * nearer, whose name it would seem. Points of the front choose first; where there is no room, a name is shortened, and
 * then left out: the table below names all.
 * @returns for each point its label, or null
 */
export function placeLabels(points: readonly LabelledPoint[], frame: Box): readonly (LabelPlace | null)[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    left: x - pointRadius,
    right: x + pointRadius,
    top: y - pointRadius,
    bottom: y + pointRadius,
  }));
  const labels: (LabelPlace | null)[] = points.map(() => null);
  const order = points.map((_, index) => index).sort((a, b) => rank(points[a]) - rank(points[b]));
  for (const index of order) {
    const own = points[index] as LabelledPoint;
    const { name, x, y } = own;
    const texts = new Set(nameLengths.map((length) => shortened(name, length)));
    const candidates = [...texts].flatMap((text) =>
      places.map(({ dx, dy, anchor }) => ({
        label: { text, x: x + dx, y: y + dy, anchor },
        box: labelBox(text, x + dx, y + dy, anchor),
      })),
    );
    const chosen = candidates.find(
      ({ box }) =>
        isInside(box, frame) &&
        !taken.some((other) => overlaps(box, other)) &&
        points.every((point) => distance(box, point) >= distance(box, own)),
    );
    if (!chosen) continue;
    const { left, right } = chosen.box;
    taken.push({ ...chosen.box, left: left - labelGap, right: right + labelGap });
    labels[index] = chosen.label;
  }
  return labels;
}

function rank(point: LabelledPoint | undefined): number {
  return point?.isOnFront ? 0 : 1;
}

/** The beginning of a name that has more than so many characters. */
export function shortened(name: string, length: number): string {
  const characters = Array.from(name);
  return characters.length > length ? `${characters.slice(0, length - 1).join('')}…` : name;
}

/** A name without its middle, if it is too long: names of strategies often differ in their ends alone. */
export function withoutMiddle(name: string, length: number): string {
  const characters = Array.from(name);
  if (characters.length <= length) return name;
  const tail = Math.floor((length - 1) * 0.45);
  const head = characters.slice(0, length - 1 - tail).join('');
  return `${head.trimEnd()}…${characters
    .slice(characters.length - tail)
    .join('')
    .trimStart()}`;
}

/** About how wide a text is, in pixels. */
export function textWidth(text: string, fontSize: number): number {
  return Array.from(text).length * fontSize * characterWidth;
}

function labelBox(name: string, x: number, y: number, anchor: LabelPlace['anchor']): Box {
  const width = textWidth(name, labelFontSize);
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  return { left, right: left + width, top: y - labelFontSize * 0.85, bottom: y + labelFontSize * 0.25 };
}

function isInside(box: Box, frame: Box): boolean {
  return (
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom
  );
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** From a point outside a box to the nearest of the box. */
function distance({ left, top, right, bottom }: Box, { x, y }: LabelledPoint): number {
  return Math.hypot(Math.max(left - x, 0, x - right), Math.max(top - y, 0, y - bottom));
}

/** A scale over measures with their intervals; shares end at 0 and 1. */
export function axisScale(axis: Axis, measures: readonly Measure[], wantedTicks = 6): Scale {
  const values = measures.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  return niceScale(values, wantedTicks, axis.unit === 'share' ? [0, 1] : [0, Number.POSITIVE_INFINITY]);
}
