import type { ReactNode } from 'react';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';

/** Runs all exits once, with a text about what that is good for. */
export function PassOffer({ children }: { readonly children: ReactNode }) {
  const work = useLab((lab) => lab.exitPassWork);
  const isMeasuring = useLab((lab) => lab.run !== null);
  const passExits = useLab((lab) => lab.passExits);
  const cancel = useLab((lab) => lab.cancelExitPass);
  if (work.kind === 'running') {
    return (
      <div className={panel.stack}>
        <ProgressBar
          share={work.total === null ? null : work.done / work.total}
          label="Running all exits on the images"
        />
        <Button onClick={cancel}>Cancel</Button>
      </div>
    );
  }
  return (
    <div className={panel.stack}>
      <p className={`${panel.dim} ${panel.small}`}>{children}</p>
      {work.kind === 'failed' && <Problem failure={work.failure} />}
      <Button disabled={isMeasuring} onClick={() => void passExits()}>
        Run all exits once
      </Button>
    </div>
  );
}
