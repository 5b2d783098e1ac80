import { useState } from 'react';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import type { ChangedImage } from '../../study/quality/by-class.ts';
import { changedImagesCsv } from '../../study/quality/quality-csv.ts';
import { Thumbnail } from '../data/Thumbnails.tsx';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { saveFile } from '../ui/save-file.ts';
import styles from './Quality.module.css';

interface ChangedImagesProps {
  readonly changed: readonly ChangedImage[];
  /** Name of the other strategy; null: there is none. */
  readonly before: string | null;
  /** null: the images are not open */
  readonly data: LoadedDataset | null;
  readonly nameOfClass: (label: number | null) => string;
  readonly classNames: readonly string[];
}

const PAGE = 60;

/** Images that two trials answer differently: before → after, and what they are. */
export function ChangedImages({ changed, before, data, nameOfClass, classNames }: ChangedImagesProps) {
  const [enlarged, enlarge] = useState<number | null>(null);
  const [shown, setShown] = useState(PAGE);
  if (before === null) return <p className={panel.dim}>Compare with another trial to see what changed.</p>;
  if (changed.length === 0) return <p>Both give the same answer for every image.</p>;
  const nameOf = (image: number): string | null => data?.dataset.items[image]?.name ?? null;
  const count = (kind: ChangedImage['kind']): number => changed.filter((each) => each.kind === kind).length;
  const large = changed.find(({ image }) => image === enlarged) ?? null;
  return (
    <div className={panel.stack}>
      <p>
        {changed.length} {changed.length === 1 ? 'image' : 'images'} changed class: {count('lost')} right
        before and wrong now, {count('won')} wrong before and right now, {count('other')} otherwise.
      </p>
      {large && (
        <figure className={styles.enlarged}>
          {data && (
            <div className={styles.picture}>
              <Thumbnail data={data} index={large.image} />
            </div>
          )}
          <figcaption>
            <strong className={panel.wrapAnywhere}>{nameOf(large.image) ?? `image ${large.image}`}</strong>
            <dl className={panel.facts}>
              <dt>{before}</dt>
              <dd>{nameOfClass(large.before)}</dd>
              <dt>now</dt>
              <dd>{nameOfClass(large.after)}</dd>
              <dt>label</dt>
              <dd>{large.label === null ? 'none' : nameOfClass(large.label)}</dd>
            </dl>
            <Button onClick={() => enlarge(null)}>Close the picture</Button>
          </figcaption>
        </figure>
      )}
      <ul className={styles.images}>
        {changed.slice(0, shown).map((each) => (
          <li key={each.image}>
            <button
              type="button"
              data-kind={each.kind}
              aria-pressed={each.image === enlarged}
              onClick={() => enlarge(each.image === enlarged ? null : each.image)}
            >
              {data && (
                <span className={styles.thumb}>
                  <Thumbnail data={data} index={each.image} />
                </span>
              )}
              <span className={styles.answer}>
                {nameOfClass(each.before)} → {nameOfClass(each.after)}
              </span>
              {each.label !== null && (
                <span className={panel.dim}>
                  {each.kind === 'lost' ? 'lost' : each.kind === 'won' ? 'won' : 'wrong'}:{' '}
                  {nameOfClass(each.label)}
                </span>
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
          onClick={() =>
            saveFile('changed-images.csv', changedImagesCsv(changed, classNames, nameOf), 'text/csv')
          }
        >
          changed-images.csv
        </Button>
      </div>
    </div>
  );
}
