import { ok } from '../../base/result.ts';
import { formatMs } from '../../base/units.ts';
import { driftInParts } from '../measuring/drift.ts';
import { driftSentence } from '../measuring/notes.ts';
import { latencyMsOf } from '../metrics.ts';
import { type Box, project } from '../plot-layout.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import { niceScale, type Scale } from '../ticks.ts';
import type { DeviceEvent, Trial } from '../trial.ts';
import { type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import { type ClockScale, clockScale, RUNNING_TITLE } from './clock-axis.ts';
import { type Drawing, linePath, type Mark, round, type Tip } from './drawing.ts';
import { legendMarks } from './legend.ts';
import { leftOutNotes, type Making, nothingTimed } from './picture.ts';
import { runningClock } from './running-clock.ts';

/** What a strategy took in one stretch of the time. */
export interface Stretch {
  /** Middle, in minutes of running. */
  readonly minutes: number;
  readonly samples: number;
  readonly medianMs: number;
  /** Over the median of all the strategy's samples. */
  readonly relative: number;
}

interface Line {
  readonly name: string;
  readonly isReference: boolean;
  readonly stretches: readonly Stretch[];
}

interface Course {
  readonly lines: readonly Line[];
  readonly minutes: number;
  /** Where the run was interrupted, in minutes of running. */
  readonly pauses: readonly number[];
  /** How fast the device was, in minutes of running, where that changed by more than noise. */
  readonly levels: readonly {
    readonly from: number;
    readonly to: number;
    readonly ratio: number;
    readonly visits: number;
  }[];
  readonly events: readonly { readonly minutes: number; readonly text: string }[];
  /** What the vertical axis has room for; what is beyond is drawn at its edge. */
  readonly shown: readonly [low: number, high: number];
}

/** Stretches into which the whole time is divided at most. */
const mostStretches = 80;
const leastStretches = 10;
/** Fewer in a stretch, and a line shows single disturbances instead of the device. */
const samplesOfStretch = 5;
/** Latency over the time that the study ran, each strategy relative to its own median; the reference stands out. */
export function* overTime(trials: readonly Trial[]): Making {
  const { timed, untimed } = yield* gatherTimed(trials);
  if (timed.length === 0) return nothingTimed();
  const clock = yield* runningClock(timed.map(({ trial }) => trial));
  const drift = yield* driftInParts({ trials });
  yield;
  const reference = drift?.reference ?? timed[0]?.trial;
  const fewest = Math.min(...timed.map(({ trial }) => (distributionOf(trial) as Distribution).sorted.length));
  const count = Math.min(mostStretches, Math.max(leastStretches, Math.floor(fewest / samplesOfStretch)));
  const width = clock.minutes / count || 1;
  const lines: Line[] = [];
  for (const { trial, name } of timed) {
    const isReference = trial === reference;
    lines.push({ name, isReference, stretches: stretchesOf(trial, clock.minutesAt, width) });
    yield;
  }
  const levels = drift && drift.levels.length > 1 ? drift.levels : [];
  const shown = shownRange(
    lines,
    levels
      .filter(({ fromMs, toMs }) => clock.minutesAt(toMs) - clock.minutesAt(fromMs) > LASTING * clock.minutes)
      .map(({ ratio }) => ratio),
  );
  const course: Course = {
    shown,
    lines: lines.sort((a, b) => Number(a.isReference) - Number(b.isReference)),
    minutes: clock.minutes,
    pauses: clock.pauses,
    // A single level says that nothing changed.
    levels: levels.map(({ fromMs, toMs, ratio, visits }) => ({
      from: clock.minutesAt(fromMs),
      to: clock.minutesAt(toMs),
      ratio,
      visits,
    })),
    events: eventsOf(trials).map((event) => ({
      minutes: clock.minutesAt(event.atMs),
      text: eventText(event),
    })),
  };
  return ok({
    finding: drift ? driftSentence(drift) : '',
    rows: [
      ['kind', 'strategy', 'from_minutes', 'to_minutes', 'samples', 'median_ms', 'relative_to_own_median'],
      ...lines.flatMap(({ name, isReference, stretches }) =>
        stretches.map(({ minutes, samples, medianMs, relative }) => [
          isReference ? 'reference' : 'strategy',
          name,
          minutes - width / 2,
          minutes + width / 2,
          samples,
          medianMs,
          relative,
        ]),
      ),
      ...course.levels.map(({ from, to, ratio, visits }) => [
        'device level',
        '',
        from,
        to,
        visits,
        null,
        ratio,
      ]),
    ],
    notes: [...beyondNotes(lines, shown), ...leftOutNotes(untimed, 'nothing was timed')],
    draw: (drawn) => drawCourse(course, drawn),
  });
}

/**
 * Medians over stretches of the running time. Samples that only watch the device count, too.
 * @param width of a stretch, in minutes
 */
function stretchesOf(
  { samples }: Trial,
  minutesAt: (atMs: number) => number,
  width: number,
): readonly Stretch[] {
  const counted = samples.filter(({ warmUp }) => !warmUp);
  const level = quantileOfSorted(Float64Array.from(counted, latencyMsOf).sort(), 0.5);
  const byStretch = new Map<number, number[]>();
  for (const sample of counted) {
    const stretch = Math.floor(minutesAt(sample.startedAtMs) / width);
    const there = byStretch.get(stretch);
    if (there) there.push(latencyMsOf(sample));
    else byStretch.set(stretch, [latencyMsOf(sample)]);
  }
  return [...byStretch]
    .sort(([a], [b]) => a - b)
    .map(([stretch, there]) => {
      const medianMs = quantileOfSorted(Float64Array.from(there).sort(), 0.5);
      return {
        minutes: (stretch + 0.5) * width,
        samples: there.length,
        medianMs,
        relative: level > 0 ? medianMs / level : 1,
      };
    });
}

function eventsOf(trials: readonly Trial[]): readonly DeviceEvent[] {
  const seen = new Map(
    trials.flatMap(({ events = [] }) => events.map((event) => [JSON.stringify(event), event])),
  );
  return [...seen.values()].filter(
    (event) => event.kind !== 'battery' && (event.kind !== 'pressure' || event.state !== 'nominal'),
  );
}

function eventText(event: DeviceEvent): string {
  switch (event.kind) {
    case 'page-hidden':
      return 'the page was hidden';
    case 'page-shown':
      return 'the page was shown again';
    case 'paused':
      return 'the study was paused';
    case 'battery':
      return `the battery was at ${Math.round(100 * event.level)} %${event.charging ? ', charging' : ''}`;
    case 'pressure':
      return `the processor was under ${event.state} pressure`;
  }
}

function percent(change: number): string {
  const rounded = Number((100 * change).toFixed(1));
  return `${rounded > 0 ? '+' : rounded < 0 ? '−' : '±'}${Math.abs(rounded)} %`;
}

const frameOf = (width: number): Box => ({ left: 52, right: width - 10, top: 28, bottom: 270 });

function drawCourse({ lines, minutes, pauses, events, levels, shown }: Course, width: number): Drawing {
  const frame = frameOf(width);
  const yScale = niceScale(shown, 5);
  const xScale = clockScale(minutes, width / 110);
  const toX = (each: number): number => project(each, xScale, frame.left, frame.right);
  const toY = (each: number): number =>
    project(Math.min(yScale.high, Math.max(yScale.low, each)), yScale, frame.bottom, frame.top);
  const reference = lines.find(({ isReference }) => isReference)?.name ?? '';
  const legend = legendMarks(
    [
      { ink: 'accent', text: reference },
      ...(lines.length > 1 ? [{ ink: 'faded', text: 'the other strategies' } as const] : []),
      ...(levels.length > 0 ? [{ ink: 'exit', text: 'level of the device' } as const] : []),
      ...(pauses.length > 0 ? [{ ink: 'warn', text: 'paused' } as const] : []),
      ...(events.length > 0 ? [{ ink: 'bad', text: 'told by the browser: tap' } as const] : []),
    ],
    width,
    frame.bottom + 44,
  );
  return {
    width,
    height: legend.bottom,
    marks: [
      ...axes(xScale, yScale, frame, toX, toY),
      ...pauses.map((at) => upright(toX(at), frame, 'warn')),
      ...events.map((event) => upright(toX(event.minutes), frame, 'bad')),
      ...lines.flatMap(({ isReference, stretches }) =>
        lineMarks(
          stretches.map((each) => ({ x: toX(each.minutes), y: toY(each.relative) })),
          isReference,
        ),
      ),
      ...lines.flatMap(({ isReference, stretches }) =>
        stretches
          .filter((each) => isBeyond(each, shown))
          .map(({ minutes: at, relative }) => edgeMark(toX(at), relative > 1, frame, isReference)),
      ),
      ...levels.map(
        ({ from, to, ratio }): Mark => ({
          kind: 'line',
          x1: toX(from),
          x2: toX(to),
          y1: toY(ratio),
          y2: toY(ratio),
          stroke: 'exit',
          strokeWidth: 4,
        }),
      ),
      ...legend.marks,
    ],
    tips: [
      ...lineTips(lines, frame, toX),
      ...events.map(({ minutes: at, text }) => ({
        box: { ...frame, left: toX(at) - 5, right: toX(at) + 5 },
        text: `After ${formatMs(at * 60_000)}: ${text}`,
      })),
    ],
  };
}

/** No axis is narrower: of a steady device it would show noise as hills. */
const LEAST_SHOWN = [0.98, 1.02] as const;
/** Twice and half of the median are shown, however rare they are. */
const ALWAYS_SHOWN = [0.5, 2] as const;
/** Levels of the device that went on for this share of the time are shown, too. */
const LASTING = 0.05;
/** Beyond the quartiles by so many times their distance, stretches are far out (Tukey). */
const FAR_OUT = 3;

/**
 * What the vertical axis spans: lasting levels of the device, and all stretches but those far out, which would press the
 * others into one line.
 */
function shownRange(lines: readonly Line[], levels: readonly number[]): readonly [low: number, high: number] {
  const all = Float64Array.from(lines.flatMap(({ stretches }) => stretches.map(({ relative }) => relative)));
  all.sort();
  const [quarter, threeQuarters] = [quantileOfSorted(all, 0.25), quantileOfSorted(all, 0.75)];
  const reach = FAR_OUT * (threeQuarters - quarter);
  const low = Math.min(ALWAYS_SHOWN[0], quarter - reach);
  const high = Math.max(ALWAYS_SHOWN[1], threeQuarters + reach);
  const usual = [...all].filter((relative) => relative >= low && relative <= high);
  const shown = [...LEAST_SHOWN, ...usual, ...levels];
  return [Math.min(...shown), Math.max(...shown)];
}

function isBeyond({ relative }: Stretch, [low, high]: Course['shown']): boolean {
  return relative < low || relative > high;
}

/** How many stretches stand at the edge, and how far beyond it they are. */
function beyondNotes(lines: readonly Line[], shown: Course['shown']): readonly string[] {
  const all = lines.flatMap(({ stretches }) => stretches);
  const beyond = all.filter((each) => isBeyond(each, shown));
  if (beyond.length === 0) return [];
  const changes = beyond.map(({ relative }) => relative - 1);
  const [least, most] = [percent(Math.min(...changes)), percent(Math.max(...changes))];
  const range = least === most ? most : `${least} to ${most}`;
  const one = beyond.length === 1;
  const count = `${beyond.length} of ${all.length} stretches ${one ? 'is' : 'are'}`;
  const drawn = one ? 'a triangle' : 'triangles';
  return [`${count} far beyond the others (${range}) and drawn as ${drawn} at the edge; the CSV has all.`];
}

/** A triangle that points out of the frame. */
function edgeMark(x: number, isAbove: boolean, { top, bottom }: Box, isReference: boolean): Mark {
  const [tip, base] = isAbove ? [top - 7, top] : [bottom + 7, bottom];
  return {
    kind: 'path',
    d: `M${round(x - 4)} ${base}H${round(x + 4)}L${round(x)} ${tip}Z`,
    fill: isReference ? 'accent' : 'dim',
  };
}

function axes(
  xScale: ClockScale,
  yScale: Scale,
  { left, right, bottom }: Box,
  toX: (minutes: number) => number,
  toY: (relative: number) => number,
): readonly Mark[] {
  return [
    { kind: 'text', x: 0, y: 12, text: 'latency, against the median of each strategy' },
    { kind: 'text', x: right + 8, y: bottom + 37, text: RUNNING_TITLE, anchor: 'end', ink: 'dim' },
    ...yScale.ticks.flatMap((tick): Mark[] => [
      {
        kind: 'line',
        x1: left,
        x2: right,
        y1: toY(tick),
        y2: toY(tick),
        stroke: tick === 1 ? 'dim' : 'line',
      },
      { kind: 'text', x: left - 6, y: toY(tick) + 4, text: percent(tick - 1), anchor: 'end', ink: 'dim' },
    ]),
    ...xScale.ticks.map((tick): Mark => {
      const isLast = toX(tick) > right - 20;
      return {
        kind: 'text',
        x: isLast ? right + 8 : toX(tick),
        y: bottom + 17,
        text: xScale.tickText(tick),
        anchor: isLast ? 'end' : 'middle',
        ink: 'dim',
      };
    }),
  ];
}

function upright(x: number, { top, bottom }: Box, stroke: 'warn' | 'bad'): Mark {
  return { kind: 'line', x1: x, x2: x, y1: top, y2: bottom, stroke, dash: '4 3' };
}

/** A line; of a single stretch, which has none, a dot. */
function lineMarks(
  points: readonly { readonly x: number; readonly y: number }[],
  isReference: boolean,
): readonly Mark[] {
  const stroke = isReference ? 'accent' : 'faded';
  const [only] = points;
  if (only && points.length === 1) return [{ kind: 'circle', ...only, radius: 3, fill: stroke }];
  const strokeWidth = isReference ? 2.5 : 1;
  return [{ kind: 'path', d: linePath(points), stroke, strokeWidth, opacity: isReference ? 1 : 0.75 }];
}

/** One tip for each stretch that the reference has. */
function lineTips(lines: readonly Line[], frame: Box, toX: (minutes: number) => number): readonly Tip[] {
  const reference = lines.find(({ isReference }) => isReference);
  const stretches = reference?.stretches ?? [];
  return stretches.map(({ minutes, relative, medianMs, samples }, at) => {
    const [before, after] = [stretches[at - 1], stretches[at + 1]];
    return {
      box: {
        ...frame,
        left: before ? (toX(before.minutes) + toX(minutes)) / 2 : frame.left,
        right: after ? (toX(after.minutes) + toX(minutes)) / 2 : frame.right,
      },
      text: `After ${formatMs(minutes * 60_000)}: ${reference?.name} took ${formatMs(medianMs)} (${percent(relative - 1)}), median of ${samples}`,
    };
  });
}
