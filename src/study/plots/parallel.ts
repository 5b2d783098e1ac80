import { ok } from '../../base/result.ts';
import {
  AXES,
  type Axis,
  type AxisId,
  axisOf,
  defaultVerticalAxis,
  formatMetric,
  trialMetrics,
} from '../metrics.ts';
import { frontOfTrials } from '../pareto.ts';
import { type Box, withoutMiddle } from '../plot-layout.ts';
import type { Trial } from '../trial.ts';
import { type NamedTrial, nameTrials } from './distribution.ts';
import { type Drawing, linePath, type Mark } from './drawing.ts';
import { legendMarks } from './legend.ts';
import { type Making, noPicture } from './picture.ts';

/** Ranges that trials must lie in, by axis; both ends count. */
export type Limits = ReadonlyMap<AxisId, readonly [low: number, high: number]>;

/** An objective drawn as a line of its own, from its worst value on the left to its best on the right. */
export interface ParallelAxis {
  readonly axis: Axis;
  readonly worst: number;
  readonly best: number;
}

/** Those drawn without being asked: each tells something of its own. */
const usualAxes: ReadonlySet<AxisId> = new Set([
  'accuracyTop1',
  'miou',
  'agreement',
  'latencyMedianMs',
  'latencyP90Ms',
  'rawBytes',
  'gzipBytes',
  'nonZeroParams',
  'macs',
  'heapBytes',
  'buildMs',
]);

/** The trials that can be drawn at all. */
export function measuredTrials(trials: readonly Trial[]): readonly Trial[] {
  return trials.filter(({ state, samples }) => state.kind !== 'failed' && samples.length > 0);
}

/** The objectives in which trials differ. */
export function parallelAxes(trials: readonly Trial[]): readonly ParallelAxis[] {
  return AXES.filter(({ id }) => usualAxes.has(id)).flatMap((axis) => {
    const values = trials.flatMap((trial) => valueOf(trial, axis.id) ?? []);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (!(high > low)) return [];
    return [axis.better === 'lower' ? { axis, worst: high, best: low } : { axis, worst: low, best: high }];
  });
}

/** The trials that lie within all limits; one that lacks a value lies in no range of it. */
export function withinLimits(trials: readonly Trial[], limits: Limits): readonly Trial[] {
  return trials.filter((trial) =>
    [...limits].every(([id, [low, high]]) => {
      const value = valueOf(trial, id);
      return value !== null && value >= low && value <= high;
    }),
  );
}

function valueOf(trial: Trial, id: AxisId): number | null {
  return trialMetrics(trial)[id]?.value ?? null;
}

/** Strategies as lines over three or more objectives. */
export function* parallelCoordinates(trials: readonly Trial[], limits: Limits): Making {
  const shown = measuredTrials(trials);
  for (const trial of shown) {
    trialMetrics(trial);
    yield;
  }
  const axes = parallelAxes(shown);
  if (axes.length < 2)
    return noPicture('There are not two objectives in which strategies differ.', 'Measure another strategy.');
  const named = nameTrials(shown);
  const kept = new Set(withinLimits(shown, limits));
  const ids = axes.map(({ axis }) => axis.id);
  return ok({
    finding: findingOf(axes, named),
    rows: [
      ['strategy', ...ids, 'within_limits'],
      ...named.map(({ trial, name }) => [name, ...ids.map((id) => valueOf(trial, id)), kept.has(trial)]),
    ],
    notes:
      limits.size === 0
        ? []
        : [
            `${kept.size} of ${shown.length} strategies lie within the limits; front and table show only these.`,
          ],
    draw: (width) => drawParallel(axes, named, kept, limits, width),
  });
}

/** Who has the best of which objectives. */
function findingOf(axes: readonly ParallelAxis[], named: readonly NamedTrial[]): string {
  const objectives = new Map<string, string[]>();
  for (const { axis, best } of axes) {
    const holders = named.filter(({ trial }) => valueOf(trial, axis.id) === best);
    const others = holders.length > 1 ? ` and ${holders.length - 1} more` : '';
    const holder = `${withoutMiddle(holders[0]?.name ?? '', 36)}${others}`;
    const told = objectives.get(holder) ?? [];
    told.push(`${axis.label} (${formatMetric(axis, best)})`);
    objectives.set(holder, told);
  }
  return `Best are: ${[...objectives].map(([holder, told]) => `${holder} in ${told.join(', ')}`).join('; ')}.`;
}

const axisStep = 58;
const side = 10;

/** Where the line of an axis is drawn. */
export function axisBox(at: number, width: number): Box {
  const y = 34 + at * axisStep;
  return { left: side, right: width - side, top: y, bottom: y };
}

/** Where a value lies between worst, 0, and best, 1. */
export function shareOnAxis({ worst, best }: ParallelAxis, value: number): number {
  return (value - worst) / (best - worst);
}

/** The value at such a place. */
export function valueOnAxis({ worst, best }: ParallelAxis, share: number): number {
  return worst + Math.min(1, Math.max(0, share)) * (best - worst);
}

