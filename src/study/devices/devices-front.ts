import { layOutFront, type FrontLayout } from '../front-layout.ts';
import { type Axis, type AxisId, axisOf, formatMetric, isEmulatedTrial, trialMetrics } from '../metrics.ts';
import { frontOfTrials } from '../pareto.ts';
import { type Box, frontPath, placeLabels } from '../plot-layout.ts';
import { frontAxes } from '../plots/front-axes.ts';
import { type Drawing, type Ink, type Mark, round, TEXT_SIZE } from '../plots/drawing.ts';
import type { Picture } from '../plots/picture.ts';
import type { Trial } from '../trial.ts';
import type { DeviceTable } from './device-table.ts';
import { qualityAxisOf } from './quality-axis.ts';

/** What the picture is called and how it is read. */
export const DEVICES_FRONT = {
  id: 'devices-front',
  title: 'One front for all devices',
  howToRead:
    'Each device has its own colour, shape and front. Lines through points are 95 % intervals; hollow: emulated. Times of devices are not pooled.',
};

/** Colour and shape together, so that neither is needed to tell devices apart. */
const LOOKS: readonly { readonly ink: Ink; readonly shape: Shape }[] = [
  { ink: 'accent', shape: 'circle' },
  { ink: 'exit', shape: 'square' },
  { ink: 'cut', shape: 'triangle' },
  { ink: 'good', shape: 'diamond' },
  { ink: 'bad', shape: 'cross' },
  { ink: 'warn', shape: 'wedge' },
];

type Shape = 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'wedge';

