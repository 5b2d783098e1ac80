import { type Axis, type AxisId, type Measure, trialMetrics } from './metrics.ts';
import { frontOfTrials } from './pareto.ts';
import { axisScale, type Box, project } from './plot-layout.ts';
import type { Scale } from './ticks.ts';
import type { Trial } from './trial.ts';

/** What a front is drawn over; `y` null: what suits the trials. */
export interface FrontAxes {
  readonly x: AxisId;
  readonly y: AxisId | null;
}

/** A trial as it is drawn, in pixels. */
export interface Mark {
  readonly trial: Trial;
  readonly name: string;
  readonly xMeasure: Measure;
  readonly yMeasure: Measure;
  readonly x: number;
  readonly y: number;
  readonly isOnFront: boolean;
}

/** Where everything of a front is drawn, on the screen as in the exported file. */
export interface FrontLayout {
  readonly frame: Box;
  readonly xScale: Scale;
  readonly yScale: Scale;
  /** The front last, so that faded points never cover it. */
  readonly marks: readonly Mark[];
  readonly toX: (value: number) => number;
  readonly toY: (value: number) => number;
}

/** The trials with a number on both axes, failed ones left out. */
export function trialsOnAxes(trials: readonly Trial[], x: AxisId, y: AxisId) {
  return trials.flatMap((trial) => {
    const metrics = trialMetrics(trial);
    const [xMeasure, yMeasure] = [metrics[x], metrics[y]];
    return trial.state.kind !== 'failed' && xMeasure && yMeasure ? [{ trial, xMeasure, yMeasure }] : [];
  });
}

/**
 * Lays out trials over two metrics.
 * @param frame the plot's own box in pixels, without the room for texts
 * @param wantedTicks about so many round numbers along each axis
 */
export function layOutFront(
  trials: readonly Trial[],
  xAxis: Axis,
  yAxis: Axis,
  frame: Box,
  wantedTicks?: number,
): FrontLayout {
  const front = new Set(frontOfTrials(trials, [xAxis.id, yAxis.id]));
  const shown = trialsOnAxes(trials, xAxis.id, yAxis.id);
  const scaleOf = (axis: Axis, measures: readonly Measure[]): Scale =>
    // Without any trial: axes that have no numbers yet.
    measures.length === 0 ? { low: 0, high: 1, ticks: [] } : axisScale(axis, measures, wantedTicks);
  const xScale = scaleOf(
    xAxis,
    shown.map(({ xMeasure }) => xMeasure),
  );
  const yScale = scaleOf(
    yAxis,
    shown.map(({ yMeasure }) => yMeasure),
  );
  const toX = (value: number) => project(value, xScale, frame.left, frame.right);
  const toY = (value: number) => project(value, yScale, frame.bottom, frame.top);
  const marks = shown
    .map((each) => ({
      ...each,
      name: each.trial.strategy.name,
      x: toX(each.xMeasure.value),
      y: toY(each.yMeasure.value),
      isOnFront: front.has(each.trial),
    }))
    .sort((a, b) => Number(a.isOnFront) - Number(b.isOnFront));
  return { frame, xScale, yScale, marks, toX, toY };
}
