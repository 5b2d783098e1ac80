import panel from '../panel.module.css';
import { Button, ProgressBar } from './controls.tsx';

interface PassProgressProps {
  /** Images done, of all; 0 of 0 while the pass is prepared. */
  readonly done: number;
  readonly total: number;
  readonly preparing: string;
  /** `Calibrating on`: what is said of the image under way. */
  readonly doing: string;
  readonly cancelLabel: string;
  readonly onCancel: () => void;
}

/** A pass over images that is under way, and a button to end it. */
export function PassProgress({ done, total, preparing, doing, cancelLabel, onCancel }: PassProgressProps) {
  const what = total === 0 ? preparing : `${doing} image ${done} of ${total}`;
  return (
    <div className={panel.stack}>
      <p className={panel.small} role="status">
        {what}
      </p>
      <ProgressBar share={total === 0 ? null : done / total} label={what} />
      <Button onClick={onCancel}>{cancelLabel}</Button>
    </div>
  );
}
