import { formatShare } from '../../base/units.ts';
import {
  type CurvePoint,
  lossOf,
  type PruneCurve,
  type PruneScan,
  shareRemoved,
} from '../../study/prune-curves.ts';
import styles from './Prune.module.css';

interface CurveChartProps {
  readonly curve: PruneCurve;
  readonly scan: Pick<PruneScan, 'accuracy' | 'whole'>;
  readonly size: 'small' | 'large';
}

const SIZES = {
  small: { width: 88, height: 36, left: 1, right: 1, top: 2, bottom: 2 },
  large: { width: 320, height: 176, left: 40, right: 8, top: 10, bottom: 34 },
} as const;

const TICKS = [0, 0.25, 0.5, 0.75, 1] as const;

/** What stays right, and which MACs stay, against the share of a group's channels that went. */
export function CurveChart({ curve, scan, size }: CurveChartProps) {
  const { width, height, left, right, top, bottom } = SIZES[size];
  const x = (share: number): number => left + share * (width - left - right);
  const y = (share: number): number => height - bottom - share * (height - top - bottom);
  const quality = qualityOf(curve, scan);
  const macs = [
    [0, 1] as const,
    ...curve.points.map((point) => [shareRemoved(curve, point), point.macs / scan.whole.macs] as const),
  ];
  const path = (points: readonly (readonly [number, number])[]): string =>
    points.map(([at, value], index) => `${index === 0 ? 'M' : 'L'}${x(at)} ${y(value)}`).join('');
  const isLarge = size === 'large';
  return (
    <svg
      className={isLarge ? styles.large : styles.small}
      viewBox={`0 0 ${width} ${height}`}
      role={isLarge ? 'img' : undefined}
      aria-hidden={isLarge ? undefined : true}
      aria-label={isLarge ? `${quality.name} and MACs as channels of ${curve.subject.at} go` : undefined}
    >
      {isLarge &&
        TICKS.map((tick) => (
          <g key={tick} className={styles.tick}>
            <line x1={x(0)} x2={x(1)} y1={y(tick)} y2={y(tick)} />
            <text x={left - 6} y={y(tick) + 4} textAnchor="end">
              {percent(tick)}
            </text>
            <text x={x(tick)} y={height - bottom + 14} textAnchor={tick === 1 ? 'end' : 'middle'}>
              {percent(tick)}
            </text>
          </g>
        ))}
      {isLarge && (
        <text className={styles.axis} x={(x(0) + x(1)) / 2} y={height - 4} textAnchor="middle">
          channels removed · <tspan className={styles.qualityName}>{quality.name}</tspan> ·{' '}
          <tspan className={styles.macsName}>MACs left</tspan>
        </text>
      )}
      <path className={styles.macs} d={path(macs)} />
      <path className={styles.quality} d={path(quality.points)} />
      {isLarge &&
        quality.points.map(([at, value]) => (
          <circle key={at} className={styles.dot} cx={x(at)} cy={y(value)} r={3}>
            <title>{`${formatShare(at)} removed: ${quality.name} ${formatShare(value)}`}</title>
          </circle>
        ))}
    </svg>
  );
}

/** Accuracy, else agreement, else the share of the scores' power that their error leaves. */
function qualityOf(
  curve: PruneCurve,
  { accuracy }: Pick<PruneScan, 'accuracy'>,
): { readonly name: string; readonly points: readonly (readonly [number, number])[] } {
  const points = (whole: number, valueOf: (point: CurvePoint) => number) => [
    [0, whole] as const,
    ...curve.points.map((point) => [shareRemoved(curve, point), valueOf(point)] as const),
  ];
  if (accuracy !== null)
    return { name: 'accuracy', points: points(accuracy, (point) => point.accuracy ?? 0) };
  if (curve.points.some(({ agreement }) => agreement !== null))
    return { name: 'agreement', points: points(1, ({ agreement }) => agreement ?? 0) };
  return { name: 'scores left', points: points(1, (point) => Math.exp(-lossOf(point))) };
}

function percent(share: number): string {
  return `${100 * share} %`;
}
