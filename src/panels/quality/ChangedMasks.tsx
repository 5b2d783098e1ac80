import { useMemo, useState } from 'react';
import { formatShare } from '../../base/units.ts';
import type { Preprocessing } from '../../data/preprocessing.ts';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import type { ChangedMask } from '../../study/quality/by-pixel-class.ts';
import { changedMasksCsv } from '../../study/quality/quality-csv.ts';
import type { MaskAnswers } from '../../study/trial.ts';
import { Thumbnail } from '../data/Thumbnails.tsx';
import panel from '../panel.module.css';
import { Button, SelectField } from '../ui/controls.tsx';
import { saveFile } from '../ui/save-file.ts';
import { MaskViewer } from './MaskViewer.tsx';
import styles from './Quality.module.css';
import { useChangedMasks } from './use-changed-masks.ts';

interface ChangedMasksProps {
  readonly after: MaskAnswers;
  readonly before: MaskAnswers | null;
  readonly names: { readonly after: string; readonly before: string | null };
  /** null: the images are not open */
  readonly data: LoadedDataset | null;
  readonly preprocessing: Preprocessing;
  readonly nameOfClass: (label: number | null) => string;
  /** Leaves out images whose pixels both name alike. */
  readonly onlyChanged?: boolean;
}

const PAGE = 60;

const orders = [
  { value: 'changed', label: 'most changed first' },
  { value: 'wrong', label: 'most wrong first' },
  { value: 'lost', label: 'greatest loss first' },
] as const;
type Order = (typeof orders)[number]['value'];

/** The images, at first those whose pixels changed most; one of them large, under its masks. */
export function ChangedMasks({ onlyChanged = false, ...props }: ChangedMasksProps) {
  const all = useChangedMasks(props.after, props.before);
  if (all === null) return <p className={panel.dim}>Comparing the masks of each image…</p>;
  const changed = onlyChanged ? all.filter(({ changedShare }) => changedShare !== 0) : all;
  if (changed.length === 0) return <p>Both name every pixel of every image alike.</p>;
  return <MaskList changed={changed} {...props} />;
}

interface MaskListProps extends Omit<ChangedMasksProps, 'onlyChanged'> {
  readonly changed: readonly ChangedMask[];
}

function MaskList({ changed, after, before, names, data, preprocessing, nameOfClass }: MaskListProps) {
  const [selected, select] = useState<number | null>(null);
  const [shown, setShown] = useState(PAGE);
  const [order, setOrder] = useState<Order>('changed');
  const sorted = useMemo(() => inOrder(changed, before === null ? 'wrong' : order), [changed, before, order]);
  const hasMasks = changed.some(({ rightAfter }) => rightAfter !== null);
  const current = selected ?? sorted[0]?.image ?? null;
  const nameOf = (image: number): string | null => data?.dataset.items[image]?.name ?? null;
  const maskIn = (answers: MaskAnswers | null) =>
    answers?.masks[answers.imageIndices.indexOf(current ?? -1)] ?? null;
  return (
    <div className={panel.stack}>
      {current !== null && (
        <MaskViewer
          key={current}
          image={current}
          name={nameOf(current) ?? `image ${current}`}
          data={data}
          after={{ name: names.after, mask: maskIn(after) }}
          before={names.before === null ? null : { name: names.before, mask: maskIn(before) }}
          preprocessing={preprocessing}
          nameOfClass={nameOfClass}
        />
      )}
      {hasMasks && changed.length > 1 && (
        <SelectField
          title="Order"
          value={before === null ? 'wrong' : order}
          options={orders.filter(({ value }) => value === 'wrong' || before !== null)}
          onChange={setOrder}
        />
      )}
      <ul className={styles.images} aria-label="Images">
        {sorted.slice(0, shown).map((each) => (
          <li key={each.image}>
            <button
              type="button"
              data-kind={kindOf(each)}
              aria-pressed={each.image === current}
              onClick={() => select(each.image)}
            >
              {data && (
                <span className={styles.thumb}>
                  <Thumbnail data={data} index={each.image} />
                </span>
              )}
              {each.changedShare !== null && (
                <span className={styles.answer}>{formatShare(each.changedShare)} changed</span>
              )}
              {each.rightAfter !== null && (
                <span className={panel.dim}>{formatShare(each.rightAfter)} right</span>
              )}
            </button>
          </li>
        ))}
      </ul>
      <div className={panel.buttons}>
        {changed.length > shown && (
          <Button onClick={() => setShown(shown + PAGE)}>Show more of {changed.length}</Button>
        )}
        <Button
          look="link"
          onClick={() => saveFile('changed-masks.csv', changedMasksCsv(changed, nameOf), 'text/csv')}
        >
          changed-masks.csv
        </Button>
      </div>
    </div>
  );
}

/** Images without a mask come last where masks are asked for. */
function inOrder(changed: readonly ChangedMask[], order: Order): readonly ChangedMask[] {
  switch (order) {
    case 'changed':
      return changed;
    case 'wrong':
      return changed.toSorted((a, b) => (a.rightAfter ?? 2) - (b.rightAfter ?? 2));
    case 'lost': {
      const gain = ({ rightBefore, rightAfter }: ChangedMask): number =>
        rightBefore === null || rightAfter === null ? 2 : rightAfter - rightBefore;
      return changed.toSorted((a, b) => gain(a) - gain(b));
    }
  }
}

function kindOf({ rightBefore, rightAfter }: ChangedMask): 'lost' | 'won' | 'other' {
  if (rightBefore === null || rightAfter === null || rightBefore === rightAfter) return 'other';
  return rightAfter < rightBefore ? 'lost' : 'won';
}
