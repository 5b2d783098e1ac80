import { type MouseEvent, type ReactNode, useMemo } from 'react';
import {
  CartesianGrid,
  ComposedChart,
  DefaultZIndexes,
  Line,
  ResponsiveContainer,
  usePlotArea,
  useXAxisScale,
  useYAxisScale,
  XAxis,
  YAxis,
  ZIndexLayer,
} from 'recharts';
import {
  type Axis,
  type AxisId,
  axisOf,
  formatMetric,
  isEmulatedTrial,
  type Measure,
  trialMetrics,
} from '../study/metrics.ts';
import { frontOfTrials } from '../study/pareto.ts';
import { axisScale, placeLabels, tickText } from '../study/plot-layout.ts';
import type { Scale } from '../study/ticks.ts';
import type { Trial } from '../study/trial.ts';
import styles from './FrontChart.module.css';

interface FrontChartProps {
  readonly trials: readonly Trial[];
  readonly x: AxisId;
  readonly y: AxisId;
  /** Names of the axes, or controls that choose them. */
  readonly xTitle: ReactNode;
  readonly yTitle: ReactNode;
  readonly selectedTrialId: string | null;
  readonly onSelect: (trialId: string) => void;
  /** The trial under the pointer, and null when it leaves. */
  readonly onPoint: (trialId: string | null) => void;
}

interface Mark {
  readonly trial: Trial;
  readonly x: Measure;
  readonly y: Measure;
  readonly isOnFront: boolean;
}

const wantedTicks = 5;
/** Few enough to fit: looking which of them would collide means measuring their texts, each a layout of the page. */
const everyTick = 0;

/** A press this near to a point means it: half of a thumb's target. */
const reachPixels = 22;

/** Trials over two metrics with their 95 % intervals; the Pareto front as a staircase, dominated trials faded. */
export function FrontChart(props: FrontChartProps) {
  const { trials, x, y } = props;
  const [xAxis, yAxis] = [axisOf(x), axisOf(y)];
  const marks = useMemo(() => marksOf(trials, x, y), [trials, x, y]);
  if (marks.length === 0 && trials.length > 0) {
    return (
      <div className={styles.chart}>
        <p className={styles.empty}>Nothing has been measured on these axes yet.</p>
      </div>
    );
  }
  const xScale = scaleOf(
    xAxis,
    marks.map((mark) => mark.x),
  );
  const yScale = scaleOf(
    yAxis,
    marks.map((mark) => mark.y),
  );
  return (
    <figure>
      <div className={styles.axisName}>
        {props.yTitle} <span>better {yAxis.better === 'higher' ? '↑' : '↓'}</span>
      </div>
      <div className={styles.chart}>
        <ResponsiveContainer width="100%" height="100%">
          {/* Its own keyboard layer would be one tab stop for nothing: the points are buttons themselves. */}
          <ComposedChart margin={{ top: 10, right: 14, bottom: 0, left: 0 }} accessibilityLayer={false}>
            <CartesianGrid stroke="var(--line)" vertical={false} />
            <XAxis
              type="number"
              dataKey="x"
              domain={[xScale.low, xScale.high]}
              ticks={[...xScale.ticks]}
              tickFormatter={(tick: number) => tickText(xAxis, tick)}
              stroke="var(--line-strong)"
              tickLine={false}
              interval={everyTick}
              height={26}
            />
            <YAxis
              type="number"
              dataKey="y"
              domain={[yScale.low, yScale.high]}
              ticks={[...yScale.ticks]}
              tickFormatter={(tick: number) => tickText(yAxis, tick)}
              axisLine={false}
              tickLine={false}
              interval={everyTick}
              width={58}
            />
            <Line
              data={staircase(marks, xAxis, yAxis, xScale, yScale)}
              dataKey="y"
              // Between two points of the front nothing better is known than the one that is affordable.
              type={xAxis.better === 'lower' ? 'stepAfter' : 'stepBefore'}
              stroke="var(--accent)"
              strokeWidth={2}
              dot={false}
              activeDot={false}
              isAnimationActive={false}
            />
            {/* Over the staircase, which would catch presses meant for its corners. */}
            <ZIndexLayer zIndex={DefaultZIndexes.scatter}>
              <Marks {...props} marks={marks} />
            </ZIndexLayer>
          </ComposedChart>
        </ResponsiveContainer>
      </div>
      <div className={styles.axisName} data-end>
        <span>better {xAxis.better === 'higher' ? '→' : '←'}</span> {props.xTitle}
      </div>
      {marks.some(({ trial }) => isEmulatedTrial(trial)) && (
        <p className={styles.legend}>
          <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" className={styles.front}>
            <circle cx="6" cy="6" r="4.5" className={styles.emulated} />
          </svg>
          emulated: other tiers and links, calculated from what was measured here
        </p>
      )}
      <figcaption className="visually-hidden">
        {marks.length} strategies by {xAxis.label} and {yAxis.label}; the table below has the same numbers.
      </figcaption>
    </figure>
  );
}

/** Without any trial: axes that have no numbers yet. */
function scaleOf(axis: Axis, measures: readonly Measure[]): Scale {
  return measures.length === 0 ? { low: 0, high: 1, ticks: [] } : axisScale(axis, measures, wantedTicks);
}

