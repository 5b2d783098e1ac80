import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Modal } from '../ui/Modal.tsx';

/** Asks what to do with a study from a file whose namesake is kept already. */
export function ImportChoice() {
  const incoming = useLab((lab) => lab.incomingStudy);
  const settle = useLab((lab) => lab.settleImport);
  const isRunning = useLab((lab) => lab.run !== null);
  if (!incoming) return null;
  const { study, kept } = incoming;
  const measured = (trials: readonly { readonly state: { readonly kind: string } }[]) =>
    `${trials.filter(({ state }) => state.kind === 'done').length} of ${trials.length} trials done`;
  return (
    <Modal title="This study is here already" narrow onClose={() => void settle('neither')}>
      <div className={panel.stack}>
        <p className={panel.wrapAnywhere}>
          {study.name}, begun {new Date(study.createdAtMs).toLocaleString()}, is kept on this device, but the
          file says something else of it.
        </p>
        <dl className={panel.facts}>
          <dt>Kept here</dt>
          <dd>{measured(kept.trials)}</dd>
          <dt>In the file</dt>
          <dd>{measured(study.trials)}</dd>
        </dl>
        <div className={panel.buttons}>
          <Button look="primary" onClick={() => void settle('both')}>
            Keep both
          </Button>
          <Button disabled={isRunning} onClick={() => void settle('replace')}>
            Replace what is kept
          </Button>
          <Button look="ghost" onClick={() => void settle('neither')}>
            Cancel
          </Button>
        </div>
      </div>
    </Modal>
  );
}
