import { type Box, withoutMiddle } from '../plot-layout.ts';
import { axisOf } from '../metrics.ts';
import { placeTicks } from '../tick-texts.ts';
import type { Mark, Tip } from './drawing.ts';
import { place, type ValueScale } from './value-scale.ts';

/** A row of a picture: a strategy's band right of its name or, where it is narrow, under it. */
export interface Row {
  readonly top: number;
  readonly middle: number;
  readonly bottom: number;
}

export interface Rows {
  /** Where values are drawn. */
  readonly plot: Box;
  readonly rows: readonly Row[];
  readonly height: number;
  /** The names. */
  readonly marks: readonly Mark[];
}

/** Below this width names stand above their rows: a phone has no room beside them. */
const narrowWidth = 560;

const nameLine = 18;
/** Of its texts and its title. */
const axisHeight = 44;
/** Mean width of a character, in pixels, on the wide side. */
const characterPixels = 7;

/**
 * Names and bands of strategies, one below the other, with room for an axis under them.
 * @param band height of a row's band, in pixels
 */
export function layOutRows(names: readonly string[], width: number, band: number): Rows {
  const isNarrow = width < narrowWidth;
  const longest = Math.max(0, ...names.map((name) => Array.from(name).length)) * characterPixels;
  const nameWidth = isNarrow ? 0 : Math.min(longest + 12, 0.34 * width);
  const step = band + (isNarrow ? nameLine + 4 : 8);
  const plot = {
    left: isNarrow ? 10 : nameWidth,
    right: width - 14,
    top: 4,
    bottom: 4 + names.length * step,
  };
  const rows = names.map((_, at) => {
    const top = plot.top + at * step + (isNarrow ? nameLine : 4);
    return { top, middle: top + band / 2, bottom: top + band };
  });
  const room = Math.floor((isNarrow ? width : nameWidth - 12) / characterPixels);
  const marks = rows.map(
    ({ top, middle }, at): Mark => ({
      kind: 'text',
      text: withoutMiddle(names[at] as string, room),
      ...(isNarrow ? { x: 0, y: top - 5 } : { x: nameWidth - 12, y: middle + 4, anchor: 'end' }),
    }),
  );
  return { plot, rows, height: plot.bottom + axisHeight, marks };
}

/** Lines, texts and title of an axis of milliseconds under a plot. */
export function msAxis(scale: ValueScale, { left, right, top, bottom }: Box, title: string): readonly Mark[] {
  const toX = (ms: number): number => place(ms, scale, left, right);
  const ticks = [
    ...scale.ticks.map(
      (tick): Mark => ({ kind: 'line', x1: toX(tick), x2: toX(tick), y1: top, y2: bottom, stroke: 'line' }),
    ),
    ...placeTicks(axisOf('latencyMedianMs'), scale.ticks, toX, right + 14).map(
      ({ text, x, anchor }): Mark => ({ kind: 'text', x, y: bottom + 17, text, anchor, ink: 'dim' }),
    ),
  ];
  return [...ticks, { kind: 'text', x: right + 14, y: bottom + 37, text: title, anchor: 'end', ink: 'dim' }];
}

/** `56 inferences each`, `49 to 63 inferences each`. @param counts at least one */
export function inferencesText(counts: readonly number[]): string {
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const told = fewest === most ? `${fewest}` : `${fewest} to ${most}`;
  return `${told} ${most === 1 ? 'inference' : 'inferences'}${counts.length === 1 ? '' : ' each'}`;
}

/** The title of an axis of latencies; only a logarithmic one, which is the rule, can show no 0. */
export function latencyTitle({ isLog }: ValueScale, counts: readonly number[]): string {
  return `latency${isLog ? ', logarithmic' : ''} · ${inferencesText(counts)}`;
}

/** A tip over the whole of a row. */
export function rowTip({ top, bottom }: Row, width: number, text: string): Tip {
  return { box: { left: 0, right: width, top: top - 4, bottom: bottom + 4 }, text };
}