function drawParallel(
  axes: readonly ParallelAxis[],
  named: readonly NamedTrial[],
  kept: ReadonlySet<Trial>,
  limits: Limits,
  width: number,
): Drawing {
  const trials = named.map(({ trial }) => trial);
  const pair = [defaultVerticalAxis(trials), 'latencyMedianMs'] as const;
  const front = new Set(frontOfTrials(trials, pair));
  const toX = (axis: ParallelAxis, value: number, box: Box): number =>
    box.left + shareOnAxis(axis, value) * (box.right - box.left);
  const lines = named.map(({ trial, name }) => ({
    trial,
    name,
    isKept: kept.has(trial),
    points: axes.flatMap((axis, at) => {
      const value = valueOf(trial, axis.axis.id);
      const box = axisBox(at, width);
      return value === null ? [] : [{ x: toX(axis, value, box), y: box.top }];
    }),
  }));
  // What is kept last, so that nothing faded covers it.
  const ordered = lines.toSorted((a, b) => Number(a.isKept) - Number(b.isKept));
  const legend = legendMarks(
    [
      { ink: 'accent', text: `on the front of ${pair.map((id) => axisOf(id).label).join(' and ')}` },
      { ink: 'faded', text: 'the others' },
    ],
    width,
    axisBox(axes.length - 1, width).bottom + 14,
  );
  return {
    width,
    height: legend.bottom,
    marks: [
      ...axes.flatMap((axis, at) => axisMarks(axis, axisBox(at, width), limits, toX)),
      ...ordered.flatMap(({ trial, isKept, points }): Mark[] => {
        const stroke = !isKept ? 'line' : front.has(trial) ? 'accent' : 'faded';
        return [
          { kind: 'path', d: linePath(points), stroke, strokeWidth: isKept ? 1.6 : 1 },
          ...points.map(({ x, y }): Mark => ({ kind: 'circle', x, y, radius: 3, fill: stroke })),
        ];
      }),
      // Over the lines, on paper of their own, so that they can be read.
      ...axes.flatMap((axis, at) => axisTexts(axis, axisBox(at, width))),
      ...legend.marks,
    ],
    tips: lines.flatMap(({ trial, name, points }) => {
      // Between two axes, since on them a press brushes.
      const [box, ...also] = points.slice(1).map((to, at) => tipBox(points[at] ?? to, to));
      if (!box) return [];
      const told = axes.flatMap(({ axis }) => {
        const value = valueOf(trial, axis.id);
        return value === null ? [] : [`${axis.label} ${formatMetric(axis, value)}`];
      });
      const whole: Mark = { kind: 'path', d: linePath(points), stroke: 'exit', strokeWidth: 3 };
      return [{ box, also, text: `${name}: ${told.join(', ')}`, lit: [whole] }];
    }),
  };
}

/** Around the middle of a piece of a line. */
function tipBox(from: Place, to: Place): Box {
  const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
  return { left: x - 9, right: x + 9, top: y - 9, bottom: y + 9 };
}

interface Place {
  readonly x: number;
  readonly y: number;
}

function axisMarks(
  parallel: ParallelAxis,
  box: Box,
  limits: Limits,
  toX: (axis: ParallelAxis, value: number, box: Box) => number,
): readonly Mark[] {
  const { axis } = parallel;
  const range = limits.get(axis.id);
  const ends = range ? range.map((value) => toX(parallel, value, box)) : [];
  return [
    { kind: 'line', x1: box.left, x2: box.right, y1: box.top, y2: box.top, stroke: 'dim' },
    ...(ends.length > 0
      ? [
          {
            kind: 'rect',
            box: { left: Math.min(...ends), right: Math.max(...ends), top: box.top - 8, bottom: box.top + 8 },
            fill: 'tint',
            stroke: 'accent',
            opacity: 0.8,
          } as const,
        ]
      : []),
  ];
}

function axisTexts({ axis, worst, best }: ParallelAxis, { left, right, top }: Box): readonly Mark[] {
  const y = top - 14;
  const texts: readonly (Extract<Mark, { kind: 'text' }> & { readonly characters: number })[] = [
    textOf(formatMetric(axis, worst), left, y, 'start'),
    textOf(axis.label, (left + right) / 2, y, 'middle'),
    textOf(formatMetric(axis, best), right, y, 'end'),
  ];
  return texts.flatMap(({ characters, ...text }): Mark[] => {
    const room = 7 * characters;
    const from = text.anchor === 'start' ? text.x : text.anchor === 'end' ? text.x - room : text.x - room / 2;
    const paper = { left: from - 2, right: from + room + 2, top: y - 11, bottom: y + 4 };
    return [{ kind: 'rect', box: paper, fill: 'paper', opacity: 0.8 }, text];
  });
}

function textOf(text: string, x: number, y: number, anchor: 'start' | 'middle' | 'end') {
  const isName = anchor === 'middle';
  return { kind: 'text', text, x, y, anchor, ink: isName ? 'ink' : 'dim', characters: text.length } as const;
}
