import { useMemo, useState } from 'react';
import { formatCount, formatShare } from '../../base/units.ts';
import type { ClassOutcome, Share } from '../../study/quality/by-class.ts';
import { classesCsv, classIouCsv } from '../../study/quality/quality-csv.ts';
import panel from '../panel.module.css';
import { Button, SelectField } from '../ui/controls.tsx';
import { saveFile } from '../ui/save-file.ts';
import styles from './Quality.module.css';

interface ClassTableProps {
  readonly outcomes: readonly ClassOutcome[];
  /** Names of the strategies; null: there is none to compare with. */
  readonly before: string | null;
  readonly after: string;
  readonly isLabelled: boolean;
  readonly nameOfClass: (label: number) => string;
  readonly classNames: readonly string[];
  /** What is counted; left out: images. */
  readonly counted?: 'images' | 'pixels';
}

const orders = [
  { value: 'loss', label: 'greatest loss first' },
  { value: 'accuracy', label: 'lowest accuracy first' },
  { value: 'class', label: 'class' },
] as const;
type Order = (typeof orders)[number]['value'];

/** Rows shown at once; a thousand classes are rarely all wanted. */
const SHOWN_ROWS = 100;

/** Accuracy of each class before and after, with intervals. */
export function ClassTable({
  outcomes,
  before,
  after,
  isLabelled,
  nameOfClass,
  classNames,
  counted = 'images',
}: ClassTableProps) {
  const [order, setOrder] = useState<Order>('loss');
  const [isWhole, showWhole] = useState(false);
  const sorted = useMemo(() => inOrder(outcomes, order), [outcomes, order]);
  if (outcomes.length === 0) {
    return (
      <p className={panel.dim}>
        {before === null
          ? 'Without labels there is nothing to count: compare with another trial.'
          : 'The two trials ran on no common images.'}
      </p>
    );
  }
  const isPixels = counted === 'pixels';
  const measure = isPixels
    ? `intersection over union with the ${isLabelled ? 'masks' : 'unchanged model’s answers'}`
    : isLabelled
      ? 'accuracy'
      : `answered as by ${before ?? 'the other'}`;
  const csv = isPixels ? 'class-iou.csv' : 'classes.csv';
  return (
    <div className={panel.stack}>
      <p className={`${panel.small} ${styles.legend}`}>
        <span>{measure}, 95 % intervals:</span>
        {before !== null && (isLabelled || isPixels) && <span data-mark="before">{before}</span>}
        <span data-mark="after">{after}</span>
      </p>
      <SelectField title="Order" value={order} options={orders} onChange={setOrder} />
      <table className={styles.classes}>
        <thead>
          <tr>
            <th scope="col">Class</th>
            <th scope="col">{isPixels ? 'Pixels' : 'Images'}</th>
            <th scope="col" className={styles.wide} aria-label="As a picture" />
            <th scope="col">{isPixels ? 'IoU' : isLabelled ? 'Accuracy' : 'The same'}</th>
          </tr>
        </thead>
        <tbody>
          {(isWhole ? sorted : sorted.slice(0, SHOWN_ROWS)).map((outcome) => (
            <tr key={outcome.label}>
              <th scope="row">{nameOfClass(outcome.label)}</th>
              <td>{isPixels ? formatCount(outcome.images) : outcome.images}</td>
              <td className={styles.wide}>
                {(isLabelled || isPixels) && outcome.before && (
                  <Interval share={outcome.before} mark="before" />
                )}
                <Interval share={outcome.after} mark="after" />
              </td>
              <td className={styles.figures}>
                {(isLabelled || isPixels) && outcome.before && (
                  <span className={panel.dim}>{formatShare(outcome.before.value)} → </span>
                )}
                <span>{formatShare(outcome.after.value)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <div className={panel.buttons}>
        {!isWhole && sorted.length > SHOWN_ROWS && (
          <Button onClick={() => showWhole(true)}>Show all {sorted.length} classes</Button>
        )}
        <Button
          look="link"
          onClick={() =>
            saveFile(csv, (isPixels ? classIouCsv : classesCsv)(outcomes, classNames), 'text/csv')
          }
        >
          {csv}
        </Button>
      </div>
    </div>
  );
}

function inOrder(outcomes: readonly ClassOutcome[], order: Order): readonly ClassOutcome[] {
  const loss = ({ before, after }: ClassOutcome): number => (before?.value ?? 1) - after.value;
  switch (order) {
    case 'class':
      return outcomes;
    case 'loss':
      return outcomes.toSorted((a, b) => loss(b) - loss(a));
    case 'accuracy':
      return outcomes.toSorted((a, b) => a.after.value - b.after.value);
  }
}

/** A dot at the share on its interval, on a scale from 0 to 1. */
function Interval({ share, mark }: { readonly share: Share; readonly mark: 'before' | 'after' }) {
  const percent = (value: number): string => `${100 * value}%`;
  return (
    <div
      className={styles.interval}
      data-mark={mark}
      title={`${share.right} right; 95 % interval ${formatShare(share.low)} to ${formatShare(share.high)}`}
    >
      <span style={{ left: percent(share.low), width: percent(share.high - share.low) }} />
      <i style={{ left: percent(share.value) }} />
    </div>
  );
}
