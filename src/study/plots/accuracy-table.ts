import { ok } from '../../base/result.ts';
import { formatShare } from '../../base/units.ts';
import { qualityDifference, type QualityDifference, qualityMarks } from '../compare/quality-difference.ts';
import { factsOf, type StrategyFacts } from '../compare/strategy-facts.ts';
import { axisOf, type AxisId, defaultQualityAxis, type Measure, trialMetrics } from '../metrics.ts';
import { axisScale, project } from '../plot-layout.ts';
import { placeTicks } from '../tick-texts.ts';
import { adjustPValues } from '../statistics/adjust.ts';
import type { Trial } from '../trial.ts';
import { type NamedTrial, nameTrials } from './distribution.ts';
import type { Drawing, Ink, Mark } from './drawing.ts';
import { pText } from '../compare/comparison-text.ts';
import { leftOutNotes, type Making, noPicture } from './picture.ts';
import { layOutRows, type Row, rowTip } from './rows.ts';

type Verdict = 'reference' | 'worse' | 'better' | 'not told apart' | 'not compared';

interface Standing {
  readonly name: string;
  readonly measure: Measure;
  /** Against the reference; or why it is not compared. */
  readonly difference: QualityDifference | string | null;
  /** After Holm over all strategies. */
  readonly adjustedP: number | null;
  readonly verdict: Verdict;
}

/** Chance of calling equals different that is accepted, over all comparisons together. */
const level = 0.05;

/** Accuracy of each strategy with its interval, and whether it differs from the unchanged model's. */
export function* accuracyTable(trials: readonly Trial[]): Making {
  const quality = defaultQualityAxis(trials);
  const named = nameTrials(trials);
  const told = named.filter(({ trial }) => trialMetrics(trial)[quality] !== null);
  if (told.length === 0)
    return noPicture(
      'No strategy has an accuracy or an agreement.',
      'Evaluate on images, and with labels for accuracies.',
    );
  yield;
  const facts: StrategyFacts[] = [];
  for (const { trial } of told) {
    facts.push(factsOf(trial));
    yield;
  }
  const marks = qualityMarks(facts);
  yield;
  const at = Math.max(
    0,
    facts.findIndex(({ isIdentity }) => isIdentity),
  );
  const reference = facts[at] as StrategyFacts;
  const differences: (QualityDifference | string | null)[] = [];
  for (const each of facts) {
    differences.push(each === reference ? null : qualityDifference(each, reference, marks));
    yield;
  }
  const standings = standingsOf(told, quality, differences);
  const referenceName = told[at]?.name ?? '';
  const comparisons = differences.filter((each) => each !== null && typeof each !== 'string').length;
  const test =
    quality !== 'accuracyTop1' && reference.pixels ? 'by swapping answers' : "McNemar's exact test";
  const adjusted = comparisons > 1 ? `, adjusted after Holm over ${comparisons} comparisons` : '';
  return ok({
    finding: findingOf(standings, quality, referenceName),
    rows: csvRows(standings, quality, referenceName),
    notes: [
      ...(comparisons > 0 ? [`Compared with ${referenceName} image by image (${test}${adjusted}).`] : []),
      ...leftOutNotes(
        named.filter((each) => !told.includes(each)),
        'they were not evaluated',
      ),
    ],
    draw: (width) => drawTable(standings, quality, width),
  });
}

/** How many strategies are better and worse than the reference, and how many cannot be told from it. */
function findingOf(standings: readonly Standing[], quality: AxisId, reference: string): string {
  const label = axisOf(quality).label;
  const [best] = standings;
  if (!best) return '';
  if (standings.length === 1) return `${best.name} has a ${label} of ${formatShare(best.measure.value)}.`;
  const top = `${best.name} has the highest ${label} (${formatShare(best.measure.value)})`;
  const counts = (['better', 'worse', 'not told apart'] as const).flatMap((verdict) => {
    const count = standings.filter((each) => each.verdict === verdict).length;
    if (count === 0) return [];
    return [
      verdict === 'not told apart'
        ? `${count} ${count === 1 ? 'is' : 'are'} not told apart`
        : `${count} ${count === 1 ? 'is' : 'are'} ${verdict}`,
    ];
  });
  return counts.length === 0
    ? `${top}.`
    : `${top}; of those compared with ${reference}, ${counts.join(', ')}.`;
}

function standingsOf(
  told: readonly NamedTrial[],
  quality: AxisId,
  differences: readonly (QualityDifference | string | null)[],
): readonly Standing[] {
  const tested = differences.filter((each) => each !== null && typeof each !== 'string');
  const adjusted = adjustPValues(
    tested.map(({ p }) => p),
    'holm',
  );
  const adjustedBy = new Map(tested.map((each, index) => [each, adjusted[index] as number]));
  return told
    .map(({ trial, name }, index): Standing => {
      const difference = differences[index] ?? null;
      const adjustedP =
        difference === null || typeof difference === 'string' ? null : (adjustedBy.get(difference) ?? null);
      const measure = trialMetrics(trial)[quality] as Measure;
      return { name, measure, difference, adjustedP, verdict: verdictOf(difference, adjustedP) };
    })
    .sort((a, b) => b.measure.value - a.measure.value);
}

function verdictOf(difference: QualityDifference | string | null, adjustedP: number | null): Verdict {
  if (difference === null) return 'reference';
  if (typeof difference === 'string' || adjustedP === null) return 'not compared';
  if (adjustedP >= level) return 'not told apart';
  return difference.difference < 0 ? 'worse' : 'better';
}

