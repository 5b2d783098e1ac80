import { useDeferredValue } from 'react';
import { useLab } from '../../../store/lab.ts';
import { PICTURES } from '../../../study/plots/pictures.ts';
import { Chip } from '../../ui/controls.tsx';
import { PictureFigure } from './PictureFigure.tsx';
import styles from './Pictures.module.css';

/** The pictures of a study, one at a time: only what is looked at is computed. */
export function PicturesView() {
  const study = useLab((lab) => lab.study);
  const trials = useDeferredValue(useLab((lab) => lab.trials));
  const chosen = useLab((lab) => lab.picture);
  const showPicture = useLab((lab) => lab.showPicture);
  const kind = PICTURES.find(({ id }) => id === chosen);
  return (
    <>
      <div className={styles.chooser} role="group" aria-label="Picture">
        {PICTURES.map(({ id, name, title }) => (
          <Chip
            key={id}
            title={title}
            className={styles.choice}
            aria-pressed={id === chosen}
            onClick={(event) => {
              showPicture(id);
              event.currentTarget.scrollIntoView({ block: 'nearest', inline: 'center' });
            }}
          >
            {name}
          </Chip>
        ))}
      </div>
      {study && kind && <PictureFigure key={kind.id} kind={kind} study={study} trials={trials} />}
    </>
  );
}
