import { useState } from 'react';
import { PICTURES } from '../../../study/plots/pictures.ts';
import type { Study, Trial } from '../../../study/trial.ts';
import { Chip } from '../../ui/controls.tsx';
import { Section } from '../../ui/Section.tsx';
import { PictureFigure } from './PictureFigure.tsx';
import styles from './Pictures.module.css';

interface PicturesProps {
  readonly study: Omit<Study, 'trials'>;
  readonly trials: readonly Trial[];
}

/** The pictures of a study, one at a time; nothing is computed before one is chosen. */
export function Pictures({ study, trials }: PicturesProps) {
  const [chosen, setChosen] = useState<string | null>(null);
  const kind = PICTURES.find(({ id }) => id === chosen);
  return (
    <Section title="Pictures">
      <div className={styles.chooser} role="group" aria-label="Picture">
        {PICTURES.map(({ id, name, title }) => (
          <Chip
            key={id}
            title={title}
            className={styles.choice}
            aria-pressed={id === chosen}
            onClick={() => setChosen(id === chosen ? null : id)}
          >
            {name}
          </Chip>
        ))}
      </div>
      {kind && <PictureFigure key={kind.id} kind={kind} study={study} trials={trials} />}
    </Section>
  );
}
