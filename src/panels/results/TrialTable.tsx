import { memo, type ReactNode, useCallback, useMemo, useState } from 'react';
import {
  AXES,
  type AxisId,
  axisOf,
  formatMetric,
  isEmulatedTrial,
  type Measure,
  trialMetrics,
} from '../../study/metrics.ts';
import type { Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { CheckField, classes } from '../ui/controls.tsx';
import styles from './TrialTable.module.css';

interface TrialTableProps {
  readonly trials: readonly Trial[];
  readonly onFront: ReadonlySet<string>;
  /** The quality axis shown: accuracy or agreement. */
  readonly quality: AxisId;
  readonly selectedTrialId: string | null;
  readonly onSelect: (trialId: string) => void;
}

type ColumnId = AxisId | 'predicted';

interface Column {
  readonly id: ColumnId;
  readonly head: string;
  /** For people, in full. */
  readonly title: string;
  readonly measure: (trial: Trial) => Measure | null;
  readonly cell: (measure: Measure) => ReactNode;
}

interface Sorting {
  /** Null: by name. */
  readonly id: ColumnId | null;
  readonly descending: boolean;
}

const heads: Readonly<Record<AxisId, string>> = {
  latencyMedianMs: 'median',
  accuracyTop1: 'top-1',
  miou: 'mIoU',
  pixelAccuracy: 'pixels',
  agreement: 'agrees',
  rawBytes: 'size',
  accuracyTop5: 'top-5',
  latencyMeanMs: 'mean',
  latencyP90Ms: 'p90',
  totalMedianMs: 'whole way',
  gzipBytes: 'gzipped',
  sparseBytes: 'sparse',
  macs: 'MACs',
  params: 'params',
  nonZeroParams: 'non-zero',
  heapBytes: 'heap',
  buildMs: 'made in',
};

const predictedColumn: Column = {
  id: 'predicted',
  head: 'expected',
  title: 'mean latency that was expected before it ran',
  measure: ({ predicted }) => {
    const ms = predicted?.latencyMeanMs;
    return ms === undefined ? null : { value: ms, low: ms, high: ms };
  },
  cell: ({ value }) => formatMetric(axisOf('latencyMeanMs'), value),
};

const columnsById: ReadonlyMap<ColumnId, Column> = new Map<ColumnId, Column>([
  ...Object.entries(heads).map(([id, head]) => [id as AxisId, axisColumn(id as AxisId, head)] as const),
  ['predicted', predictedColumn] as const,
]);

function axisColumn(id: AxisId, head: string): Column {
  const axis = axisOf(id);
  const hasInterval = axis.unit === 'share' || id === 'latencyMedianMs' || id === 'latencyMeanMs';
  return {
    id,
    head,
    title: axis.label,
    measure: (trial) => trialMetrics(trial)[id],
    cell: hasInterval ? withHalfInterval(id) : ({ value }) => formatMetric(axis, value),
  };
}

/** `4.12 ms ±0.05`: half the width of the 95 % interval, in the value's unit. */
function withHalfInterval(axisId: AxisId) {
  const axis = axisOf(axisId);
  return ({ value, low, high }: Measure) => {
    const text = formatMetric(axis, value);
    if (low === null || high === null || low === high) return text;
    const half = (high - low) / 2;
    const digits = axis.unit === 'share' ? 1 : half < 0.095 ? 2 : 1;
    return (
      <>
        {text} <small>±{(axis.unit === 'share' ? 100 * half : half).toFixed(digits)}</small>
      </>
    );
  };
}

/** All trials with their numbers, sortable; choosing one shows its recipe. */
export function TrialTable({ trials, onFront, quality, selectedTrialId, onSelect }: TrialTableProps) {
  const [sorting, setSorting] = useState<Sorting>({ id: 'latencyMedianMs', descending: true });
  const [more, setMore] = useState<ReadonlySet<ColumnId>>(new Set());
  const hasPredicted = trials.some(({ predicted }) => predicted !== undefined);
  const columns = useMemo(() => {
    const usual: readonly ColumnId[] = ['latencyMedianMs', quality, 'rawBytes'];
    const predicted: readonly ColumnId[] = hasPredicted ? ['predicted', 'latencyMeanMs'] : [];
    const shown = new Set([...usual, ...predicted, ...more]);
    return [...shown].flatMap((id) => columnsById.get(id) ?? []);
  }, [quality, hasPredicted, more]);
  const sorted = useMemo(() => sortTrials(trials, sorting), [trials, sorting]);
  const sortBy = useCallback(
    (id: ColumnId | null) =>
      setSorting((old) => ({ id, descending: old.id === id ? !old.descending : false })),
    [],
  );
  const header = (id: ColumnId | null, text: string, title: string) => {
    const isSorted = sorting.id === id;
    const direction = sorting.descending ? 'descending' : 'ascending';
    return (
      <th key={text} scope="col" {...(isSorted ? { 'aria-sort': direction } : {})} title={title}>
        <button type="button" onClick={() => sortBy(id)}>
          {text}
          {isSorted && (sorting.descending ? ' ↓' : ' ↑')}
        </button>
      </th>
    );
  };
  return (
    <>
      <div className={styles.scroll} role="region" aria-label="Table of trials" tabIndex={0}>
        <table className={styles.table}>
          <thead>
            <tr>
              {header(null, 'strategy', 'Name of the strategy')}
              {columns.map(({ id, head, title }) => header(id, head, title))}
            </tr>
          </thead>
          <tbody>
            {sorted.map((trial) => (
              <TrialRow
                key={trial.id}
                trial={trial}
                columns={columns}
                isOnFront={onFront.has(trial.id)}
                isSelected={trial.id === selectedTrialId}
                onSelect={onSelect}
              />
            ))}
          </tbody>
        </table>
      </div>
      <p className={classes(panel.dim, panel.small, styles.legend)}>
        <span className={styles.mark} data-front="true" /> on the front
        <span className={styles.mark} /> dominated
        {trials.some(isEmulatedTrial) && (
          <>
            <span className={styles.mark} data-emulated="true" /> emulated
          </>
        )}
        <span>± half of the 95 % interval</span>
      </p>
      <details>
        <summary className={panel.summaryLine}>Columns</summary>
        <div className={styles.columns}>
          {AXES.filter(({ id }) => id !== 'latencyMedianMs' && id !== quality && id !== 'rawBytes').map(
            ({ id, label }) => (
              <CheckField
                key={id}
                title={label}
                checked={columns.some((column) => column.id === id)}
                onChange={(isWanted) =>
                  setMore((old) =>
                    isWanted ? new Set([...old, id]) : new Set([...old].filter((other) => other !== id)),
                  )
                }
              />
            ),
          )}
        </div>
      </details>
    </>
  );
}

interface TrialRowProps {
  readonly trial: Trial;
  readonly columns: readonly Column[];
  readonly isOnFront: boolean;
  readonly isSelected: boolean;
  readonly onSelect: (trialId: string) => void;
}

/** Only rows whose trial changed are drawn anew while a study runs. */
const TrialRow = memo(function TrialRow({ trial, columns, isOnFront, isSelected, onSelect }: TrialRowProps) {
  const { kind } = trial.state;
  const isEmulated = isEmulatedTrial(trial);
  return (
    <tr aria-selected={isSelected} data-running={kind !== 'done'}>
      <td>
        <button type="button" className={styles.strategy} onClick={() => onSelect(trial.id)}>
          <span
            className={styles.mark}
            data-front={isOnFront}
            data-failed={kind === 'failed'}
            data-emulated={isEmulated}
          />
          <span title={isEmulated ? `${trial.strategy.name} (emulated)` : trial.strategy.name}>
            {trial.strategy.name}
          </span>
        </button>
        {isEmulated && <span className="visually-hidden">emulated</span>}
      </td>
      {trial.state.kind === 'failed' ? (
        <td className={styles.failure} colSpan={columns.length}>
          {trial.state.message}
        </td>
      ) : (
        columns.map(({ id, measure, cell }) => {
          const measured = measure(trial);
          return <td key={id}>{measured ? cell(measured) : kind === 'queued' ? '' : '–'}</td>;
        })
      )}
    </tr>
  );
});

function sortTrials(trials: readonly Trial[], { id, descending }: Sorting): readonly Trial[] {
  const sign = descending ? -1 : 1;
  const column = id === null ? undefined : columnsById.get(id);
  return trials.toSorted((a, b) => {
    if (column === undefined)
      return sign * a.strategy.name.localeCompare(b.strategy.name, undefined, { numeric: true });
    const [left, right] = [column.measure(a)?.value, column.measure(b)?.value];
    // What has no value comes last, whichever way the rest is sorted.
    if (left === undefined || right === undefined)
      return Number(left === undefined) - Number(right === undefined);
    return sign * (left - right);
  });
}
