import { type Axis, axisOf, formatMetric } from '../study/metrics.ts';
import { axisScale } from '../study/plot-layout.ts';
import { placeTicks, tickText } from '../study/tick-texts.ts';
import styles from './ThresholdChart.module.css';

export interface ThresholdPoint {
  readonly latencyMs: number;
  readonly accuracy: number;
  readonly label: string;
}

interface ThresholdChartProps {
  /** The same threshold at every exit, from fast to slow. */
  readonly swept: readonly ThresholdPoint[];
  /** The best that was found, from fast to slow. */
  readonly learned: readonly ThresholdPoint[];
  /** Where the sliders stand. */
  readonly current: ThresholdPoint;
  /** What was really run, with what had been expected of it where something was. */
  readonly measured: readonly (ThresholdPoint & { readonly expected: ThresholdPoint | null })[];
  readonly quality: 'accuracyTop1' | 'agreement';
}

const frame = { left: 46, right: 352, top: 10, bottom: 176 };
const size = { width: 360, height: 204 };

/** Expected accuracy against expected mean latency of exit thresholds, over what was measured. */
export function ThresholdChart({ swept, learned, current, measured, quality }: ThresholdChartProps) {
  const [xAxis, yAxis] = [axisOf('latencyMeanMs'), axisOf(quality)];
  const all = [
    ...swept,
    ...learned,
    current,
    ...measured,
    ...measured.flatMap(({ expected }) => expected ?? []),
  ];
  const exactly = (value: number) => ({ value, low: value, high: value });
  const xScale = axisScale(
    xAxis,
    all.map(({ latencyMs }) => exactly(latencyMs)),
    4,
  );
  const yScale = axisScale(
    yAxis,
    all.map(({ accuracy }) => exactly(accuracy)),
    4,
  );
  const x = ({ latencyMs }: ThresholdPoint) =>
    frame.left + ((latencyMs - xScale.low) / (xScale.high - xScale.low)) * (frame.right - frame.left);
  const y = ({ accuracy }: ThresholdPoint) =>
    frame.bottom - ((accuracy - yScale.low) / (yScale.high - yScale.low)) * (frame.bottom - frame.top);
  const path = (points: readonly ThresholdPoint[], isStaircase: boolean) =>
    points
      .map((point, at) =>
        at === 0
          ? `M${x(point)} ${y(point)}`
          : `${isStaircase ? `H${x(point)}V` : `L${x(point)} `}${y(point)}`,
      )
      .join('');
  return (
    <figure className={styles.figure}>
      <svg
        viewBox={`0 0 ${size.width} ${size.height}`}
        className={styles.chart}
        role="img"
        aria-label={summary(current, xAxis, yAxis)}
      >
        {yScale.ticks.map((tick) => {
          const top = y({ accuracy: tick, latencyMs: 0, label: '' });
          return (
            <g key={tick}>
              <line x1={frame.left} x2={frame.right} y1={top} y2={top} className={styles.grid} />
              <text x={frame.left - 6} y={top + 4} textAnchor="end">
                {tickText(yAxis, tick)}
              </text>
            </g>
          );
        })}
        {placeTicks(
          xAxis,
          xScale.ticks,
          (latencyMs) => x({ accuracy: 0, latencyMs, label: '' }),
          size.width,
        ).map((tick) => (
          <text key={tick.tick} x={tick.x} y={frame.bottom + 16} textAnchor={tick.anchor}>
            {tick.text}
          </text>
        ))}
        <path d={path(swept, false)} className={styles.swept} />
        {learned.length > 0 && <path d={path(learned, true)} className={styles.learned} />}
        {measured.map((point) => (
          <g key={point.label} className={styles.measured}>
            <title>{point.label}</title>
            {point.expected && (
              <line x1={x(point.expected)} y1={y(point.expected)} x2={x(point)} y2={y(point)} />
            )}
            <circle cx={x(point)} cy={y(point)} r={4} />
          </g>
        ))}
        <circle cx={x(current)} cy={y(current)} r={6} className={styles.current} />
      </svg>
      <figcaption className={styles.legend}>
        <span data-mark="swept">same τ everywhere</span>
        {learned.length > 0 && <span data-mark="learned">learned</span>}
        {measured.length > 0 && <span data-mark="measured">measured</span>}
        <span data-mark="current">sliders</span>
      </figcaption>
    </figure>
  );
}

function summary({ latencyMs, accuracy }: ThresholdPoint, xAxis: Axis, yAxis: Axis): string {
  return `Expected ${yAxis.label} against mean latency; the sliders give ${formatMetric(yAxis, accuracy)} at ${formatMetric(xAxis, latencyMs)}`;
}
