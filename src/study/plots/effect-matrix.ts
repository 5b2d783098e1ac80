import { ok } from '../../base/result.ts';
import { withoutMiddle } from '../plot-layout.ts';
import { type CliffsDelta, cliffsDelta, type Magnitude } from '../statistics/cliffs-delta.ts';
import type { Trial } from '../trial.ts';
import { type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import type { Drawing, Mark, Tip } from './drawing.ts';
import { legendMarks } from './legend.ts';
import { leftOutNotes, type Making, noPicture } from './picture.ts';

/** How the latencies of a row lie to those of a column. */
interface Effect extends CliffsDelta {
  readonly row: number;
  readonly column: number;
}

const letters: Readonly<Record<Magnitude, string>> = {
  large: 'L',
  medium: 'M',
  small: 'S',
  negligible: 'N',
};

const shades: Readonly<Record<Magnitude, number>> = {
  large: 0.55,
  medium: 0.38,
  small: 0.2,
  negligible: 0.07,
};

/** Cliff's delta of the latencies of every pair of strategies, as the papers print it. */
export function* effectMatrix(trials: readonly Trial[]): Making {
  const { timed } = yield* gatherTimed(trials);
  const samplesOf = ({ trial }: { readonly trial: Trial }) => (distributionOf(trial) as Distribution).sorted;
  const enough = timed.filter((each) => samplesOf(each).length >= 2);
  if (enough.length < 2)
    return noPicture(
      'An effect needs two strategies with two timed inferences each.',
      'Measure another strategy.',
    );
  const effects: Effect[] = [];
  for (const [row, above] of enough.entries()) {
    for (const [column, below] of enough.entries()) {
      if (column <= row) continue;
      const found = cliffsDelta(samplesOf(above), samplesOf(below));
      yield;
      if (!found.ok) continue;
      effects.push({ row, column, ...found.value }, turned(row, column, found.value));
    }
  }
  effects.sort((a, b) => a.row - b.row || a.column - b.column);
  const names = enough.map(({ name }) => name);
  return ok({
    finding: findingOf(effects),
    rows: [
      ['row', 'column', 'cliffs_delta', 'low', 'high', 'magnitude', 'letter'],
      ...effects.map((effect) => [
        names[effect.row] as string,
        names[effect.column] as string,
        effect.delta,
        effect.low,
        effect.high,
        effect.magnitude,
        letterOf(effect),
      ]),
    ],
    notes: leftOutNotes(
      timed.filter((each) => !enough.includes(each)),
      'one inference has no spread',
    ),
    draw: (width) => drawMatrix(names, effects, width),
  });
}

/** The same pair seen from the other strategy. */
function turned(row: number, column: number, { delta, low, high, magnitude }: CliffsDelta): Effect {
  return { row: column, column: row, delta: -delta, low: -high, high: -low, magnitude };
}

/** `L+`: large, the row takes longer. */
function letterOf({ delta, magnitude }: CliffsDelta): string {
  const sign = delta > 0 ? '+' : delta < 0 ? '−' : '';
  return `${letters[magnitude]}${sign}`;
}

/** How many pairs lie how far apart. */
function findingOf(effects: readonly Effect[]): string {
  const pairs = effects.filter(({ row, column }) => row < column);
  const counts = (['large', 'medium', 'small', 'negligible'] as const).flatMap((magnitude) => {
    const count = pairs.filter((each) => each.magnitude === magnitude).length;
    return count === 0 ? [] : [`${count} ${magnitude}`];
  });
  return `Effects of ${pairs.length} ${pairs.length === 1 ? 'pair' : 'pairs'}: ${counts.join(', ')}.`;
}

const headHeight = 20;

function drawMatrix(names: readonly string[], effects: readonly Effect[], width: number): Drawing {
  const count = names.length;
  const isNarrow = width < 560;
  const longest = Math.max(...names.map((name) => Array.from(name).length));
  const nameWidth = isNarrow ? 26 : Math.min(34 + 7 * longest, 0.34 * width);
  const cell = Math.min(46, Math.max(isNarrow ? 30 : 24, (width - nameWidth) / count));
  const [fullWidth, bottom] = [Math.max(width, nameWidth + count * cell), headHeight + count * cell];
  const boxOf = (row: number, column: number) => ({
    left: nameWidth + column * cell + 1,
    right: nameWidth + (column + 1) * cell - 1,
    top: headHeight + row * cell + 1,
    bottom: headHeight + (row + 1) * cell - 1,
  });
  const numbered = names.map((name, at) => `${at + 1} ${name}`);
  const heads = names.flatMap((_, at): Mark[] => [
    {
      kind: 'text',
      x: nameWidth + (at + 0.5) * cell,
      y: 14,
      text: String(at + 1),
      anchor: 'middle',
      ink: 'dim',
    },
    {
      kind: 'text',
      x: isNarrow ? 20 : nameWidth - 8,
      y: headHeight + (at + 0.5) * cell + 4,
      text: isNarrow
        ? String(at + 1)
        : withoutMiddle(numbered[at] as string, Math.floor((nameWidth - 8) / 7)),
      anchor: 'end',
    },
  ]);
  const legend = legendMarks(
    [
      { ink: 'good', text: 'the row is faster (−)', opacity: 0.55 },
      { ink: 'bad', text: 'the row is slower (+)', opacity: 0.55 },
    ],
    width,
    bottom + 8,
  );
  // A narrow matrix has numbers alone, so the names stand under it.
  const list = isNarrow
    ? numbered.map(
        (text, at): Mark => ({
          kind: 'text',
          x: 0,
          y: legend.bottom + 14 + at * 18,
          text: withoutMiddle(text, Math.floor(width / 6.8)),
        }),
      )
    : [];
  return {
    width: fullWidth,
    height: legend.bottom + (isNarrow ? count * 18 + 6 : 0),
    marks: [
      ...heads,
      ...names.map((_, at): Mark => ({ kind: 'rect', box: boxOf(at, at), fill: 'line' })),
      ...effects.flatMap((effect): Mark[] => {
        const box = boxOf(effect.row, effect.column);
        return [
          {
            kind: 'rect',
            box,
            fill: effect.delta < 0 ? 'good' : effect.delta > 0 ? 'bad' : 'line',
            opacity: shades[effect.magnitude],
          },
          {
            kind: 'text',
            x: (box.left + box.right) / 2,
            y: (box.top + box.bottom) / 2 + 4,
            text: letterOf(effect),
            anchor: 'middle',
          },
        ];
      }),
      ...legend.marks,
      ...list,
    ],
    tips: effects.map(
      (effect): Tip => ({
        box: boxOf(effect.row, effect.column),
        text: effectText(names[effect.row] as string, names[effect.column] as string, effect),
      }),
    ),
  };
}

function effectText(row: string, column: string, { delta, low, high, magnitude }: Effect): string {
  const interval = `δ = ${signed(delta)}, 95 % interval ${signed(low)} to ${signed(high)}`;
  if (delta === 0) return `${row} against ${column}: neither is faster more often (${interval})`;
  return `${row} is ${delta < 0 ? 'faster' : 'slower'} than ${column} in ${Math.round(50 + 50 * Math.abs(delta))} of 100 pairs of inferences, ties halved: ${magnitude} (${interval})`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(2)}`;
}
