import { ok } from '../../base/result.ts';
import { formatMs, formatShare } from '../../base/units.ts';
import { type TimePart, timeParts } from '../breakdown.ts';
import { niceScale } from '../ticks.ts';
import type { Trial } from '../trial.ts';
import { gatherTimed } from './distribution.ts';
import type { Drawing, Ink, Mark, Tip } from './drawing.ts';
import { legendMarks } from './legend.ts';
import { leftOutNotes, type Making, nothingTimed } from './picture.ts';
import { layOutRows, msAxis, type Row } from './rows.ts';
import { place } from './value-scale.ts';

interface Bar {
  readonly name: string;
  readonly parts: readonly TimePart[];
  readonly totalMs: number;
}

const looks: Readonly<Record<TimePart['kind'], { readonly ink: Ink; readonly word: string }>> = {
  decode: { ink: 'faded', word: 'decode' },
  preprocess: { ink: 'good', word: 'prepare' },
  compute: { ink: 'accent', word: 'compute (by segment or tier)' },
  decide: { ink: 'exit', word: 'between segments' },
  transfer: { ink: 'cut', word: 'send' },
  postprocess: { ink: 'dim', word: 'read the answer' },
};

/** Where the time goes: the mean way of an image, as stacked bars of one scale. */
export function* breakdownBars(trials: readonly Trial[]): Making {
  const { timed, untimed } = yield* gatherTimed(trials);
  if (timed.length === 0) return nothingTimed();
  const bars: Bar[] = [];
  for (const { trial, name } of timed) {
    const parts = timeParts(trial);
    bars.push({ name, parts, totalMs: parts.reduce((sum, { meanMs }) => sum + meanMs, 0) });
    yield;
  }
  return ok({
    finding: findingOf(bars),
    rows: [
      ['strategy', 'part', 'kind', 'mean_ms'],
      ...bars.flatMap(({ name, parts }) =>
        parts.map(({ label, kind, meanMs }) => [name, label, kind, meanMs]),
      ),
    ],
    notes: leftOutNotes(untimed, 'nothing was timed'),
    draw: (width) => drawBars(bars, width),
  });
}

/** How much of the way of an image is computing. */
function findingOf(bars: readonly Bar[]): string {
  const shares = bars
    .filter(({ totalMs }) => totalMs > 0)
    .map(({ name, parts, totalMs }) => {
      const computeMs = parts.reduce((sum, { kind, meanMs }) => sum + (kind === 'compute' ? meanMs : 0), 0);
      return { name, share: computeMs / totalMs };
    })
    .sort((a, b) => a.share - b.share);
  const [least, most] = [shares[0], shares.at(-1)];
  if (!least || !most) return '';
  const range =
    least === most
      ? `${formatShare(least.share)} (${least.name})`
      : `between ${formatShare(least.share)} (${least.name}) and ${formatShare(most.share)} (${most.name})`;
  return `Computing takes ${range} of the time of an image.`;
}

function drawBars(bars: readonly Bar[], width: number): Drawing {
  const { plot, rows, height, marks } = layOutRows(
    bars.map(({ name }) => name),
    width,
    20,
  );
  const longestMs = Math.max(...bars.map(({ totalMs }) => totalMs));
  const scale = { ...niceScale([0, longestMs], width / 90), isLog: false };
  const frame = { ...plot, left: plot.left + 4 };
  const toX = (ms: number): number => place(ms, scale, frame.left, frame.right);
  const drawn = bars.map((bar, at) => barMarks(bar, rows[at] as Row, toX));
  const kinds = new Set(bars.flatMap(({ parts }) => parts.map(({ kind }) => kind)));
  const legend = legendMarks(
    [...kinds].map((kind) => ({ ink: looks[kind].ink, text: looks[kind].word })),
    width,
    height + 6,
  );
  return {
    width,
    height: legend.bottom,
    marks: [
      ...msAxis(scale, frame, 'mean time of an image'),
      ...marks,
      ...drawn.flatMap((each) => each.marks),
      ...legend.marks,
    ],
    tips: drawn.flatMap(({ tips }) => tips),
  };
}

function barMarks(
  { name, parts, totalMs }: Bar,
  { top, bottom }: Row,
  toX: (ms: number) => number,
): { readonly marks: readonly Mark[]; readonly tips: readonly Tip[] } {
  const marks: Mark[] = [];
  const tips: Tip[] = [];
  let fromMs = 0;
  let computed = 0;
  for (const { kind, label, meanMs } of parts) {
    const box = { left: toX(fromMs), right: toX(fromMs + meanMs), top, bottom };
    fromMs += meanMs;
    // Neighbouring segments are told apart by shades.
    const opacity = kind === 'compute' && computed++ % 2 === 1 ? 0.6 : 1;
    if (meanMs > 0) marks.push({ kind: 'rect', box, fill: looks[kind].ink, opacity });
    tips.push({ box, text: `${name}: ${label} ${formatMs(meanMs)} of ${formatMs(totalMs)} on average` });
  }
  return { marks, tips };
}
