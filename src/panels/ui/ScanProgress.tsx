import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from './controls.tsx';

interface ScanProgressProps {
  /** How far it is, as text and as a share; null: what the recipe needs comes first. */
  readonly what: string | null;
  readonly share: number | null;
  readonly cancelLabel: string;
  readonly onCancel: () => void;
}

/** A scan that is under way, or the look at images that it waits for, and a button to end it. */
export function ScanProgress({ what, share, cancelLabel, onCancel }: ScanProgressProps) {
  const looking = useLab((lab) => lab.calibrating?.progress ?? null);
  const first = looking === null ? 'Preparing' : `First a look at image ${looking.done} of ${looking.total}`;
  const lookedShare = looking === null ? null : looking.done / Math.max(1, looking.total);
  return (
    <div className={panel.stack}>
      <p role="status">{what ?? first}</p>
      <ProgressBar share={what === null ? lookedShare : share} label={what ?? first} />
      <Button onClick={onCancel}>{cancelLabel}</Button>
    </div>
  );
}
