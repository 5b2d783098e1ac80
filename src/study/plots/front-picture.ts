import { ok } from '../../base/result.ts';
import { chanceText } from '../compare/comparison-text.ts';
import { frontProbabilitiesInParts } from '../compare/front-probability.ts';
import { factsOf } from '../compare/strategy-facts.ts';
import { type FrontAxes, layOutFront, trialsOnAxes } from '../front-layout.ts';
import { type Axis, axisOf, defaultVerticalAxis, formatMetric, isEmulatedTrial } from '../metrics.ts';
import { type Box, frontPath, placeLabels } from '../plot-layout.ts';
import type { Trial } from '../trial.ts';
import { nameTrials } from './distribution.ts';
import type { Drawing, Mark, Tip } from './drawing.ts';
import { frontAxes } from './front-axes.ts';
import type { Limits } from './parallel.ts';
import { leftOutNotes, type Making, noPicture } from './picture.ts';

interface Seen {
  readonly trials: readonly Trial[];
  readonly names: ReadonlyMap<string, string>;
  /** By trial id. */
  readonly chances: ReadonlyMap<string, number>;
  readonly xAxis: Axis;
  readonly yAxis: Axis;
}

/**
 * The front with intervals, and each strategy's chance to be on it.
 * @param axes left out: quality against median latency
 */
export function* frontPicture(
  trials: readonly Trial[],
  _limits: Limits,
  { x, y: chosen }: FrontAxes = { x: 'latencyMedianMs', y: null },
): Making {
  const y = chosen ?? defaultVerticalAxis(trials);
  const shown = trialsOnAxes(trials, x, y).map(({ trial }) => trial);
  if (shown.length === 0)
    return noPicture(
      `No strategy has both ${axisOf(x).label} and ${axisOf(y).label}.`,
      'Measure strategies, or open a study.json.',
    );
  const facts = [];
  for (const trial of shown) {
    facts.push(factsOf(trial));
    yield;
  }
  const told = yield* frontProbabilitiesInParts(facts, [x, y]);
  const chances = new Map(told.map(({ trialId, probability }) => [trialId, probability]));
  const named = nameTrials(trials);
  const names = new Map(named.map(({ trial, name }) => [trial.id, name]));
  const seen: Seen = { trials: shown, names, chances, xAxis: axisOf(x), yAxis: axisOf(y) };
  const points = layOutFront(shown, seen.xAxis, seen.yAxis, { left: 0, top: 0, right: 1, bottom: 1 }).marks;
  return ok({
    finding: findingOf(seen),
    rows: [
      ['strategy', x, `${x}_low`, `${x}_high`, y, `${y}_low`, `${y}_high`, 'on_front', 'front_probability'],
      ...points.map(({ trial, xMeasure, yMeasure, isOnFront }) => [
        names.get(trial.id) ?? '',
        xMeasure.value,
        xMeasure.low,
        xMeasure.high,
        yMeasure.value,
        yMeasure.low,
        yMeasure.high,
        isOnFront,
        chances.get(trial.id) ?? null,
      ]),
    ],
    notes: leftOutNotes(
      named.filter(({ trial }) => !shown.includes(trial)),
      'one of the two was not measured',
    ),
    draw: (width) => drawFront(seen, width),
  });
}

/** Who is on the front more likely than not, the surest first. */
function findingOf({ trials, names, chances }: Seen): string {
  const likely = trials
    .map((trial) => ({ name: names.get(trial.id) ?? '', chance: chances.get(trial.id) ?? 0 }))
    .filter(({ chance }) => chance >= 0.5)
    .sort((a, b) => b.chance - a.chance)
    .map(({ name, chance }) => `${name} (${chanceText(chance)})`);
  return likely.length === 0
    ? 'No strategy is more likely on the front than not.'
    : `More likely on the front than not: ${likely.join(', ')}.`;
}

/** With more points than this only those that may be on the front have names beside them. */
const mostNamed = 12;

function drawFront({ trials, names, chances, xAxis, yAxis }: Seen, width: number): Drawing {
  const height = Math.min(460, Math.max(300, 0.6 * width));
  const frame: Box = { left: 54, right: width - 16, top: 24, bottom: height - 46 };
  const layout = layOutFront(trials, xAxis, yAxis, frame, width < 560 ? 4 : 6);
  const chanceOf = (trial: Trial): number => chances.get(trial.id) ?? 0;
  const labelled = layout.marks.map((mark) => ({
    ...mark,
    name: `${chanceText(chanceOf(mark.trial))} ${names.get(mark.trial.id) ?? ''}`,
  }));
  const isNamed = (trial: Trial): boolean => trials.length <= mostNamed || chanceOf(trial) >= 0.005;
  const places = placeLabels(
    labelled.map((mark) => (isNamed(mark.trial) ? mark : { ...mark, name: '' })),
    { ...frame, top: 0, right: width },
  );
  const labels = places.map((place) => (place?.text === '' ? null : place));
  return {
    width,
    height,
    marks: [
      ...frontAxes(layout, xAxis, yAxis),
      {
        kind: 'path',
        d: frontPath(layout.marks, xAxis, yAxis, frame),
        stroke: 'accent',
        strokeWidth: 1.6,
        opacity: 0.7,
      },
      ...layout.marks.flatMap((mark): Mark[] => {
        const { x, y, xMeasure, yMeasure, trial } = mark;
        const [low, high] = [xMeasure.low ?? xMeasure.value, xMeasure.high ?? xMeasure.value];
        const [under, over] = [yMeasure.low ?? yMeasure.value, yMeasure.high ?? yMeasure.value];
        const isLikely = chanceOf(trial) >= 0.5;
        const ink = isLikely ? 'accent' : 'faded';
        return [
          {
            kind: 'line',
            x1: layout.toX(low),
            x2: layout.toX(high),
            y1: y,
            y2: y,
            stroke: ink,
            opacity: 0.6,
          },
          {
            kind: 'line',
            x1: x,
            x2: x,
            y1: layout.toY(under),
            y2: layout.toY(over),
            stroke: ink,
            opacity: 0.6,
          },
          // Emulated ones are hollow, as on the front itself.
          isEmulatedTrial(trial)
            ? { kind: 'circle', x, y, radius: 5, fill: 'paper', stroke: ink, strokeWidth: 2 }
            : { kind: 'circle', x, y, radius: 5, fill: ink },
        ];
      }),
      ...labels.flatMap((label, at): Mark[] => {
        const mark = layout.marks[at];
        if (!label || !mark) return [];
        return [{ kind: 'text', ...label, ink: chanceOf(mark.trial) >= 0.5 ? 'ink' : 'dim' }];
      }),
    ],
    tips: layout.marks.map(
      ({ x, y, trial, xMeasure, yMeasure }): Tip => ({
        box: { left: x - 14, right: x + 14, top: y - 14, bottom: y + 14 },
        text: `${names.get(trial.id) ?? ''}: ${xAxis.label} ${formatMetric(xAxis, xMeasure.value)}, ${yAxis.label} ${formatMetric(yAxis, yMeasure.value)}, on the front with ${chanceText(chanceOf(trial))} probability`,
      }),
    ),
  };
}
