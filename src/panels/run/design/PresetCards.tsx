import { useState } from 'react';
import { startDesign } from '../../../store/design-work.ts';
import { useLab } from '../../../store/lab.ts';
import type { PresetId } from '../../../study/design/preset-ids.ts';
import { PRESETS } from '../../../study/design/presets.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import styles from './Design.module.css';

/** Whole studies to begin with. */
export function PresetCards({ onChosen }: { readonly onChosen: () => void }) {
  const canChoose = useLab(
    (lab) => lab.model !== null && lab.preprocessing !== null && lab.environment !== null,
  );
  const [chosen, setChosen] = useState<PresetId | null>(null);
  const choose = async (id: PresetId) => {
    setChosen(id);
    await startDesign(id);
    setChosen(null);
    onChosen();
  };
  return (
    <ul className={styles.cards}>
      {PRESETS.map(({ id, title, source, note }) => (
        <li key={id} className={styles.card}>
          <h3>{title}</h3>
          {source !== null && <p className={`${panel.dim} ${panel.small}`}>After {source}</p>}
          <p className={styles.note}>{note}</p>
          <Button
            aria-label={`Choose ${title}`}
            disabled={!canChoose || chosen !== null}
            onClick={() => void choose(id)}
          >
            {chosen === id ? 'Asking the model…' : 'Choose'}
          </Button>
        </li>
      ))}
    </ul>
  );
}
