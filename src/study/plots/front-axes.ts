import type { FrontLayout } from '../front-layout.ts';
import type { Axis } from '../metrics.ts';
import { placeTicks, tickText } from '../tick-texts.ts';
import type { Mark } from './drawing.ts';

/** Grid, ticks and names of the two axes of a front. */
export function frontAxes(
  { frame, xScale, yScale, toX, toY }: FrontLayout,
  xAxis: Axis,
  yAxis: Axis,
): readonly Mark[] {
  const { left, right, top, bottom } = frame;
  return [
    ...xScale.ticks.map(
      (tick): Mark => ({ kind: 'line', x1: toX(tick), x2: toX(tick), y1: top, y2: bottom, stroke: 'line' }),
    ),
    ...placeTicks(xAxis, xScale.ticks, toX, right + 14).map(
      ({ text, x, anchor }): Mark => ({ kind: 'text', x, y: bottom + 17, text, anchor, ink: 'dim' }),
    ),
    ...yScale.ticks.flatMap((tick): Mark[] => [
      { kind: 'line', x1: left, x2: right, y1: toY(tick), y2: toY(tick), stroke: 'line' },
      { kind: 'text', x: left - 6, y: toY(tick) + 4, text: tickText(yAxis, tick), anchor: 'end', ink: 'dim' },
    ]),
    { kind: 'text', x: 0, y: top - 12, text: `${yAxis.label} ${yAxis.better === 'higher' ? '↑' : '↓'}` },
    {
      kind: 'text',
      x: right + 14,
      y: bottom + 38,
      text: `${xAxis.better === 'higher' ? '→' : '←'} ${xAxis.label}`,
      anchor: 'end',
    },
  ];
}
