import { ok } from '../../base/result.ts';
import { formatMs, formatShare } from '../../base/units.ts';
import { type Random, seededRandom } from '../../base/random.ts';
import type { Trial } from '../trial.ts';
import { densityOf, type Density, type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import { dotsPath, type Drawing, linePath, type Mark } from './drawing.ts';
import { leftOutNotes, type Making, nothingTimed } from './picture.ts';
import { latencyTitle, layOutRows, msAxis, type Row, rowTip } from './rows.ts';
import { logScale, place, type ValueScale } from './value-scale.ts';

/** Dots of a strip at most: more would be one blot. */
const mostDots = 240;

interface Violin {
  readonly name: string;
  readonly found: Distribution;
  readonly density: Density | null;
  /** Samples drawn, ascending. */
  readonly dots: readonly number[];
}

/** Raw samples of every strategy: their density and, under it, the samples as dots. */
export function* violinPlot(trials: readonly Trial[]): Making {
  const { timed, untimed } = yield* gatherTimed(trials);
  if (timed.length === 0) return nothingTimed();
  const ends = timed.flatMap(({ trial }) => {
    const { sorted } = distributionOf(trial) as Distribution;
    return [sorted[0] as number, sorted.at(-1) as number];
  });
  const { isLog } = logScale(ends, 5);
  const violins: Violin[] = [];
  for (const { trial, name } of timed) {
    const found = distributionOf(trial) as Distribution;
    violins.push({ name, found, density: densityOf(found.sorted, isLog), dots: spreadOut(found.sorted) });
    yield;
  }
  const isThinned = violins.some(({ found, dots }) => dots.length < found.sorted.length);
  return ok({
    finding: findingOf(violins),
    rows: [
      ['strategy', 'kind', 'latency_ms', 'relative_density'],
      ...violins.flatMap(({ name, density, dots }) => [
        ...(density?.ms.map((ms, at) => [name, 'density', ms, density.height[at] as number]) ?? []),
        ...dots.map((ms) => [name, 'sample', ms, null]),
      ]),
    ],
    notes: [
      ...(isThinned
        ? [
            `Of more than ${mostDots} samples, ${mostDots} are drawn: the least, the greatest, and evenly spread ranks.`,
          ]
        : []),
      ...leftOutNotes(untimed, 'nothing was timed'),
    ],
    draw: (width) => drawViolins(violins, ends, width),
  });
}

/** Which strategy varies most and which least: the middle half over the median. */
function findingOf(violins: readonly Violin[]): string {
  const spreads = violins
    .filter(({ found }) => found.median > 0)
    .map(({ name, found: { q1, q3, median } }) => ({ name, share: (q3 - q1) / median }))
    .sort((a, b) => b.share - a.share);
  const [most, least] = [spreads[0], spreads.at(-1)];
  if (!most || !least) return '';
  const told = `The middle half of the inferences spans ${formatShare(most.share)} of the median of ${most.name}`;
  return most === least
    ? `${told}.`
    : `${told}, the most, and ${formatShare(least.share)} of that of ${least.name}, the least.`;
}

/** Samples at evenly spread ranks, the least and the greatest with them. */
export function spreadOut(sorted: Float64Array, most: number = mostDots): readonly number[] {
  if (sorted.length <= most) return [...sorted];
  return Array.from(
    { length: most },
    (_, at) => sorted[Math.round((at * (sorted.length - 1)) / (most - 1))] as number,
  );
}

function drawViolins(violins: readonly Violin[], ends: readonly number[], width: number): Drawing {
  const { plot, rows, height, marks } = layOutRows(
    violins.map(({ name }) => name),
    width,
    32,
  );
  const frame = { ...plot, left: plot.left + 4 };
  const scale = logScale(ends, width / 90);
  // The same dots lie at the same heights whenever they are drawn.
  const random = seededRandom(1);
  return {
    width,
    height,
    marks: [
      ...msAxis(
        scale,
        frame,
        latencyTitle(
          scale,
          violins.map(({ found }) => found.sorted.length),
        ),
      ),
      ...marks,
      ...violins.flatMap((violin, at) => violinMarks(violin, rows[at] as Row, scale, frame, random)),
    ],
    tips: violins.map((violin, at) => rowTip(rows[at] as Row, width, violinText(violin))),
  };
}

function violinMarks(
  { found, density, dots }: Violin,
  { top, bottom }: Row,
  scale: ValueScale,
  { left, right }: { readonly left: number; readonly right: number },
  random: Random,
): readonly Mark[] {
  const toX = (ms: number): number => Math.min(right, Math.max(left, place(ms, scale, left, right)));
  const ground = top + 0.62 * (bottom - top);
  const outline = density && [
    { x: toX(density.ms[0] as number), y: ground },
    ...density.ms.map((ms, at) => ({
      x: toX(ms),
      y: ground - (density.height[at] as number) * (ground - top),
    })),
    { x: toX(density.ms.at(-1) as number), y: ground },
  ];
  const median = toX(found.median);
  const strip = dots.map((ms) => ({ x: toX(ms), y: ground + 3 + random() * (bottom - ground - 3) }));
  return [
    ...(outline
      ? [{ kind: 'path', d: `${linePath(outline)}Z`, fill: 'tint', stroke: 'accent' } as const]
      : []),
    { kind: 'path', d: dotsPath(strip), stroke: 'dim', strokeWidth: 3, roundEnds: true, opacity: 0.55 },
    { kind: 'line', x1: median, x2: median, y1: top, y2: ground, stroke: 'accent', strokeWidth: 2.5 },
  ];
}

function violinText({ name, found: { sorted, median }, density }: Violin): string {
  const [least, greatest] = [sorted[0] as number, sorted.at(-1) as number];
  return density === null
    ? `${name}: all ${sorted.length} samples are ${formatMs(median)}`
    : `${name}: ${sorted.length} samples from ${formatMs(least)} to ${formatMs(greatest)}, median ${formatMs(median)}`;
}
