import { useState } from 'react';
import { unreachable } from '../../../base/assert.ts';
import { useLab } from '../../../store/lab.ts';
import {
  type Cell,
  isMeantFor,
  modelTitle,
  sizeText,
  type StudyDesign,
  withExcluded,
} from '../../../study/design/design.ts';
import type { PlannedCell } from '../../../study/design/excluded-cells.ts';
import type { PlannedStudy } from '../../../study/design/planned-study.ts';
import panel from '../../panel.module.css';
import styles from './Design.module.css';

interface MatrixProps {
  readonly design: StudyDesign;
  readonly planned: PlannedStudy;
}

/** Every cell of a plan: a row for each recipe of each model, a column for each place. A tap excludes it, or no longer. */
export function DesignMatrix({ design, planned }: MatrixProps) {
  const change = useLab((lab) => lab.changeDesign);
  const [told, setTold] = useState<string | null>(null);
  const rows = rowsOf(planned.cells.filter(({ cell }) => isMeantFor(cell.recipe, cell.model)));
  const columns = rows[0]?.cells.map(({ cell }) => columnName(cell, design)) ?? [];
  const orders = new Map(planned.strategies.map(({ id }, index) => [id, index + 1]));
  const toggle = (cells: readonly PlannedCell[]) => {
    const possible = cells.filter(({ state }) => state.kind !== 'impossible');
    const isAny = possible.some(({ state }) => state.kind === 'measured');
    change(
      withExcluded(
        design,
        possible.map(({ cell }) => cell.key),
        isAny,
      ),
    );
    setTold(null);
  };
  return (
    <>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Cells of the plan">
        <table className={styles.matrix}>
          <thead>
            <tr>
              <td />
              {columns.map((column, index) => (
                <th key={column} scope="col">
                  <button
                    type="button"
                    aria-label={`All of ${column}`}
                    onClick={() => toggle(rows.flatMap(({ cells }) => cells[index] ?? []))}
                  >
                    {column}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(({ key, model, recipe, cells }) => {
              const name = design.models.length > 1 ? `${recipe.name} · ${modelTitle(model)}` : recipe.name;
              return (
                <tr key={key}>
                  <th scope="row">
                    <button type="button" aria-label={`All of ${name}`} onClick={() => toggle(cells)}>
                      {name}
                    </button>
                  </th>
                  {cells.map((planned, index) => (
                    <td key={planned.cell.key}>
                      <CellButton
                        label={`${name}, ${columns[index]}`}
                        planned={planned}
                        order={
                          planned.state.kind === 'measured'
                            ? (orders.get(planned.state.strategy.id) ?? null)
                            : null
                        }
                        onPress={() =>
                          planned.state.kind === 'impossible'
                            ? setTold(`${name}, ${columns[index]}: ${planned.state.reason}.`)
                            : toggle([planned])
                        }
                      />
                    </td>
                  ))}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p className={`${panel.dim} ${panel.small}`} role="status">
        {told ??
          'Numbers tell the order. Tap a cell, a row or a column to leave it out, or to take it back; tap a dash to see why it cannot be.'}
      </p>
    </>
  );
}

interface CellButtonProps {
  readonly label: string;
  readonly planned: PlannedCell;
  /** Place in the study, from 1; null: it is not measured. */
  readonly order: number | null;
  readonly onPress: () => void;
}

function CellButton({ label, planned: { state }, order, onPress }: CellButtonProps) {
  switch (state.kind) {
    case 'measured':
      return (
        <button
          type="button"
          className={styles.cell}
          aria-pressed="true"
          aria-label={label}
          onClick={onPress}
        >
          {order ?? '⏱'}
        </button>
      );
    case 'excluded':
      return (
        <button
          type="button"
          className={styles.cell}
          aria-pressed="false"
          aria-label={label}
          onClick={onPress}
        />
      );
    case 'impossible':
      return (
        <button
          type="button"
          className={styles.cell}
          data-kind="impossible"
          aria-label={`${label}: why not`}
          title={state.reason}
          onClick={onPress}
        >
          –
        </button>
      );
    default:
      return unreachable(state);
  }
}

interface Row extends Pick<Cell, 'key' | 'model' | 'recipe'> {
  readonly cells: readonly PlannedCell[];
}

/** Cells by model and recipe; all rows have the same columns in the same order. */
function rowsOf(cells: readonly PlannedCell[]): readonly Row[] {
  const rows = new Map<string, Row & { readonly cells: PlannedCell[] }>();
  for (const planned of cells) {
    const { model, recipe } = planned.cell;
    const key = JSON.stringify([model.modelId, recipe.name]);
    const row = rows.get(key) ?? { key, model, recipe, cells: [] };
    rows.set(key, row);
    row.cells.push(planned);
  }
  return [...rows.values()];
}

function columnName({ placement, provider, threads, inputSize }: Cell, design: StudyDesign): string {
  const place = placement?.name ?? 'this device';
  const others = [
    ...(design.providers.length > 1 ? [provider] : []),
    ...(design.threads.length > 1 ? [threads === 'auto' ? 'auto threads' : `${threads} thr.`] : []),
    ...(design.inputSizes.length > 1 ? [inputSize ? sizeText(inputSize) : 'own size'] : []),
  ];
  return (design.placements.length > 1 || others.length === 0 ? [place, ...others] : others).join(' · ');
}
