import { memo, type MouseEvent, type ReactNode, useEffect, useMemo } from 'react';
import { type FrontLayout, layOutFront, type Mark, trialsOnAxes } from '../study/front-layout.ts';
import {
  type Axis,
  type AxisId,
  axisOf,
  formatMetric,
  isEmulatedTrial,
  trialMetrics,
} from '../study/metrics.ts';
import { type Box, frontPath, placeLabels, textWidth } from '../study/plot-layout.ts';
import { placeTicks, tickText } from '../study/tick-texts.ts';
import type { Trial } from '../study/trial.ts';
import styles from './FrontChart.module.css';
import { type Size, useSize } from './use-size.ts';

interface PlotProps {
  readonly trials: readonly Trial[];
  readonly x: AxisId;
  readonly y: AxisId;
  readonly selectedTrialId: string | null;
  /** A second trial that stands beside the selected one. */
  readonly comparedTrialId?: string | null;
  readonly onSelect: (trialId: string) => void;
  /** The trial under the pointer, and null when it leaves. */
  readonly onPoint: (trialId: string | null) => void;
}

interface FrontChartProps extends PlotProps {
  /** Names of the axes, or controls that choose them. */
  readonly xTitle: ReactNode;
  readonly yTitle: ReactNode;
}

const wantedTicks = 5;

/** A press this near to a point means it: half of a thumb's target. */
const reachPixels = 22;

/** Room around the plot for the ticks' texts. */
const margin = { left: 58, right: 14, top: 10, bottom: 26 };
/** Of the ticks' texts, in pixels. */
const tickFontSize = 12;
/** Between them and the plot. */
const tickGap = 7;

/** Trials over two metrics with their 95 % intervals; the Pareto front as a staircase, dominated trials faded. */
export function FrontChart({ xTitle, yTitle, ...plot }: FrontChartProps) {
  const { trials, x, y } = plot;
  const [xAxis, yAxis] = [axisOf(x), axisOf(y)];
  const count = trialsOnAxes(trials, x, y).length;
  const done = trials.filter(({ state }) => state.kind === 'done');
  // Images that are not classified, for example, have neither accuracy nor agreement.
  const missing =
    done.length > 0 ? [yAxis, xAxis].find(({ id }) => done.every((each) => !trialMetrics(each)[id])) : null;
  return (
    <figure>
      <div className={styles.axisName}>
        {yTitle} <span>better {yAxis.better === 'higher' ? '↑' : '↓'}</span>
      </div>
      {count === 0 && trials.length > 0 ? (
        <div className={styles.chart}>
          <p className={styles.empty}>
            {missing
              ? `None of these trials tells its ${missing.label}: choose another axis.`
              : 'Nothing has been measured on these axes yet.'}
          </p>
        </div>
      ) : (
        <Plot {...plot} />
      )}
      <div className={styles.axisName} data-end>
        <span>better {xAxis.better === 'higher' ? '→' : '←'}</span> {xTitle}
      </div>
      {trials.some(isEmulatedTrial) && (
        <p className={styles.legend}>
          <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" className={styles.front}>
            <circle cx="6" cy="6" r="4.5" className={styles.emulated} />
          </svg>
          emulated: other tiers and links, calculated from what was measured here
        </p>
      )}
      <figcaption className="visually-hidden">
        {count} strategies by {xAxis.label} and {yAxis.label}; the table below has the same numbers.
      </figcaption>
    </figure>
  );
}

/** Drawn anew only when trials, axes or the selection change, not with everything around it. */
const Plot = memo(function Plot({
  trials,
  x,
  y,
  selectedTrialId,
  comparedTrialId = null,
  onSelect,
  onPoint,
}: PlotProps) {
  const [element, size] = useSize<HTMLDivElement>();
  // A chart that goes away under the pointer is not told that the pointer left.
  useEffect(() => () => onPoint(null), [onPoint]);
  const [xAxis, yAxis] = [axisOf(x), axisOf(y)];
  const drawn = useMemo(
    () => (size ? layOutIn(size, trials, xAxis, yAxis) : null),
    [trials, xAxis, yAxis, size],
  );
  /** Points crowd, so a press counts for the nearest one instead of for the one on top. */
  const nearest = (event: MouseEvent<SVGElement>): string | null => {
    const box = element.current?.getBoundingClientRect();
    const [first, ...rest] = drawn?.marks ?? [];
    if (!box || !first) return null;
    const distance = (mark: Mark) =>
      Math.hypot(mark.x - (event.clientX - box.left), mark.y - (event.clientY - box.top));
    const best = rest.reduce((a, b) => (distance(b) < distance(a) ? b : a), first);
    return distance(best) <= reachPixels ? best.trial.id : null;
  };
  return (
    <div ref={element} className={styles.chart}>
      {size && drawn && (
        <svg
          width={size.width}
          height={size.height}
          onClick={(event) => {
            const hit = nearest(event);
            if (hit !== null) onSelect(hit);
          }}
          onPointerMove={(event) => event.pointerType === 'mouse' && onPoint(nearest(event))}
          onPointerLeave={() => onPoint(null)}
        >
          <Ticks drawn={drawn} xAxis={xAxis} yAxis={yAxis} />
          <path d={frontPath(drawn.marks, xAxis, yAxis, drawn.frame)} className={styles.staircase} />
          {drawn.marks.map((mark) => (
            <Point
              key={mark.trial.id}
              mark={mark}
              drawn={drawn}
              label={pointLabel(mark, xAxis, yAxis)}
              role={
                mark.trial.id === selectedTrialId
                  ? 'selected'
                  : mark.trial.id === comparedTrialId
                    ? 'compared'
                    : 'plain'
              }
              onSelect={onSelect}
            />
          ))}
          <Names marks={drawn.marks} frame={drawn.frame} />
        </svg>
      )}
    </div>
  );
});

