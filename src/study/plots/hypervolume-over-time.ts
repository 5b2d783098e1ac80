import { ok } from '../../base/result.ts';
import { formatMs } from '../../base/units.ts';
import { hypervolume } from '../compare/hypervolume.ts';
import {
  axisOf,
  type AxisId,
  defaultVerticalAxis,
  formatMetric,
  latencyMsOf,
  timedSamples,
  trialMetrics,
} from '../metrics.ts';
import { type Box, project } from '../plot-layout.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import { niceScale } from '../ticks.ts';
import type { Trial } from '../trial.ts';
import { type Distribution, distributionOf, gatherTimed } from './distribution.ts';
import { clockScale, RUNNING_TITLE } from './clock-axis.ts';
import type { Drawing, Mark } from './drawing.ts';
import { leftOutNotes, type Making, noPicture } from './picture.ts';
import { runningClock } from './running-clock.ts';

/** What was known of the front at a time. */
interface Known {
  readonly minutes: number;
  /** Over that of all that was measured. */
  readonly share: number;
  readonly volume: number;
  readonly strategies: number;
}

const checkpoints = 40;
/** The worst corner lies beyond the worst values by this share of the range, so that the worst count, too. */
const beyond = 0.1;

/** How much of the final front was known when: hypervolume of quality and latency, from the samples until then. */
export function* hypervolumeOverTime(trials: readonly Trial[]): Making {
  const quality = defaultVerticalAxis(trials);
  const { timed, untimed } = yield* gatherTimed(trials);
  const qualityOf = (trial: Trial): number => {
    const value = trialMetrics(trial)[quality]?.value ?? Number.NaN;
    return axisOf(quality).better === 'higher' ? -value : value;
  };
  const told = timed.filter(({ trial }) => !Number.isNaN(qualityOf(trial)));
  if (told.length < 2)
    return noPicture(
      `A hypervolume needs two strategies with ${axisOf('latencyMedianMs').label} and ${axisOf(quality).label}.`,
      'Measure another strategy.',
    );
  const clock = yield* runningClock(told.map(({ trial }) => trial));
  const medians: (readonly number[])[] = [];
  for (const { trial } of told) {
    medians.push(yield* runningMedians(trial, clock.minutesAt, clock.minutes));
  }
  const latencies = scaled(told.map(({ trial }) => (distributionOf(trial) as Distribution).median));
  const qualities = scaled(told.map(({ trial }) => qualityOf(trial)));
  const reference = [1 + beyond, 1 + beyond];
  const volumeOf = (points: readonly (readonly number[])[]): number => hypervolume(points, reference);
  const final = volumeOf(
    told.map(({ trial }) => [
      latencies.place((distributionOf(trial) as Distribution).median),
      qualities.place(qualityOf(trial)),
    ]),
  );
  const known = Array.from({ length: checkpoints }, (_, at): Known => {
    const points = told.flatMap(({ trial }, index) => {
      const median = medians[index]?.[at] ?? Number.NaN;
      return Number.isNaN(median) ? [] : [[latencies.place(median), qualities.place(qualityOf(trial))]];
    });
    const volume = volumeOf(points);
    return {
      minutes: (clock.minutes * (at + 1)) / checkpoints,
      share: final > 0 ? volume / final : 1,
      volume,
      strategies: points.length,
    };
  });
  return ok({
    finding: findingOf(known),
    rows: [
      ['minutes', 'hypervolume', 'share_of_final', 'strategies'],
      ...known.map(({ minutes, volume, share, strategies }) => [minutes, volume, share, strategies]),
    ],
    notes: [
      `Latency from ${formatMs(latencies.best)} to ${formatMs(latencies.worst)} and ${rangeText(quality, qualities)} count as 0 to 1; the reference point lies at ${1 + beyond} of both.`,
      ...leftOutNotes(untimed, 'nothing was timed'),
    ],
    draw: (width) => drawKnown(known, width),
  });
}

function rangeText(
  quality: AxisId,
  { best, worst }: { readonly best: number; readonly worst: number },
): string {
  const axis = axisOf(quality);
  const told = (value: number): string => formatMetric(axis, Math.abs(value));
  return `${axis.label} from ${told(best)} to ${told(worst)}`;
}

