import { type Axis, type AxisId, axisOf, formatMetric, type Measure, trialMetrics } from './metrics.ts';
import { frontOfTrials } from './pareto.ts';
import { niceScale, type Scale } from './ticks.ts';
import type { Trial } from './trial.ts';

export interface PlotOptions {
  readonly x: AxisId;
  readonly y: AxisId;
  readonly title: string;
  /** Under the title: the model, the images, the device. */
  readonly subtitle?: string;
  readonly width?: number;
  readonly height?: number;
}

interface Point {
  readonly trial: Trial;
  readonly x: number;
  readonly y: number;
  readonly xMeasure: Measure;
  readonly yMeasure: Measure;
  readonly isOnFront: boolean;
}

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

const margin = { left: 76, right: 28, top: 64, bottom: 58 };
const colours = { ink: '#1c2430', dim: '#6b7686', line: '#dfe4ea', front: '#2563eb', other: '#9aa5b4' };
const fontSize = 12;
/** Mean width of a character in the sans-serif fonts a viewer may have, as a share of the font size. */
const characterWidth = 0.56;
const pointRadius = 4.5;

/**
 * The front as a self-contained SVG document: points with their 95 % intervals, the front as a step line,
 * dominated points faded, labels placed where they overlap nothing. Names appear as text only.
 */
export function frontSvg(trials: readonly Trial[], options: PlotOptions): string {
  const { width = 840, height = 560, title, subtitle = '' } = options;
  const [xAxis, yAxis] = [axisOf(options.x), axisOf(options.y)];
  const frame: Box = {
    left: margin.left,
    top: margin.top,
    right: width - margin.right,
    bottom: height - margin.bottom,
  };
  const front = new Set(frontOfTrials(trials, [options.x, options.y]));
  const shown = trials.flatMap((trial) => {
    const metrics = trialMetrics(trial);
    const [xMeasure, yMeasure] = [metrics[options.x], metrics[options.y]];
    return trial.state.kind !== 'failed' && xMeasure && yMeasure ? [{ trial, xMeasure, yMeasure }] : [];
  });
  const head = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${fontSize}" fill="${colours.ink}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${frame.left}" y="26" font-size="17" font-weight="600">${escapeXml(title)}</text>`,
    `<text x="${frame.left}" y="46" fill="${colours.dim}">${escapeXml(subtitle)}</text>`,
  ];
  if (shown.length === 0) {
    const empty = `<text x="${width / 2}" y="${height / 2}" text-anchor="middle" fill="${colours.dim}">Nothing has been measured on these axes yet.</text>`;
    return `${[...head, empty, '</svg>'].join('\n')}\n`;
  }
  const xScale = scaleOf(
    xAxis,
    shown.map((point) => point.xMeasure),
  );
  const yScale = scaleOf(
    yAxis,
    shown.map((point) => point.yMeasure),
  );
  const toX = (value: number) => project(value, xScale, frame.left, frame.right);
  const toY = (value: number) => project(value, yScale, frame.bottom, frame.top);
  const points: Point[] = shown.map((point) => ({
    ...point,
    x: toX(point.xMeasure.value),
    y: toY(point.yMeasure.value),
    isOnFront: front.has(point.trial),
  }));
  // The front last, so that faded points never cover it.
  points.sort((a, b) => Number(a.isOnFront) - Number(b.isOnFront));
  const lines = [
    ...head,
    ...gridSvg(frame, xAxis, xScale, toX, yAxis, yScale, toY),
    frontLine(points, xAxis, yAxis, frame),
    ...points.map((point) => pointSvg(point, toX, toY, xAxis, yAxis)),
    ...labelsSvg(points, frame),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function scaleOf(axis: Axis, measures: readonly Measure[]): Scale {
  const values = measures.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]);
  return niceScale(values, 6, axis.unit === 'share' ? [0, 1] : [0, Number.POSITIVE_INFINITY]);
}

function project(value: number, { low, high }: Scale, from: number, to: number): number {
  return round(from + ((value - low) / (high - low)) * (to - from));
}

function gridSvg(
  frame: Box,
  xAxis: Axis,
  xScale: Scale,
  toX: (value: number) => number,
  yAxis: Axis,
  yScale: Scale,
  toY: (value: number) => number,
): string[] {
  const middleX = round((frame.left + frame.right) / 2);
  const middleY = round((frame.top + frame.bottom) / 2);
  return [
    ...xScale.ticks.map(
      (tick) =>
        `<line x1="${toX(tick)}" x2="${toX(tick)}" y1="${frame.top}" y2="${frame.bottom}" stroke="${colours.line}"/><text x="${toX(tick)}" y="${frame.bottom + 20}" text-anchor="middle" fill="${colours.dim}">${tickText(xAxis, tick)}</text>`,
    ),
    ...yScale.ticks.map(
      (tick) =>
        `<line x1="${frame.left}" x2="${frame.right}" y1="${toY(tick)}" y2="${toY(tick)}" stroke="${colours.line}"/><text x="${frame.left - 10}" y="${toY(tick) + 4}" text-anchor="end" fill="${colours.dim}">${tickText(yAxis, tick)}</text>`,
    ),
    `<text x="${middleX}" y="${frame.bottom + 44}" text-anchor="middle">${axisTitle(xAxis)}</text>`,
    `<text transform="translate(20 ${middleY}) rotate(-90)" text-anchor="middle">${axisTitle(yAxis)}</text>`,
  ];
}