/** With as much room at the left as the ticks' texts need. */
function layOutIn(size: Size, trials: readonly Trial[], xAxis: Axis, yAxis: Axis): FrontLayout {
  const layOut = (left: number) => layOutFront(trials, xAxis, yAxis, frameIn(size, left), wantedTicks);
  const usual = layOut(margin.left);
  const widths = usual.yScale.ticks.map((tick) => textWidth(tickText(yAxis, tick), tickFontSize));
  const needed = Math.ceil(Math.max(0, ...widths) + tickGap);
  return needed > margin.left ? layOut(needed) : usual;
}

function frameIn({ width, height }: Size, left: number): Box {
  return {
    left,
    top: margin.top,
    right: width - margin.right,
    bottom: height - margin.bottom,
  };
}

function pointLabel({ trial, name, xMeasure, yMeasure, isOnFront }: Mark, xAxis: Axis, yAxis: Axis): string {
  const values = `${xAxis.label} ${formatMetric(xAxis, xMeasure.value)}, ${yAxis.label} ${formatMetric(yAxis, yMeasure.value)}`;
  return `${name}: ${values}${isOnFront ? ', on the front' : ''}${isEmulatedTrial(trial) ? ', emulated' : ''}`;
}

function Ticks({
  drawn: { frame, xScale, yScale, toX, toY },
  xAxis,
  yAxis,
}: {
  readonly drawn: FrontLayout;
  readonly xAxis: Axis;
  readonly yAxis: Axis;
}) {
  return (
    <g className={styles.ticks}>
      <line x1={frame.left} x2={frame.right} y1={frame.bottom} y2={frame.bottom} />
      {placeTicks(xAxis, xScale.ticks, toX, frame.right + margin.right, tickFontSize).map(
        ({ tick, text, x, anchor }) => (
          <text key={tick} x={x} y={frame.bottom + 17} textAnchor={anchor}>
            {text}
          </text>
        ),
      )}
      {yScale.ticks.map((tick) => (
        <g key={tick}>
          <line x1={frame.left} x2={frame.right} y1={toY(tick)} y2={toY(tick)} />
          <text x={frame.left - tickGap} y={toY(tick) + 4} textAnchor="end">
            {tickText(yAxis, tick)}
          </text>
        </g>
      ))}
    </g>
  );
}

function Point({
  mark,
  drawn: { toX, toY },
  label,
  role,
  onSelect,
}: {
  readonly mark: Mark;
  readonly drawn: FrontLayout;
  readonly label: string;
  readonly role: 'plain' | 'selected' | 'compared';
  readonly onSelect: (trialId: string) => void;
}) {
  const { trial, x, y, xMeasure, yMeasure, isOnFront } = mark;
  return (
    <g
      role="button"
      tabIndex={0}
      aria-pressed={role === 'selected'}
      aria-label={label}
      data-compared={role === 'compared'}
      className={styles.point}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' && event.key !== ' ') return;
        event.preventDefault();
        onSelect(trial.id);
      }}
    >
      <g className={isOnFront ? styles.front : styles.dominated} strokeWidth={1.4}>
        {xMeasure.low !== null && xMeasure.high !== null && (
          <line x1={toX(xMeasure.low)} x2={toX(xMeasure.high)} y1={y} y2={y} strokeOpacity={0.5} />
        )}
        {yMeasure.low !== null && yMeasure.high !== null && (
          <line x1={x} x2={x} y1={toY(yMeasure.low)} y2={toY(yMeasure.high)} strokeOpacity={0.5} />
        )}
        <circle
          cx={x}
          cy={y}
          r={5}
          {...(isEmulatedTrial(trial) ? { className: styles.emulated } : { stroke: 'none' })}
        />
      </g>
      <circle className={styles.halo} cx={x} cy={y} r={9} />
    </g>
  );
}

/** The points' names, as far as there is room. */
function Names({ marks, frame }: { readonly marks: readonly Mark[]; readonly frame: Box }) {
  const room = { ...frame, top: frame.top - margin.top, right: frame.right + margin.right };
  return placeLabels(marks, room).map((label, index) => {
    const mark = marks[index];
    if (!label || !mark) return null;
    return (
      <text
        key={mark.trial.id}
        x={label.x}
        y={label.y}
        textAnchor={label.anchor}
        className={`${styles.name} ${mark.isOnFront ? '' : styles.nameDominated}`}
      >
        {label.text}
      </text>
    );
  });
}
