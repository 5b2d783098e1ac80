import { useEffect, useState } from 'react';
import { attempt, type Failure } from '../../base/result.ts';
import { formatBytes, formatShare } from '../../base/units.ts';
import { deleteKept, type Kept, listKept } from '../../persist/kept.ts';
import { type StorageStatus, storageStatus } from '../../persist/storage.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { IconButton, ProgressBar } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { TrashIcon } from '../ui/icons.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './KeptList.module.css';

const kinds = { model: 'model', dataset: 'images', study: 'study', shots: 'images' } as const;

interface Storage {
  readonly kept: readonly Kept[];
  readonly status: StorageStatus | null;
}

/** What this site keeps on the device, how much room that takes, and how to get it back. */
export function KeptList() {
  const [storage, setStorage] = useState<Storage | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [deletions, setDeletions] = useState(0);
  useEffect(() => {
    let isCurrent = true;
    void attempt(async () => ({ kept: await listKept(), status: await storageStatus() })).then((read) => {
      if (!isCurrent) return;
      if (read.ok) setStorage(read.value);
      setFailure(read.ok ? null : read.failure);
    });
    return () => {
      isCurrent = false;
    };
  }, [deletions]);
  const forget = async (thing: Kept) => {
    const outcome =
      thing.kind === 'study'
        ? await attempt(() => useLab.getState().forgetStudy(thing.id))
        : await attempt(() => deleteKept(thing));
    if (outcome.ok) setDeletions((count) => count + 1);
    else setFailure(outcome.failure);
  };
  return (
    <div className={styles.kept}>
      <Section title="Kept on this device">
        {failure && <Problem failure={failure} />}
        {storage?.status && <Room status={storage.status} />}
        {storage?.kept.length === 0 && <p className={panel.dim}>Nothing is kept yet.</p>}
        <ul>
          {storage?.kept.map((thing) => (
            <KeptRow key={`${thing.kind} ${thing.id}`} thing={thing} onDelete={() => void forget(thing)} />
          ))}
        </ul>
      </Section>
    </div>
  );
}

function Room({ status: { usedBytes, quotaBytes } }: { readonly status: StorageStatus }) {
  const share = usedBytes / Math.max(1, quotaBytes);
  return (
    <>
      <ProgressBar share={share} label="Storage used" />
      <p className={`${panel.dim} ${panel.small}`}>
        {formatBytes(usedBytes)} of {formatBytes(quotaBytes)} used, {formatShare(share)}
      </p>
    </>
  );
}

function KeptRow({ thing, onDelete }: { readonly thing: Kept; readonly onDelete: () => void }) {
  const [isAsked, setAsked] = useState(false);
  const isRunning = useLab((lab) => lab.run !== null);
  // Its bytes are read from where they are kept, as long as it is open.
  const isOpen = useLab(
    (lab) =>
      (thing.kind === 'model' && lab.model?.view.modelId === thing.id) ||
      (thing.kind === 'dataset' && lab.data?.dataset.id === thing.id),
  );
  return (
    <li className={styles.row}>
      <div>
        <strong className={panel.wrapAnywhere}>{thing.name}</strong>
        <div className={`${panel.dim} ${panel.small}`}>
          {kinds[thing.kind]} · {formatBytes(thing.bytes)} · {new Date(thing.sinceMs).toLocaleString()}
        </div>
      </div>
      {isOpen ? (
        <span className={panel.dim}>open now</span>
      ) : isAsked ? (
        <span className={panel.row}>
          <button type="button" className={panel.link} disabled={isRunning} onClick={onDelete}>
            Delete for good
          </button>
          <button type="button" className={panel.link} onClick={() => setAsked(false)}>
            Keep
          </button>
        </span>
      ) : (
        <IconButton
          label={`Delete the ${kinds[thing.kind]} ${thing.name}`}
          disabled={isRunning}
          onClick={() => setAsked(true)}
        >
          <TrashIcon />
        </IconButton>
      )}
    </li>
  );
}