function marksOf(trials: readonly Trial[], x: AxisId, y: AxisId): readonly Mark[] {
  const front = new Set(frontOfTrials(trials, [x, y]));
  return trials.flatMap((trial) => {
    const metrics = trialMetrics(trial);
    const [xMeasure, yMeasure] = [metrics[x], metrics[y]];
    if (trial.state.kind === 'failed' || !xMeasure || !yMeasure) return [];
    return [{ trial, x: xMeasure, y: yMeasure, isOnFront: front.has(trial) }];
  });
}

/** Corners of the front from left to right, open at both ends. */
function staircase(
  marks: readonly Mark[],
  xAxis: Axis,
  yAxis: Axis,
  xScale: Scale,
  yScale: Scale,
): { x: number; y: number }[] {
  const corners = marks
    .filter((mark) => mark.isOnFront)
    .map((mark) => ({ x: mark.x.value, y: mark.y.value }))
    .sort((a, b) => a.x - b.x || (yAxis.better === 'higher' ? a.y - b.y : b.y - a.y));
  const [first] = corners;
  const last = corners.at(-1);
  if (!first || !last) return [];
  const worstY = yAxis.better === 'higher' ? yScale.low : yScale.high;
  return xAxis.better === 'lower'
    ? [{ x: first.x, y: worstY }, ...corners, { x: xScale.high, y: last.y }]
    : [{ x: xScale.low, y: first.y }, ...corners, { x: last.x, y: worstY }];
}

function Marks({
  marks,
  x,
  y,
  selectedTrialId,
  onSelect,
  onPoint,
}: FrontChartProps & { readonly marks: readonly Mark[] }) {
  const toX = useXAxisScale();
  const toY = useYAxisScale();
  const area = usePlotArea();
  if (!toX || !toY || !area) return null;
  const [xAxis, yAxis] = [axisOf(x), axisOf(y)];
  // The front last, so that faded points never cover it.
  const placed = marks
    .map((mark) => ({
      ...mark,
      name: mark.trial.strategy.name,
      left: toX(mark.x.value) ?? 0,
      top: toY(mark.y.value) ?? 0,
    }))
    .sort((a, b) => Number(a.isOnFront) - Number(b.isOnFront));
  const labels = placeLabels(
    placed.map(({ name, left, top, isOnFront }) => ({ name, x: left, y: top, isOnFront })),
    { left: area.x, top: area.y - 10, right: area.x + area.width + 14, bottom: area.y + area.height },
  );
  /** Points crowd, so a press counts for the nearest one instead of for the one on top. */
  const nearest = (event: MouseEvent<SVGGElement>) => {
    const ground = event.currentTarget.firstElementChild;
    if (!(ground instanceof SVGRectElement)) return null;
    const box = ground.getBoundingClientRect();
    const [pressX, pressY] = [event.clientX - box.left + area.x, event.clientY - box.top + area.y];
    const distance = (mark: (typeof placed)[number]) => Math.hypot(mark.left - pressX, mark.top - pressY);
    const [first, ...rest] = placed;
    if (!first) return null;
    const best = rest.reduce((a, b) => (distance(b) < distance(a) ? b : a), first);
    return distance(best) <= reachPixels ? best.trial.id : null;
  };
  return (
    <g
      onClick={(event) => {
        const hit = nearest(event);
        if (hit !== null) onSelect(hit);
      }}
      onPointerMove={(event) => event.pointerType === 'mouse' && onPoint(nearest(event))}
      onPointerLeave={() => onPoint(null)}
    >
      <rect {...area} fill="transparent" />
      {placed.map(({ trial, left, top, isOnFront, name, x: xMeasure, y: yMeasure }) => (
        <g
          key={trial.id}
          role="button"
          tabIndex={0}
          aria-pressed={trial.id === selectedTrialId}
          aria-label={`${name}: ${xAxis.label} ${formatMetric(xAxis, xMeasure.value)}, ${yAxis.label} ${formatMetric(yAxis, yMeasure.value)}${isOnFront ? ', on the front' : ''}${isEmulatedTrial(trial) ? ', emulated' : ''}`}
          className={styles.point}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' && event.key !== ' ') return;
            event.preventDefault();
            onSelect(trial.id);
          }}
        >
          <g className={isOnFront ? styles.front : styles.dominated} strokeWidth={1.4}>
            {xMeasure.low !== null && xMeasure.high !== null && (
              <line x1={toX(xMeasure.low)} x2={toX(xMeasure.high)} y1={top} y2={top} strokeOpacity={0.5} />
            )}
            {yMeasure.low !== null && yMeasure.high !== null && (
              <line x1={left} x2={left} y1={toY(yMeasure.low)} y2={toY(yMeasure.high)} strokeOpacity={0.5} />
            )}
            <circle
              cx={left}
              cy={top}
              r={5}
              {...(isEmulatedTrial(trial) ? { className: styles.emulated } : { stroke: 'none' })}
            />
          </g>
          <circle className={styles.halo} cx={left} cy={top} r={9} />
        </g>
      ))}
      {labels.map((label, index) => {
        const mark = placed[index];
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
      })}
    </g>
  );
}
