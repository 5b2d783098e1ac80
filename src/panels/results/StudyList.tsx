import { useEffect, useState } from 'react';
import { attempt } from '../../base/result.ts';
import type { StudyHeader } from '../../persist/database.ts';
import { listStudies } from '../../persist/studies.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { IconButton } from '../ui/controls.tsx';
import { TrashIcon } from '../ui/icons.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './ResultsPanel.module.css';

/** Earlier studies, all kept on this device. */
export function StudyList() {
  const currentId = useLab((lab) => lab.study?.id);
  const isRunning = useLab((lab) => lab.run !== null);
  const openStudy = useLab((lab) => lab.openStudy);
  const forgetStudy = useLab((lab) => lab.forgetStudy);
  const [studies, setStudies] = useState<readonly StudyHeader[]>([]);
  const [asked, setAsked] = useState<string | null>(null);
  const [deletions, setDeletions] = useState(0);
  // A new, finished or deleted study changes the list.
  useEffect(() => {
    let isCurrent = true;
    void attempt(listStudies).then((listed) => isCurrent && listed.ok && setStudies(listed.value));
    return () => {
      isCurrent = false;
    };
  }, [currentId, isRunning, deletions]);
  if (studies.length === 0) return null;
  return (
    <Section title="Studies on this device">
      <ul>
        {studies.map((study) => (
          <li key={study.id} className={styles.study} aria-current={study.id === currentId}>
            <button type="button" disabled={isRunning} onClick={() => void openStudy(study.id)}>
              <strong>{study.name}</strong>
              <div className={`${panel.dim} ${panel.small}`}>
                {new Date(study.createdAtMs).toLocaleString()} · {study.trialIds.length} trials ·{' '}
                {study.protocol.name}
              </div>
            </button>
            {asked === study.id ? (
              <button
                type="button"
                className={panel.link}
                onClick={async () => {
                  await forgetStudy(study.id);
                  setDeletions(deletions + 1);
                }}
              >
                Delete for good
              </button>
            ) : (
              <IconButton
                label={`Delete ${study.name}`}
                disabled={isRunning}
                onClick={() => setAsked(study.id)}
              >
                <TrashIcon />
              </IconButton>
            )}
          </li>
        ))}
      </ul>
    </Section>
  );
}
