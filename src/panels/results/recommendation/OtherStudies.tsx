import { useEffect, useState } from 'react';
import { attempt } from '../../../base/result.ts';
import type { StudyHeader } from '../../../persist/database.ts';
import { listStudies, loadStudy } from '../../../persist/studies.ts';
import { useLab } from '../../../store/lab.ts';
import type { Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { CheckField } from '../../ui/controls.tsx';

type Chosen = ReadonlyMap<string, readonly Trial[]>;

/** Studies of the same model, as from other devices, that may be asked, too. */
export function OtherStudies({
  chosen,
  onChange,
}: {
  readonly chosen: Chosen;
  readonly onChange: (change: (before: Chosen) => Chosen) => void;
}) {
  const study = useLab((lab) => lab.study);
  const [kept, setKept] = useState<readonly StudyHeader[]>([]);
  useEffect(() => {
    let isCurrent = true;
    void attempt(listStudies).then((listed) => isCurrent && listed.ok && setKept(listed.value));
    return () => {
      isCurrent = false;
    };
  }, []);
  const others = kept.filter(({ id, modelId }) => id !== study?.id && modelId === study?.modelId);
  if (others.length === 0) return null;
  const choose = async (id: string, isWanted: boolean) => {
    const loaded = isWanted ? await attempt(() => loadStudy(id)) : null;
    onChange((before) => {
      const after = new Map(before);
      if (loaded?.ok && loaded.value) after.set(id, loaded.value.trials);
      else after.delete(id);
      return after;
    });
  };
  return (
    <details>
      <summary className={panel.summaryLine}>
        Ask other studies of this model, too{chosen.size > 0 ? ` (${chosen.size})` : ''}
      </summary>
      {others.map(({ id, name, createdAtMs }) => (
        <CheckField
          key={id}
          title={`${name}, ${new Date(createdAtMs).toLocaleString()}`}
          checked={chosen.has(id)}
          onChange={(isWanted) => void choose(id, isWanted)}
        />
      ))}
    </details>
  );
}
