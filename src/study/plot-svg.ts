import { layOutFront, type Mark } from './front-layout.ts';
import { type Axis, type AxisId, axisOf, formatMetric, isEmulatedTrial } from './metrics.ts';
import { type Box, frontPath, labelFontSize, placeLabels, pointRadius } from './plot-layout.ts';
import { placeTicks, tickText } from './tick-texts.ts';
import type { Scale } from './ticks.ts';
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

const margin = { left: 76, right: 40, top: 64, bottom: 58 };
const colours = {
  ink: '#1c2430',
  dim: '#6b7686',
  line: '#dfe4ea',
  front: '#2563eb',
  other: '#9aa5b4',
  paper: '#ffffff',
};

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
  const { xScale, yScale, toX, toY, marks } = layOutFront(trials, xAxis, yAxis, frame);
  const head = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif" font-size="${labelFontSize}" fill="${colours.ink}">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="${colours.paper}"/>`,
    `<text x="${frame.left}" y="26" font-size="17" font-weight="600">${escapeXml(title)}</text>`,
    `<text x="${frame.left}" y="46" fill="${colours.dim}">${escapeXml(subtitle)}</text>`,
  ];
  if (marks.length === 0) {
    const empty = `<text x="${width / 2}" y="${height / 2}" text-anchor="middle" fill="${colours.dim}">Nothing has been measured on these axes yet.</text>`;
    return `${[...head, empty, '</svg>'].join('\n')}\n`;
  }
  const lines = [
    ...head,
    ...gridSvg(frame, xAxis, xScale, toX, yAxis, yScale, toY),
    `<path d="${frontPath(marks, xAxis, yAxis, frame)}" fill="none" stroke="${colours.front}" stroke-width="1.6" stroke-opacity="0.7"/>`,
    ...marks.map((mark) => pointSvg(mark, toX, toY, xAxis, yAxis)),
    ...labelsSvg(marks, frame),
    ...(marks.some(({ trial }) => isEmulatedTrial(trial)) ? [emulatedLegend(frame)] : []),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
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
        `<line x1="${toX(tick)}" x2="${toX(tick)}" y1="${frame.top}" y2="${frame.bottom}" stroke="${colours.line}"/>`,
    ),
    ...placeTicks(xAxis, xScale.ticks, toX, frame.right + margin.right).map(
      ({ text, x, anchor }) =>
        `<text x="${x}" y="${frame.bottom + 20}" text-anchor="${anchor}" fill="${colours.dim}">${escapeXml(text)}</text>`,
    ),
    ...yScale.ticks.map(
      (tick) =>
        `<line x1="${frame.left}" x2="${frame.right}" y1="${toY(tick)}" y2="${toY(tick)}" stroke="${colours.line}"/><text x="${frame.left - 10}" y="${toY(tick) + 4}" text-anchor="end" fill="${colours.dim}">${escapeXml(tickText(yAxis, tick))}</text>`,
    ),
    `<text x="${middleX}" y="${frame.bottom + 44}" text-anchor="middle">${axisTitle(xAxis)}</text>`,
    `<text transform="translate(20 ${middleY}) rotate(-90)" text-anchor="middle">${axisTitle(yAxis)}</text>`,
  ];
}

function axisTitle(axis: Axis): string {
  return `${escapeXml(axis.label)} (${axis.better} is better)`;
}

function pointSvg(
  { trial, x, y, xMeasure, yMeasure, isOnFront }: Mark,
  toX: (value: number) => number,
  toY: (value: number) => number,
  xAxis: Axis,
  yAxis: Axis,
): string {
  const colour = isOnFront ? colours.front : colours.other;
  const isHollow = isEmulatedTrial(trial);
  const about = `${trial.strategy.name}: ${formatMetric(xAxis, xMeasure.value)}, ${formatMetric(yAxis, yMeasure.value)}${isHollow ? ' (emulated)' : ''}`;
  const paint = isHollow ? `fill="${colours.paper}" stroke-opacity="1" stroke-width="2"` : 'stroke="none"';
  const circle = `<circle cx="${x}" cy="${y}" r="${pointRadius}" ${paint}/>`;
  const bars = [
    xMeasure.low !== null && xMeasure.high !== null && xMeasure.low < xMeasure.high
      ? `<line x1="${toX(xMeasure.low)}" x2="${toX(xMeasure.high)}" y1="${y}" y2="${y}"/>`
      : '',
    yMeasure.low !== null && yMeasure.high !== null && yMeasure.low < yMeasure.high
      ? `<line x1="${x}" x2="${x}" y1="${toY(yMeasure.low)}" y2="${toY(yMeasure.high)}"/>`
      : '',
  ];
  return `<g stroke="${colour}" stroke-opacity="0.45" fill="${colour}"${isOnFront ? '' : ' opacity="0.55"'}><title>${escapeXml(about)}</title>${bars.join('')}${circle}</g>`;
}

function emulatedLegend({ right, top }: Box): string {
  return `<text x="${right}" y="${top - 6}" text-anchor="end" fill="${colours.dim}">○ emulated: calculated for other tiers and links</text>`;
}

function labelsSvg(points: readonly Mark[], frame: Box): string[] {
  const named = points.map((point) => ({ ...point, name: point.trial.strategy.name }));
  return placeLabels(named, frame).flatMap((label, index) => {
    if (!label) return [];
    const colour = points[index]?.isOnFront ? colours.ink : colours.dim;
    return [
      `<text x="${round(label.x)}" y="${round(label.y)}" text-anchor="${label.anchor}" fill="${colour}">${escapeXml(label.text)}</text>`,
    ];
  });
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