function csvRows(standings: readonly Standing[], quality: AxisId, reference: string) {
  return [
    [
      'strategy',
      'measure',
      'value',
      'low',
      'high',
      'reference',
      'images',
      'difference',
      'difference_low',
      'difference_high',
      'only_this_right',
      'only_reference_right',
      'p',
      'p_holm',
      'verdict',
    ],
    ...standings.map(({ name, measure, difference, adjustedP, verdict }) => {
      const known = difference === null || typeof difference === 'string' ? null : difference;
      return [
        name,
        quality === 'accuracyTop1' ? 'accuracy_top1' : quality,
        measure.value,
        measure.low,
        measure.high,
        reference,
        known?.images ?? null,
        known?.difference ?? null,
        known?.low ?? null,
        known?.high ?? null,
        known?.onlyA ?? null,
        known?.onlyB ?? null,
        known?.p ?? null,
        adjustedP,
        verdict,
      ];
    }),
  ];
}

const inks: Readonly<Record<Verdict, Ink>> = {
  reference: 'accent',
  worse: 'bad',
  better: 'good',
  'not told apart': 'dim',
  'not compared': 'faded',
};

/** Room for the numbers right of the intervals. */
const numbersWidth = 186;
/** Of the differences, right of the values. */
const pointsLeft = 52;

function drawTable(standings: readonly Standing[], quality: AxisId, width: number): Drawing {
  const axis = axisOf(quality);
  const { plot, rows, height, marks } = layOutRows(
    standings.map(({ name }) => name),
    width,
    18,
  );
  const frame = { ...plot, left: plot.left + 6, right: plot.right - numbersWidth };
  const isTested = standings.some(({ adjustedP }) => adjustedP !== null);
  const foot = (x: number, y: number, text: string, anchor: 'start' | 'end'): Mark => ({
    kind: 'text',
    x,
    y: plot.bottom + y,
    text,
    anchor,
    ink: 'dim',
  });
  const scale = axisScale(
    axis,
    standings.map(({ measure }) => measure),
    Math.max(2, (frame.right - frame.left) / 80),
  );
  const toX = (share: number): number => project(share, scale, frame.left, frame.right);
  return {
    width,
    height,
    marks: [
      ...scale.ticks.map(
        (tick): Mark => ({
          kind: 'line',
          x1: toX(tick),
          x2: toX(tick),
          y1: frame.top,
          y2: frame.bottom,
          stroke: 'line',
        }),
      ),
      ...placeTicks(axis, scale.ticks, toX, width).map(
        ({ text, x, anchor }): Mark => ({ kind: 'text', x, y: frame.bottom + 17, text, anchor, ink: 'dim' }),
      ),
      ...(isTested
        ? [
            foot(frame.right + 14 + pointsLeft, 17, 'points', 'start'),
            foot(width - 2, 17, 'adjusted p', 'end'),
          ]
        : []),
      foot(frame.right, 37, `${axis.label}${imagesText(standings)}`, 'end'),
      ...marks,
      ...standings.flatMap((standing, at) =>
        rowMarks(standing, rows[at] as Row, frame.right + 14, width, toX),
      ),
    ],
    tips: standings.map((standing, at) => rowTip(rows[at] as Row, width, standingText(standing, axis.label))),
  };
}

function rowMarks(
  { measure: { value, low, high }, difference, adjustedP, verdict }: Standing,
  { middle }: Row,
  numbersLeft: number,
  width: number,
  toX: (share: number) => number,
): readonly Mark[] {
  const ink = inks[verdict];
  const y = middle + 4;
  const points =
    difference === null || typeof difference === 'string' ? verdict : pointsText(difference.difference);
  return [
    {
      kind: 'line',
      x1: toX(low ?? value),
      x2: toX(high ?? value),
      y1: middle,
      y2: middle,
      stroke: ink,
      strokeWidth: 2,
    },
    { kind: 'circle', x: toX(value), y: middle, radius: 4.5, fill: ink },
    {
      kind: 'text',
      x: numbersLeft,
      y,
      text: formatShare(value),
      bold: verdict === 'worse' || verdict === 'better',
    },
    { kind: 'text', x: numbersLeft + pointsLeft, y, text: points, ink: 'dim' },
    ...(adjustedP === null
      ? []
      : [{ kind: 'text', x: width - 2, y, text: pText(adjustedP), anchor: 'end', ink: 'dim' } as const]),
  ];
}

/** How many images the differences rest on; nothing where that differs or nothing was compared. */
function imagesText(standings: readonly Standing[]): string {
  const counts = new Set(
    standings.flatMap(({ difference }) =>
      difference === null || typeof difference === 'string' ? [] : [difference.images],
    ),
  );
  const [images] = counts;
  return images === undefined || counts.size > 1 ? '' : ` of ${images} ${images === 1 ? 'image' : 'images'}`;
}

function pointsText(difference: number): string {
  const points = (100 * Math.abs(difference)).toFixed(1);
  return `${Number(points) === 0 ? '±' : difference > 0 ? '+' : '−'}${points}`;
}

function standingText({ name, measure, difference, adjustedP, verdict }: Standing, label: string): string {
  const { value, low, high } = measure;
  const interval = low === null || high === null ? '' : ` (${formatShare(low)} to ${formatShare(high)})`;
  const own = `${name}: ${label} ${formatShare(value)}${interval}`;
  if (difference === null) return `${own}, which the others are compared with`;
  if (typeof difference === 'string') return `${own}. It and the reference ${difference}.`;
  const { onlyA, onlyB, images } = difference;
  const isByPixels = difference.measure === 'miou' || difference.measure === 'pixel-agreement';
  const sides = isByPixels
    ? `gets more pixels right on ${onlyA} and fewer on ${onlyB}`
    : `alone gets ${onlyA} right, and the reference alone ${onlyB}`;
  return `${own}, ${pointsText(difference.difference)} points; of ${images} images it ${sides}: ${verdict} (${pText(adjustedP ?? 1)})`;
}
