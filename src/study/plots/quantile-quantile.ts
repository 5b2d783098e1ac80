import { ok } from '../../base/result.ts';
import { formatMs } from '../../base/units.ts';
import { type Box, withoutMiddle } from '../plot-layout.ts';
import { normalQuantile } from '../statistics/distributions.ts';
import { shapiroWilk } from '../statistics/shapiro-wilk.ts';
import type { Trial } from '../trial.ts';
import { pText } from '../compare/comparison-text.ts';
import { type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import { dotsPath, type Drawing, type Mark, type Tip } from './drawing.ts';
import { leftOutNotes, type Making, noPicture } from './picture.ts';

interface Panel {
  readonly name: string;
  readonly found: Distribution;
  readonly points: readonly QuantilePoint[];
  /** Shapiro-Wilk in words. */
  readonly normality: string;
  /** Its p alone; empty without a test. */
  readonly p: string;
}

/** A sample against the value that it would have among normal ones. */
export interface QuantilePoint {
  /** Standard normal quantile. */
  readonly normal: number;
  readonly ms: number;
}

/** Of each strategy at most, the least and the greatest among them. */
const mostPoints = 150;

/** Latencies against normal quantiles, a small plot for each strategy. */
export function* quantileQuantile(trials: readonly Trial[]): Making {
  const { timed } = yield* gatherTimed(trials);
  const enough = timed.filter(({ trial }) => (distributionOf(trial)?.sorted.length ?? 0) >= 3);
  if (enough.length === 0)
    return noPicture('No strategy has three timed inferences.', 'Measure with a longer protocol.');
  const panels: Panel[] = [];
  let mayBeNormal = 0;
  for (const { trial, name } of enough) {
    const found = distributionOf(trial) as Distribution;
    const test = shapiroWilk(found.sorted);
    const normality = test.ok
      ? `Shapiro-Wilk W = ${test.value.w.toFixed(3)}, ${pText(test.value.p)}: ${test.value.p < 0.05 ? 'not normal' : 'may be normal'}`
      : 'all samples are equal';
    const p = test.ok ? pText(test.value.p) : '';
    mayBeNormal += test.ok && test.value.p >= 0.05 ? 1 : 0;
    panels.push({ name, found, points: quantilePoints(found.sorted), normality, p });
    yield;
  }
  const few = timed.filter((each) => !enough.includes(each));
  return ok({
    finding: `Latencies of ${mayBeNormal} of ${panels.length} ${panels.length === 1 ? 'strategy' : 'strategies'} may be normal (Shapiro-Wilk, p of at least 0.05).`,
    rows: [
      ['strategy', 'normal_quantile', 'latency_ms'],
      ...panels.flatMap(({ name, points }) => points.map(({ normal, ms }) => [name, normal, ms])),
    ],
    notes: leftOutNotes(few, 'fewer than three inferences were timed'),
    draw: (width) => drawPanels(panels, width),
  });
}

/**
 * Samples at evenly spread ranks with their normal quantiles.
 * @source Blom 1958: the quantile of (rank - 3/8) / (n + 1/4)
 */
export function quantilePoints(sorted: Float64Array): readonly QuantilePoint[] {
  const n = sorted.length;
  const count = Math.min(n, mostPoints);
  return Array.from({ length: count }, (_, at) => {
    const index = count === 1 ? 0 : Math.round((at * (n - 1)) / (count - 1));
    return { normal: normalQuantile((index + 0.625) / (n + 0.25)), ms: sorted[index] as number };
  });
}

const gap = 18;
const panelHeight = 170;

function drawPanels(panels: readonly Panel[], width: number): Drawing {
  const columns = Math.max(1, Math.min(panels.length, Math.floor((width + gap) / (160 + gap))));
  const panelWidth = Math.min(260, (width - (columns - 1) * gap) / columns);
  const boxes = panels.map((_, at): Box => {
    const left = (at % columns) * (panelWidth + gap);
    const top = Math.floor(at / columns) * (panelHeight + gap);
    return { left, top, right: left + panelWidth, bottom: top + panelHeight };
  });
  return {
    width,
    height: Math.ceil(panels.length / columns) * (panelHeight + gap) + 8,
    marks: [
      ...panels.flatMap((panel, at) => panelMarks(panel, boxes[at] as Box)),
      {
        kind: 'text',
        x: 0,
        y: Math.ceil(panels.length / columns) * (panelHeight + gap) + 2,
        text: 'across: quantiles of a normal distribution · upwards: latency',
        ink: 'dim',
      },
    ],
    tips: panels.map(
      ({ name, normality, points }, at): Tip => ({
        box: boxes[at] as Box,
        text: `${name}: from ${formatMs((points[0] as QuantilePoint).ms)} to ${formatMs((points.at(-1) as QuantilePoint).ms)}. ${normality}.`,
      }),
    ),
  };
}

function panelMarks({ name, found, points, p }: Panel, { left, top, right, bottom }: Box): readonly Mark[] {
  const frame: Box = { left: left + 2, right: right - 2, top: top + 22, bottom: bottom - 18 };
  const [first, last] = [points[0] as QuantilePoint, points.at(-1) as QuantilePoint];
  const reach = Math.max(1, last.normal) * 1.05;
  const span = last.ms - first.ms || 1;
  const toX = (normal: number): number =>
    frame.left + ((normal + reach) / (2 * reach)) * (frame.right - frame.left);
  const toY = (ms: number): number =>
    frame.bottom - 6 - ((ms - first.ms) / span) * (frame.bottom - frame.top - 12);
  // Through the quartiles, which single slow inferences do not move.
  const slope = (found.q3 - found.q1) / (2 * quartileNormal);
  const middle = (found.q1 + found.q3) / 2;
  const along = (normal: number): number => middle + slope * normal;
  const ends = clippedEnds(along, slope, reach, first.ms, last.ms);
  return [
    {
      kind: 'text',
      x: left,
      y: top + 14,
      text: withoutMiddle(name, Math.floor((right - left) / 6.8)),
    },
    { kind: 'rect', box: frame, stroke: 'line' },
    {
      kind: 'line',
      x1: toX(ends[0]),
      y1: toY(along(ends[0])),
      x2: toX(ends[1]),
      y2: toY(along(ends[1])),
      stroke: 'dim',
      dash: '4 3',
    },
    {
      kind: 'path',
      d: dotsPath(points.map(({ normal, ms }) => ({ x: toX(normal), y: toY(ms) }))),
      stroke: 'accent',
      strokeWidth: 4,
      roundEnds: true,
    },
    // Points climb from the left below, so this corner stays free.
    ...[`${formatMs(first.ms)} to ${formatMs(last.ms)}`, `n = ${found.sorted.length}`, p].map(
      (text, line): Mark => ({
        kind: 'text',
        x: frame.left + 4,
        y: frame.top + 13 + 14 * line,
        text,
        ink: 'dim',
        size: 11,
      }),
    ),
    ...[-2, 0, 2]
      .filter((normal) => Math.abs(normal) <= reach)
      .map(
        (normal): Mark => ({
          kind: 'text',
          x: toX(normal),
          y: bottom - 4,
          text: normal === 0 ? '0' : `${normal < 0 ? '−' : '+'}2 σ`,
          anchor: 'middle',
          ink: 'dim',
          size: 11,
        }),
      ),
  ];
}

/** Standard normal quantile of 0.75. */
const quartileNormal = 0.6744897501960817;

/** Where the line enters and leaves the plot, as normal quantiles. */
function clippedEnds(
  along: (normal: number) => number,
  slope: number,
  reach: number,
  leastMs: number,
  mostMs: number,
): readonly [number, number] {
  if (slope === 0) return [-reach, reach];
  const at = (ms: number): number => (ms - along(0)) / slope;
  return [Math.max(-reach, at(leastMs)), Math.min(reach, at(mostMs))];
}