function axisTitle(axis: Axis): string {
  return `${escapeXml(axis.label)} (${axis.better} is better)`;
}

/** Ticks are round, so trailing zeros say nothing: `2 ms`, not `2.00 ms`. */
function tickText(axis: Axis, tick: number): string {
  return escapeXml(
    tick === 0 && axis.unit === 'ms'
      ? '0'
      : formatMetric(axis, tick)
          .replace(/(\.\d*?)0+(?=\D|$)/, '$1')
          .replace(/\.(?=\D|$)/, ''),
  );
}

/** Between two neighbours of the front nothing better is known, so the line is a staircase, open at both ends. */
function frontLine(points: readonly Point[], xAxis: Axis, yAxis: Axis, frame: Box): string {
  const front = points.filter((point) => point.isOnFront).sort((a, b) => a.x - b.x || b.y - a.y);
  const [first] = front;
  const last = front.at(-1);
  if (!first || !last) return '';
  const bestIsLeft = xAxis.better === 'lower';
  const worstY = yAxis.better === 'higher' ? frame.bottom : frame.top;
  const path = front.map(({ x, y }, index) =>
    index === 0 ? `M${x} ${y}` : bestIsLeft ? `H${x}V${y}` : `V${y}H${x}`,
  );
  const open = bestIsLeft
    ? [`M${first.x} ${worstY}V${first.y}`, ...path, `H${frame.right}`]
    : [`M${frame.left} ${first.y}H${first.x}`, ...path, `V${worstY}`];
  return `<path d="${open.join('')}" fill="none" stroke="${colours.front}" stroke-width="1.6" stroke-opacity="0.7"/>`;
}

function pointSvg(
  { trial, x, y, xMeasure, yMeasure, isOnFront }: Point,
  toX: (value: number) => number,
  toY: (value: number) => number,
  xAxis: Axis,
  yAxis: Axis,
): string {
  const colour = isOnFront ? colours.front : colours.other;
  const about = `${trial.strategy.name}: ${formatMetric(xAxis, xMeasure.value)}, ${formatMetric(yAxis, yMeasure.value)}`;
  const bars = [
    xMeasure.low !== null && xMeasure.high !== null && xMeasure.low < xMeasure.high
      ? `<line x1="${toX(xMeasure.low)}" x2="${toX(xMeasure.high)}" y1="${y}" y2="${y}"/>`
      : '',
    yMeasure.low !== null && yMeasure.high !== null && yMeasure.low < yMeasure.high
      ? `<line x1="${x}" x2="${x}" y1="${toY(yMeasure.low)}" y2="${toY(yMeasure.high)}"/>`
      : '',
  ];
  return `<g stroke="${colour}" stroke-opacity="0.45" fill="${colour}"${isOnFront ? '' : ' opacity="0.55"'}><title>${escapeXml(about)}</title>${bars.join('')}<circle cx="${x}" cy="${y}" r="${pointRadius}" stroke="none"/></g>`;
}

/** Places to try for a label around its point, best first. */
const labelPlaces = [
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

function labelsSvg(points: readonly Point[], frame: Box): string[] {
  const taken: Box[] = points.map(({ x, y }) => ({
    left: x - pointRadius,
    right: x + pointRadius,
    top: y - pointRadius,
    bottom: y + pointRadius,
  }));
  // Points of the front choose first.
  return [...points].reverse().flatMap(({ trial, x, y, isOnFront }) => {
    const name = shortened(trial.strategy.name);
    const candidates = labelPlaces.map((place) => ({
      place,
      box: labelBox(name, x + place.dx, y + place.dy, place.anchor),
    }));
    const free = candidates.find(
      ({ box }) => isInside(box, frame) && !taken.some((other) => overlaps(box, other)),
    );
    // A dominated point without room keeps its name in its tooltip.
    const chosen = free ?? (isOnFront ? candidates.find(({ box }) => isInside(box, frame)) : undefined);
    if (!chosen) return [];
    taken.push(chosen.box);
    const { dx, dy, anchor } = chosen.place;
    const colour = isOnFront ? colours.ink : colours.dim;
    return [
      `<text x="${round(x + dx)}" y="${round(y + dy)}" text-anchor="${anchor}" fill="${colour}">${escapeXml(name)}</text>`,
    ];
  });
}

function shortened(name: string): string {
  const characters = [...name];
  return characters.length > 40 ? `${characters.slice(0, 39).join('')}…` : name;
}

function labelBox(name: string, x: number, y: number, anchor: 'start' | 'middle' | 'end'): Box {
  const width = [...name].length * fontSize * characterWidth;
  const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
  return { left, right: left + width, top: y - fontSize * 0.85, bottom: y + fontSize * 0.25 };
}

function isInside(box: Box, frame: Box): boolean {
  return (
    box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom
  );
}

function overlaps(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}

/** Text for an XML document: no markup, and no characters that XML 1.0 forbids. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
