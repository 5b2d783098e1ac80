import { memo, useCallback, useMemo, useState } from 'react';
import { PRESETS } from '../../study/design/presets.ts';
import type { PresetId } from '../../study/design/preset-ids.ts';
import { type AxisId, isEmulatedTrial } from '../../study/metrics.ts';
import type { TableColumn } from '../../study/table-columns.ts';
import type { Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { CheckField, classes } from '../ui/controls.tsx';
import { type Column, columnOf, COLUMNS } from './table-columns.tsx';
import styles from './TrialTable.module.css';

interface TrialTableProps {
  readonly trials: readonly Trial[];
  readonly onFront: ReadonlySet<string>;
  /** The quality axis shown: accuracy or agreement. */
  readonly quality: AxisId;
  /** What the study was planned from: what that tells is shown at first. */
  readonly preset: PresetId | undefined;
  readonly selectedTrialId: string | null;
  readonly onSelect: (trialId: string) => void;
}

interface Sorting {
  /** Null: by name. */
  readonly id: TableColumn | null;
  readonly descending: boolean;
}

/** All trials with their numbers, sortable; choosing one shows its recipe. */
export function TrialTable({ trials, onFront, quality, preset, selectedTrialId, onSelect }: TrialTableProps) {
  const [sorting, setSorting] = useState<Sorting>({ id: 'latencyMedianMs', descending: true });
  /** Columns that were asked for, or not to be shown. */
  const [asked, setAsked] = useState<ReadonlyMap<TableColumn, boolean>>(new Map());
  const hasPredicted = trials.some(({ predicted }) => predicted !== undefined);
  const ids = useMemo(() => {
    const metrics = PRESETS.find(({ id }) => id === preset)?.metrics ?? [];
    const usual = new Set<TableColumn>([
      'latencyMedianMs',
      quality,
      'rawBytes',
      ...(hasPredicted ? (['predicted', 'latencyMeanMs'] as const) : []),
      ...metrics.flatMap(({ columns = [] }) => columns),
    ]);
    for (const [id, isWanted] of asked) {
      if (isWanted) usual.add(id);
      else usual.delete(id);
    }
    return [...usual];
  }, [quality, hasPredicted, preset, asked]);
  // Others do not depend on the other trials, so rows stay as they are.
  const compared = ids.includes('speedUp') ? trials : noTrials;
  const columns = useMemo(() => ids.map((id) => columnOf(id, compared)), [ids, compared]);
  const sorted = useMemo(() => sortTrials(trials, columns, sorting), [trials, columns, sorting]);
  const sortBy = useCallback(
    (id: TableColumn | null) =>
      setSorting((old) => ({ id, descending: old.id === id ? !old.descending : false })),
    [],
  );
  const header = (id: TableColumn | null, text: string, title: string) => {
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
          {COLUMNS.filter(({ id }) => id !== 'latencyMedianMs' && id !== quality).map(({ id, title }) => (
            <CheckField
              key={id}
              title={title}
              checked={ids.includes(id)}
              onChange={(isWanted) => setAsked((old) => new Map([...old, [id, isWanted]]))}
            />
          ))}
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

const noTrials: readonly Trial[] = [];

function sortTrials(
  trials: readonly Trial[],
  columns: readonly Column[],
  { id, descending }: Sorting,
): readonly Trial[] {
  const sign = descending ? -1 : 1;
  const column = columns.find((each) => each.id === id);
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
