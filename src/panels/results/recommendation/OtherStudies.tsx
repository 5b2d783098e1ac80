import { useEffect, useState } from 'react';
import { attempt } from '../../../base/result.ts';
import type { StudyHeader } from '../../../persist/database.ts';
import { listStudies } from '../../../persist/studies.ts';
import { useLab } from '../../../store/lab.ts';
import panel from '../../panel.module.css';
import { CheckField } from '../../ui/controls.tsx';

/** Studies of the same model, as from other devices, that may be asked, too; those that stand beside it already are. */
export function OtherStudies() {
  const beside = useLab((lab) => lab.beside);
  const putBeside = useLab((lab) => lab.putBeside);
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
  return (
    <details>
      <summary className={panel.summaryLine}>
        Ask other studies of this model, too{beside.size > 0 ? ` (${beside.size})` : ''}
      </summary>
      {others.map(({ id, name, createdAtMs }) => (
        <CheckField
          key={id}
          title={`${name}, ${new Date(createdAtMs).toLocaleString()}`}
          checked={beside.has(id)}
          onChange={(isWanted) => void putBeside(id, isWanted)}
        />
      ))}
    </details>
  );
}