/** Corners around the middle, as shares of the radius. */
const CORNERS: Readonly<Record<Exclude<Shape, 'circle'>, readonly (readonly [x: number, y: number])[]>> = {
  square: [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  triangle: [
    [0, -1.2],
    [1.1, 0.8],
    [-1.1, 0.8],
  ],
  diamond: [
    [0, -1.3],
    [1.1, 0],
    [0, 1.3],
    [-1.1, 0],
  ],
  cross: [
    [-1, -0.4],
    [-0.4, -0.4],
    [-0.4, -1],
    [0.4, -1],
    [0.4, -0.4],
    [1, -0.4],
    [1, 0.4],
    [0.4, 0.4],
    [0.4, 1],
    [-0.4, 1],
    [-0.4, 0.4],
    [-1, 0.4],
  ],
  wedge: [
    [0, 1.2],
    [1.1, -0.8],
    [-1.1, -0.8],
  ],
};

const radius = 5;
const legendLine = 20;

interface Column {
  readonly name: string;
  readonly ink: Ink;
  readonly shape: Shape;
  readonly trials: readonly Trial[];
  readonly front: ReadonlySet<Trial>;
}

/** The fronts of a table's devices as a picture that can be taken home. */
export function devicesFront(table: DeviceTable): Picture {
  const [x, y] = ['latencyMedianMs', qualityAxisOf(table)] as const;
  const columns = columnsOf(table, x, y);
  const points = table.rows.flatMap(({ name, trials }) =>
    columns.flatMap(({ name: device, front }, at) => {
      const trial = trials[at];
      const metrics = trial && trialMetrics(trial);
      if (!metrics) return [];
      const cells = [metrics[x], metrics[y]].flatMap((measure) => [
        measure?.value ?? null,
        measure?.low ?? null,
        measure?.high ?? null,
      ]);
      return [[device, name, ...cells, front.has(trial)]];
    }),
  );
  return {
    finding: findingOf(table, columns),
    rows: [
      ['device', 'strategy', x, `${x}_low`, `${x}_high`, y, `${y}_low`, `${y}_high`, 'on_front'],
      ...points,
    ],
    notes: [],
    draw: (width) => drawDevicesFront(table, width),
  };
}

/** Who is on the front of each device. */
function findingOf({ rows }: DeviceTable, columns: readonly Column[]): string {
  return columns
    .map(({ name, front }, at) => {
      const best = rows.filter(({ trials }) => {
        const trial = trials[at];
        return trial && front.has(trial);
      });
      return `On the front of ${name}: ${best.map((row) => row.name).join(', ') || 'nothing'}.`;
    })
    .join(' ');
}

/** The fronts of all devices of a table over the same axes, each device in its own colour and shape. */
function drawDevicesFront(table: DeviceTable, width: number): Drawing {
  const { rows } = table;
  const [xAxis, yAxis] = [axisOf('latencyMedianMs'), axisOf(qualityAxisOf(table))];
  const columns = columnsOf(table, xAxis.id, yAxis.id);
  const legend = legendOf(columns, width);
  const height = legend.bottom + Math.min(440, Math.max(290, 0.55 * width));
  const frame: Box = { left: 54, right: width - 16, top: legend.bottom + 24, bottom: height - 46 };
  const layout = layOutFront(
    columns.flatMap(({ trials }) => trials),
    xAxis,
    yAxis,
    frame,
    width < 560 ? 4 : 6,
  );
  const names = new Map(rows.flatMap(({ name, trials }) => trials.map((trial) => [trial, name] as const)));
  const columnOf = new Map(
    columns.flatMap((column) => column.trials.map((trial) => [trial, column] as const)),
  );
  const points = layout.marks.flatMap((mark) => {
    const column = columnOf.get(mark.trial);
    if (!column) return [];
    const isOnFront = column.front.has(mark.trial);
    return [{ ...mark, column, isOnFront, name: names.get(mark.trial) ?? '' }];
  });
  const labels = placeLabels(points, { ...frame, right: width });
  return {
    width,
    height,
    marks: [
      ...legend.marks,
      ...frontAxes(layout, xAxis, yAxis),
      ...columns.map((column): Mark => {
        const own = points.filter((point) => point.column === column);
        const d = frontPath(own, xAxis, yAxis, frame);
        return { kind: 'path', d, stroke: column.ink, strokeWidth: 1.6, opacity: 0.6 };
      }),
      ...points.flatMap((point) => pointMarks(point, point.column, layout)),
      ...labels.flatMap((label, at): Mark[] =>
        label ? [{ kind: 'text', ...label, ink: points[at]?.isOnFront ? 'ink' : 'dim' }] : [],
      ),
    ],
    tips: points.map(({ x, y, name, column, xMeasure, yMeasure, isOnFront }) => ({
      box: { left: x - 14, right: x + 14, top: y - 14, bottom: y + 14 },
      text: `${name} on ${column.name}: ${valueText(xAxis, xMeasure.value)}, ${valueText(yAxis, yMeasure.value)}${isOnFront ? ', on the front of this device' : ''}`,
    })),
  };
}

function columnsOf({ rows, runs }: DeviceTable, x: AxisId, y: AxisId): readonly Column[] {
  return runs.map((run, at) => {
    const trials = rows.flatMap(({ trials: all }) => all[at] ?? []);
    const look = LOOKS[at % LOOKS.length] as (typeof LOOKS)[number];
    return { name: run.name, ...look, trials, front: new Set(frontOfTrials(trials, [x, y])) };
  });
}

function valueText(axis: Axis, value: number): string {
  return `${axis.label} ${formatMetric(axis, value)}`;
}

type Point = FrontLayout['marks'][number];

function pointMarks(
  { x, y, xMeasure, yMeasure, trial, isOnFront }: Point,
  { ink, shape }: Column,
  layout: FrontLayout,
): readonly Mark[] {
  const { toX, toY } = layout;
  const opacity = isOnFront ? 0.7 : 0.35;
  const low = xMeasure.low ?? xMeasure.value;
  const high = xMeasure.high ?? xMeasure.value;
  const under = yMeasure.low ?? yMeasure.value;
  const over = yMeasure.high ?? yMeasure.value;
  return [
    { kind: 'line', x1: toX(low), x2: toX(high), y1: y, y2: y, stroke: ink, opacity },
    { kind: 'line', x1: x, x2: x, y1: toY(under), y2: toY(over), stroke: ink, opacity },
    shapeMark(shape, x, y, ink, isEmulatedTrial(trial), isOnFront ? 1 : 0.5),
  ];
}

/** Emulated ones are hollow, as on the front itself. */
function shapeMark(shape: Shape, x: number, y: number, ink: Ink, isHollow: boolean, opacity: number): Mark {
  const paint = isHollow
    ? ({ fill: 'paper', stroke: ink, strokeWidth: 2 } as const)
    : ({ fill: ink, opacity } as const);
  if (shape === 'circle') return { kind: 'circle', x, y, radius, ...paint };
  const corners = CORNERS[shape].map(([dx, dy]) => `${round(x + radius * dx)} ${round(y + radius * dy)}`);
  return { kind: 'path', d: `M${corners.join('L')}Z`, ...paint };
}

/** The devices' shapes and names, in as many lines as they need. */
function legendOf(
  columns: readonly Column[],
  width: number,
): { readonly marks: readonly Mark[]; readonly bottom: number } {
  let [x, y] = [0, 0];
  const marks = columns.flatMap(({ name, ink, shape }): readonly Mark[] => {
    const room = 20 + Array.from(name).length * 0.56 * TEXT_SIZE + 14;
    if (x > 0 && x + room > width) [x, y] = [0, y + legendLine];
    const left = x;
    x += room;
    return [
      shapeMark(shape, left + 6, y + 8, ink, false, 1),
      { kind: 'text', x: left + 17, y: y + 12, text: name, ink: 'dim' },
    ];
  });
  return { marks, bottom: y + legendLine };
}
