import { useDeferredValue, useMemo, useState } from 'react';
import { DrawingView } from '../../../charts/DrawingView.tsx';
import { useSize } from '../../../charts/use-size.ts';
import { useLab } from '../../../store/lab.ts';
import { limitsOf } from '../../../store/ui-slice.ts';
import type { Cell } from '../../../study/csv-text.ts';
import { measuredTrials } from '../../../study/plots/parallel.ts';
import type { PictureKind } from '../../../study/plots/pictures.ts';
import type { Study, Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { Problem } from '../../ui/FailureText.tsx';
import { LimitSliders, ParallelBrushes } from './ParallelBrushes.tsx';
import { PictureExports } from './PictureExports.tsx';
import styles from './Pictures.module.css';
import { useMaking } from './use-making.ts';

interface PictureFigureProps {
  readonly kind: PictureKind;
  readonly study: Omit<Study, 'trials'>;
  readonly trials: readonly Trial[];
}

/** Of the table that stands for the picture; the CSV has all. */
const mostRows = 200;

/** One picture of a study: drawn, told, and as files. */
export function PictureFigure({ kind, study, trials }: PictureFigureProps) {
  const limits = useLab(limitsOf);
  const axes = useLab((lab) => lab.axes);
  const made = useMaking(kind, trials, limits, axes);
  const [element, size] = useSize<HTMLDivElement>();
  const width = useDeferredValue(size?.width);
  const picture = made?.ok ? made.value : null;
  const isBrushed = kind.id === 'parallel-coordinates';
  const brushable = useMemo(() => measuredTrials(trials), [trials]);
  const drawing = useMemo(
    () => (picture && width !== undefined ? picture.draw(Math.floor(width)) : null),
    [picture, width],
  );
  return (
    <figure className={panel.stack} aria-label={kind.title}>
      <figcaption>
        <strong>{kind.title}</strong>
        {picture && picture.finding !== '' && <p className={panel.wrapAnywhere}>{picture.finding}</p>}
        <p className={`${panel.dim} ${panel.small}`}>{kind.howToRead}</p>
      </figcaption>
      <div ref={element} className={styles.canvas}>
        {drawing && (
          <DrawingView drawing={drawing} label={kind.title} finding={picture?.finding ?? ''}>
            {isBrushed && <ParallelBrushes trials={brushable} width={drawing.width} />}
          </DrawingView>
        )}
        {made === null && <p className={panel.dim}>Computing…</p>}
      </div>
      {made && !made.ok && <Problem failure={made.failure} />}
      {picture && (
        <>
          {picture.notes.map((note) => (
            <p key={note} className={`${panel.small} ${panel.wrapAnywhere}`}>
              {note}
            </p>
          ))}
          <PictureExports kind={kind} picture={picture} subtitle={subtitleOf(study, trials)} />
          {isBrushed && <LimitSliders trials={brushable} />}
          <AsTable rows={picture.rows} title={kind.title} />
        </>
      )}
    </figure>
  );
}

function subtitleOf({ modelName, datasetName }: Omit<Study, 'trials'>, trials: readonly Trial[]): string {
  const [first] = trials;
  const device = first
    ? [`${first.environment.platform}, ${first.environment.hardwareConcurrency} cores`]
    : [];
  return [modelName, datasetName, ...device].join(' · ');
}

/** The same numbers as a table, for those who read better than they see. */
function AsTable({
  rows: [head = [], ...rows],
  title,
}: {
  readonly rows: readonly (readonly Cell[])[];
  readonly title: string;
}) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className={panel.summaryLine}>As a table</summary>
      {isOpen && (
        <div className={panel.tableScroll} role="region" aria-label={`${title} as a table`} tabIndex={0}>
          <table className={`${panel.figures} ${styles.table}`}>
            <thead>
              <tr>
                {head.map((cell) => (
                  <th key={String(cell)} scope="col">
                    {cell}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, mostRows).map((cells, at) => (
                // Rows are never moved.
                <tr key={at}>
                  {cells.map((cell, column) => (
                    <td key={column}>{cellText(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length > mostRows && (
            <p className={`${panel.dim} ${panel.small}`}>
              {mostRows} of {rows.length} rows; the CSV has all.
            </p>
          )}
        </div>
      )}
    </details>
  );
}

function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'boolean') return cell ? 'yes' : 'no';
  return typeof cell === 'number' ? String(Number(cell.toPrecision(5))) : cell;
}