/** From when on the front hardly changed. */
function findingOf(known: readonly Known[]): string {
  const last = known.findLastIndex(({ share }) => Math.abs(share - 1) > 0.02);
  const settled = known[last + 1];
  if (!settled || last === known.length - 2)
    return 'The front still changed by more than 2 % shortly before the end: measuring longer may change it again.';
  return last === -1
    ? 'The front was known within 2 % from the start.'
    : `From ${formatMs(settled.minutes * 60_000)} on the front stayed within 2 % of what it was at the end.`;
}

/** Medians of the latencies known at each checkpoint; NaN before the first. */
function* runningMedians(
  trial: Trial,
  minutesAt: (atMs: number) => number,
  minutes: number,
): Generator<void, readonly number[]> {
  const samples = timedSamples(trial);
  const latencies = Float64Array.from(samples, latencyMsOf);
  const counts = new Uint32Array(checkpoints);
  for (const { startedAtMs } of samples) {
    const share = minutes > 0 ? minutesAt(startedAtMs) / minutes : 0;
    const at = Math.min(checkpoints - 1, Math.max(0, Math.ceil(share * checkpoints) - 1));
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const medians: number[] = [];
  let until = 0;
  for (const count of counts) {
    until += count;
    // Sorting what is sorted already but for the new ones is fast.
    latencies.subarray(0, until).sort();
    medians.push(until === 0 ? Number.NaN : quantileOfSorted(latencies.subarray(0, until), 0.5));
    if (count > 0) yield;
  }
  return medians;
}

/** Costs from the best, 0, to the worst, 1. */
function scaled(costs: readonly number[]) {
  const [best, worst] = [Math.min(...costs), Math.max(...costs)];
  return { best, worst, place: (cost: number): number => (cost - best) / (worst - best || 1) };
}

function drawKnown(known: readonly Known[], width: number): Drawing {
  const frame: Box = { left: 52, right: width - 12, top: 28, bottom: 250 };
  // Running medians may have been better than those of the end.
  const most = Math.max(1, ...known.map(({ share }) => share));
  const xScale = clockScale(known.at(-1)?.minutes ?? 0, width / 110);
  const yScale = niceScale([0, most], 5, [0, most]);
  const toX = (minutes: number): number => project(minutes, xScale, frame.left, frame.right);
  const toY = (share: number): number => project(share, yScale, frame.bottom, frame.top);
  const [first] = known;
  const steps = known.map(({ minutes, share }) => `H${toX(minutes)}V${toY(share)}`).join('');
  return {
    width,
    height: frame.bottom + 44,
    marks: [
      { kind: 'text', x: 0, y: 12, text: 'share of the final hypervolume' },
      {
        kind: 'text',
        x: frame.right + 10,
        y: frame.bottom + 37,
        text: RUNNING_TITLE,
        anchor: 'end',
        ink: 'dim',
      },
      ...yScale.ticks.flatMap((tick): Mark[] => [
        {
          kind: 'line',
          x1: frame.left,
          x2: frame.right,
          y1: toY(tick),
          y2: toY(tick),
          stroke: tick === 1 ? 'dim' : 'line',
        },
        {
          kind: 'text',
          x: frame.left - 6,
          y: toY(tick) + 4,
          text: `${Math.round(100 * tick)} %`,
          anchor: 'end',
          ink: 'dim',
        },
      ]),
      ...xScale.ticks.map((tick): Mark => {
        const isLast = toX(tick) > frame.right - 20;
        return {
          kind: 'text',
          x: isLast ? frame.right + 10 : toX(tick),
          y: frame.bottom + 17,
          text: xScale.tickText(tick),
          anchor: isLast ? 'end' : 'middle',
          ink: 'dim',
        };
      }),
      { kind: 'path', d: first ? `M${toX(0)} ${toY(0)}${steps}` : '', stroke: 'accent', strokeWidth: 2 },
    ],
    tips: known.map(({ minutes, share, strategies }, at) => ({
      box: { ...frame, left: toX(known[at - 1]?.minutes ?? 0), right: toX(minutes) },
      text: `After ${formatMs(minutes * 60_000)}: ${Math.round(100 * share)} % of the final hypervolume, from ${strategies} strategies`,
    })),
  };
}
