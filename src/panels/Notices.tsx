import { useEffect } from 'react';
import { useLab } from '../store/lab.ts';
import type { Notice } from '../store/notice-slice.ts';
import styles from './Notices.module.css';
import { Button, IconButton } from './ui/controls.tsx';
import { FailureText } from './ui/FailureText.tsx';
import { CloseIcon } from './ui/icons.tsx';

/** Good news goes by itself; problems stay until they are dismissed. */
const newsStaysMs = 6000;

/** What the user must be told, over everything else. */
export function Notices() {
  const notices = useLab((lab) => lab.notices);
  return (
    <div className={styles.notices} role="log" aria-live="polite" aria-label="Notices">
      {notices.map((notice) => (
        <NoticeCard key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }) {
  const dismiss = useLab((lab) => lab.dismissNotice);
  const openDialog = useLab((lab) => lab.openDialog);
  const { id, tone, title, failure } = notice;
  useEffect(() => {
    if (tone !== 'news') return;
    const timer = setTimeout(() => dismiss(id), newsStaysMs);
    return () => clearTimeout(timer);
  }, [id, tone, dismiss]);
  return (
    <div className={styles.notice} data-tone={tone}>
      <div>
        <strong>{title}</strong>
        {failure.message !== '' && <FailureText failure={failure} />}
        {failure.code === 'storage-full' && (
          <Button
            onClick={() => {
              dismiss(id);
              openDialog('device');
            }}
          >
            See what takes room
          </Button>
        )}
      </div>
      <IconButton label={`Dismiss: ${title}`} onClick={() => dismiss(id)}>
        <CloseIcon />
      </IconButton>
    </div>
  );
}
