import { Tabs } from 'radix-ui';
import { useLab } from '../../store/lab.ts';
import { changedImages, outcomesByClass } from '../../study/quality/by-class.ts';
import type { Predictions, Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { Modal } from '../ui/Modal.tsx';
import { ChangedImages } from './ChangedImages.tsx';
import { ClassTable } from './ClassTable.tsx';
import { ComparedWith, ImagesNotOpen, useBeside } from './ComparedWith.tsx';
import { Layers } from './Layers.tsx';
import { MaskQuality } from './MaskQuality.tsx';
import styles from './Quality.module.css';

/** What a trial gets right and wrong, class by class, image by image and layer by layer. */
export function QualityDialog({ onClose }: { readonly onClose: () => void }) {
  const selectedId = useLab((lab) => lab.selectedTrialId);
  const trials = useLab((lab) => lab.trials);
  const trial = trials.find(({ id }) => id === selectedId);
  return (
    <Modal title={trial ? `Quality of ${trial.strategy.name}` : 'Quality'} onClose={onClose}>
      {trial?.maskAnswers ? (
        <MaskQuality trial={trial} answers={trial.maskAnswers} trials={trials} onClose={onClose} />
      ) : trial?.predictions ? (
        <TrialQuality trial={trial} predictions={trial.predictions} trials={trials} onClose={onClose} />
      ) : (
        <p>Choose a trial that was measured.</p>
      )}
    </Modal>
  );
}

interface TrialQualityProps {
  readonly trial: Trial;
  readonly predictions: Predictions;
  readonly trials: readonly Trial[];
  readonly onClose: () => void;
}

function TrialQuality({ trial, predictions, trials, onClose }: TrialQualityProps) {
  const beside = useBeside(trial, trials, (other) => other.predictions !== null);
  const { other, shown, classNames, nameOfClass } = beside;
  const { classOffset } = trial.preprocessing;
  const truth = { labels: shown?.dataset.items.map(({ label }) => label) ?? [], classOffset };
  const before = other?.predictions ?? null;
  const outcomes = outcomesByClass(predictions, before, truth);
  const changed = before === null ? [] : changedImages(predictions, before, truth);
  return (
    <Tabs.Root defaultValue="classes" className={panel.stack}>
      <ComparedWith {...beside} />
      {!shown && <ImagesNotOpen trial={trial} missing="labels and pictures" />}
      <Tabs.List className={styles.tabs} aria-label="What to look at">
        <Tabs.Trigger value="classes">Classes</Tabs.Trigger>
        <Tabs.Trigger value="images">Changed{other ? ` (${changed.length})` : ''}</Tabs.Trigger>
        <Tabs.Trigger value="layers">Layers</Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content value="classes">
        <ClassTable
          outcomes={outcomes}
          before={other?.strategy.name ?? null}
          after={trial.strategy.name}
          isLabelled={truth.labels.some((label) => label !== null)}
          nameOfClass={nameOfClass}
          classNames={classNames}
        />
      </Tabs.Content>
      <Tabs.Content value="images">
        <ChangedImages
          changed={changed}
          before={other?.strategy.name ?? null}
          data={shown}
          nameOfClass={nameOfClass}
          classNames={classNames}
        />
      </Tabs.Content>
      <Tabs.Content value="layers">
        <Layers trial={trial} onClose={onClose} />
      </Tabs.Content>
    </Tabs.Root>
  );
}
