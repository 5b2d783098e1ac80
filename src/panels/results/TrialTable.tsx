import { useMemo, useState } from 'react';
import { type AxisId, axisOf, formatMetric, type Measure, trialMetrics } from '../../study/metrics.ts';
import type { Trial } from '../../study/trial.ts';
import styles from './TrialTable.module.css';

interface TrialTableProps {
  readonly trials: readonly Trial[];
  readonly onFront: ReadonlySet<string>;
  /** The quality axis shown: accuracy or agreement. */
  readonly quality: AxisId;
  readonly selectedTrialId: string | null;
  readonly onSelect: (trialId: string) => void;
}

interface Column {
  readonly axis: AxisId;
  readonly head: string;
  readonly cell: (measure: Measure) => string;
}

interface Sorting {
  /** Null: by name. */
  readonly axis: AxisId | null;
  readonly descending: boolean;
}

const short = (axis: AxisId) => (measure: Measure) => formatMetric(axisOf(axis), measure.value);

function columnsFor(quality: AxisId): readonly Column[] {
  return [
    { axis: 'latencyMedianMs', head: 'median', cell: withHalfInterval('latencyMedianMs') },
    { axis: quality, head: quality === 'agreement' ? 'agrees' : 'top-1', cell: withHalfInterval(quality) },
    { axis: 'rawBytes', head: 'size', cell: short('rawBytes') },
    { axis: 'latencyP90Ms', head: 'p90', cell: short('latencyP90Ms') },
    { axis: 'gzipBytes', head: 'gzipped', cell: short('gzipBytes') },
    { axis: 'macs', head: 'MACs', cell: short('macs') },
    { axis: 'nonZeroParams', head: 'non-zero', cell: short('nonZeroParams') },
    { axis: 'heapBytes', head: 'heap', cell: short('heapBytes') },
    { axis: 'buildMs', head: 'made in', cell: short('buildMs') },
  ];
}

/** `4.12 ms ±0.05`: half the width of the 95 % interval, in the value's unit. */
function withHalfInterval(axisId: AxisId) {
  const axis = axisOf(axisId);
  return ({ value, low, high }: Measure) => {
    const text = formatMetric(axis, value);
    if (low === null || high === null || low === high) return text;
    const half = (high - low) / 2;
    return `${text} ±${axis.unit === 'share' ? (100 * half).toFixed(1) : half < 0.095 ? half.toFixed(2) : half.toFixed(1)}`;
  };
}

/** All trials with their numbers, sortable; choosing one shows its recipe. */
export function TrialTable({ trials, onFront, quality, selectedTrialId, onSelect }: TrialTableProps) {
  const [sorting, setSorting] = useState<Sorting>({ axis: 'latencyMedianMs', descending: true });
  const columns = columnsFor(quality);
  const sorted = useMemo(() => sortTrials(trials, sorting), [trials, sorting]);
  const header = (axis: AxisId | null, text: string, title: string) => {
    const isSorted = sorting.axis === axis;
    const direction = sorting.descending ? 'descending' : 'ascending';
    return (
      <th key={text} scope="col" {...(isSorted ? { 'aria-sort': direction } : {})} title={title}>
        <button
          type="button"
          onClick={() => setSorting({ axis, descending: isSorted && !sorting.descending })}
        >
          {text}
          {isSorted && (sorting.descending ? ' ↓' : ' ↑')}
        </button>
      </th>
    );
  };
  return (
    <div className={styles.scroll} role="region" aria-label="Trials" tabIndex={0}>
      <table className={styles.table}>
        <thead>
          <tr>
            {header(null, 'strategy', 'Name of the strategy')}
            {columns.map(({ axis, head }) => header(axis, head, axisOf(axis).label))}
          </tr>
        </thead>
        <tbody>
          {sorted.map((trial) => {
            const metrics = trialMetrics(trial);
            const { kind } = trial.state;
            return (
              <tr key={trial.id} aria-selected={trial.id === selectedTrialId} data-running={kind !== 'done'}>
                <td>
                  <button type="button" className={styles.strategy} onClick={() => onSelect(trial.id)}>
                    <span
                      className={styles.mark}
                      data-front={onFront.has(trial.id)}
                      data-failed={kind === 'failed'}
                    />
                    <span title={trial.strategy.name}>{trial.strategy.name}</span>
                  </button>
                </td>
                {trial.state.kind === 'failed' ? (
                  <td className={styles.failure} colSpan={columns.length}>
                    {trial.state.message}
                  </td>
                ) : (
                  columns.map(({ axis, cell }) => {
                    const measure = metrics[axis];
                    return <td key={axis}>{measure ? cell(measure) : kind === 'queued' ? '' : '–'}</td>;
                  })
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function sortTrials(trials: readonly Trial[], { axis, descending }: Sorting): readonly Trial[] {
  const sign = descending ? -1 : 1;
  return trials.toSorted((a, b) => {
    if (axis === null)
      return sign * a.strategy.name.localeCompare(b.strategy.name, undefined, { numeric: true });
    const [left, right] = [trialMetrics(a)[axis]?.value, trialMetrics(b)[axis]?.value];
    // What has no value comes last, whichever way the rest is sorted.
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined);
    return sign * (left - right);
  });
}
