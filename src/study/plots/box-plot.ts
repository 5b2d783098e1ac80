import { ok } from '../../base/result.ts';
import { formatMs } from '../../base/units.ts';
import type { Trial } from '../trial.ts';
import { type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import { dotsPath, type Drawing, type Mark } from './drawing.ts';
import { leftOutNotes, type Making, nothingTimed } from './picture.ts';
import { latencyTitle, layOutRows, msAxis, type Row, rowTip } from './rows.ts';
import { logScale, place } from './value-scale.ts';

interface Boxed extends Distribution {
  readonly name: string;
  readonly outliers: Float64Array;
}

/** A box per strategy on one logarithmic axis. */
export function* boxPlot(trials: readonly Trial[]): Making {
  const boxes: Boxed[] = [];
  const { timed, untimed } = yield* gatherTimed(trials);
  for (const { trial, name } of timed) {
    const found = distributionOf(trial) as Distribution;
    const outliers = found.sorted.filter((ms) => ms < found.whiskerLow || ms > found.whiskerHigh);
    boxes.push({ ...found, name, outliers });
    yield;
  }
  if (boxes.length === 0) return nothingTimed();
  return ok({
    finding: findingOf(boxes),
    rows: [
      [
        'strategy',
        'samples',
        'whisker_low_ms',
        'q1_ms',
        'median_ms',
        'median_low_ms',
        'median_high_ms',
        'q3_ms',
        'whisker_high_ms',
        'mean_ms',
        'min_ms',
        'max_ms',
        'outliers',
      ],
      ...boxes.map((box) => [
        box.name,
        box.sorted.length,
        box.whiskerLow,
        box.q1,
        box.median,
        box.medianLow,
        box.medianHigh,
        box.q3,
        box.whiskerHigh,
        box.mean,
        box.sorted[0] as number,
        box.sorted.at(-1) as number,
        box.outliers.length,
      ]),
    ],
    notes: leftOutNotes(untimed, 'nothing was timed'),
    draw: (width) => drawBoxes(boxes, width),
  });
}

/** @param boxes the fastest first */
function findingOf(boxes: readonly Boxed[]): string {
  const [first, last] = [boxes[0] as Boxed, boxes.at(-1) as Boxed];
  if (boxes.length === 1) return `${first.name} has a median of ${formatMs(first.median)}.`;
  const times = first.median > 0 ? `, ${(last.median / first.median).toPrecision(3)} times as long` : '';
  return `By its median ${first.name} is the fastest (${formatMs(first.median)}), and ${last.name} the slowest (${formatMs(last.median)}${times}).`;
}

function drawBoxes(boxes: readonly Boxed[], width: number): Drawing {
  const { plot, rows, height, marks } = layOutRows(
    boxes.map(({ name }) => name),
    width,
    18,
  );
  const scale = logScale(
    boxes.flatMap(({ sorted }) => [sorted[0] as number, sorted.at(-1) as number]),
    width / 90,
  );
  const toX = (ms: number): number => place(ms, scale, plot.left + 4, plot.right);
  return {
    width,
    height,
    marks: [
      ...msAxis(
        scale,
        { ...plot, left: plot.left + 4 },
        latencyTitle(
          scale,
          boxes.map(({ sorted }) => sorted.length),
        ),
      ),
      ...marks,
      ...boxes.flatMap((box, at) => boxMarks(box, rows[at] as Row, toX)),
    ],
    tips: boxes.map((box, at) => rowTip(rows[at] as Row, width, boxText(box))),
  };
}

function boxMarks(box: Boxed, { top, middle, bottom }: Row, toX: (ms: number) => number): readonly Mark[] {
  const [low, q1, median, q3, high] = [box.whiskerLow, box.q1, box.median, box.q3, box.whiskerHigh].map(
    toX,
  ) as [number, number, number, number, number];
  const upright = (x: number, from: number, to: number) =>
    ({ kind: 'line', x1: x, x2: x, y1: from, y2: to }) as const;
  return [
    { kind: 'line', x1: low, x2: q1, y1: middle, y2: middle, stroke: 'dim' },
    { kind: 'line', x1: q3, x2: high, y1: middle, y2: middle, stroke: 'dim' },
    ...[low, high].map((x) => ({ ...upright(x, middle - 5, middle + 5), stroke: 'dim' }) as const),
    // A box of constant samples is a line, not nothing.
    {
      kind: 'rect',
      box: { left: q1, right: Math.max(q3, q1 + 1), top, bottom },
      fill: 'tint',
      stroke: 'accent',
    },
    { ...upright(median, top, bottom), stroke: 'accent', strokeWidth: 2.5 },
    ...outlierMarks(box.outliers, middle, toX),
  ];
}

/** Outliers as dots; where many share a pixel it is drawn once. */
function outlierMarks(outliers: Float64Array, y: number, toX: (ms: number) => number): readonly Mark[] {
  const places = new Set([...outliers].map((ms) => Math.round(toX(ms))));
  if (places.size === 0) return [];
  const d = dotsPath([...places].map((x) => ({ x, y })));
  return [{ kind: 'path', d, stroke: 'dim', strokeWidth: 4, roundEnds: true, opacity: 0.7 }];
}

function boxText({ name, sorted, q1, median, q3, medianLow, medianHigh, outliers }: Boxed): string {
  const interval =
    medianLow === null || medianHigh === null
      ? ''
      : ` (95 % interval ${formatMs(medianLow)} to ${formatMs(medianHigh)})`;
  return `${name}: median ${formatMs(median)}${interval}, middle half ${formatMs(q1)} to ${formatMs(q3)}, ${sorted.length} samples, ${outliers.length} outliers`;
}
