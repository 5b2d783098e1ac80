import { useState } from 'react';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { type Arrangement, arranged, type ChangedImage } from '../../study/quality/by-class.ts';
import { changedImagesCsv } from '../../study/quality/quality-csv.ts';
import { Thumbnail } from '../data/Thumbnails.tsx';
import panel from '../panel.module.css';
import { Button, SelectField } from '../ui/controls.tsx';
import { saveFile } from '../ui/save-file.ts';
import styles from './Quality.module.css';

interface ChangedImagesProps {
  readonly changed: readonly ChangedImage[];
  /** Name of the other strategy; null: there is none. */
  readonly before: string | null;
  /** Name of this one; `now` where it is left out. */
  readonly after?: string;
  /** null: the images are not open */
  readonly data: LoadedDataset | null;
  readonly nameOfClass: (label: number | null) => string;
  readonly classNames: readonly string[];
}

const PAGE = 60;

/** Images that two trials answer differently: before → after, and what they are. */
export function ChangedImages({
  changed,
  before,
  after = 'now',
  data,
  nameOfClass,
  classNames,
}: ChangedImagesProps) {
  const [enlarged, enlarge] = useState<number | null>(null);
  const [shown, setShown] = useState(PAGE);
  const [{ show, order }, arrange] = useState<Arrangement>({ show: 'all', order: 'by-kind' });
  if (before === null) return <p className={panel.dim}>Compare with another trial to see what changed.</p>;
  if (changed.length === 0) return <p>Both give the same answer for every image.</p>;
  const nameOf = (image: number): string | null => data?.dataset.items[image]?.name ?? null;
  const count = (kind: ChangedImage['kind']): number => changed.filter((each) => each.kind === kind).length;
  const large = changed.find(({ image }) => image === enlarged) ?? null;
  const listed = arranged(changed, { show, order });
  const isLabelled = changed.some(({ label }) => label !== null);
  return (
    <div className={panel.stack}>
      <p>
        {changed.length} {changed.length === 1 ? 'image' : 'images'} changed class: {count('lost')} right
        before and wrong now, {count('won')} wrong before and right now, {count('other')} otherwise.
      </p>
      {isLabelled && (
        <SelectField
          title="Show"
          value={show}
          options={[
            { value: 'all', label: 'all' },
            { value: 'one-right', label: 'where one is right' },
            { value: 'both-wrong', label: 'where both are wrong' },
          ]}
          onChange={(next) => arrange({ show: next, order })}
        />
      )}
      <SelectField
        title="Order"
        value={order}
        options={[
          { value: 'by-kind', label: 'lost, won, others' },
          { value: 'surest', label: 'surest answers first' },
          { value: 'least-sure', label: 'least sure first' },
        ]}
        onChange={(next) => arrange({ show, order: next })}
      />
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
              <dd>
                {nameOfClass(large.before)} {sureText(large.confidenceBefore)}
                {exitText(large.exitBefore, ', at ')}
              </dd>
              <dt>{after}</dt>
              <dd>
                {nameOfClass(large.after)} {sureText(large.confidenceAfter)}
                {exitText(large.exitAfter, ', at ')}
              </dd>
              <dt>label</dt>
              <dd>{large.label === null ? 'none' : nameOfClass(large.label)}</dd>
            </dl>
            <Button onClick={() => enlarge(null)}>Close the picture</Button>
          </figcaption>
        </figure>
      )}
      <ul className={styles.images}>
        {listed.slice(0, shown).map((each) => (
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
              <span className={panel.dim}>
                {sureText(each.confidenceBefore)} → {sureText(each.confidenceAfter)}
                {exitText(each.exitAfter, ' · ')}
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
        {listed.length > shown && (
          <Button onClick={() => setShown(shown + PAGE)}>Show more of {listed.length}</Button>
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

/** Exits are counted from 1 for people. */
function exitText(exit: number | null, before: string): string {
  return exit === null ? '' : `${before}exit ${exit + 1}`;
}

function sureText(confidence: number): string {
  return Number.isFinite(confidence) ? `${Math.round(100 * confidence)} %` : '–';
}
