import { Tabs } from 'radix-ui';
import { useMemo } from 'react';
import { formatShare } from '../../base/units.ts';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { trialMetrics } from '../../study/metrics.ts';
import { hasMasks, outcomesByPixelClass } from '../../study/quality/by-pixel-class.ts';
import type { MaskAnswers, Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { ChangedMasks } from './ChangedMasks.tsx';
import { ClassTable } from './ClassTable.tsx';
import { ComparedWith, ImagesNotOpen, useBeside } from './ComparedWith.tsx';
import { Layers } from './Layers.tsx';
import styles from './Quality.module.css';

interface MaskQualityProps {
  readonly trial: Trial;
  readonly answers: MaskAnswers;
  readonly trials: readonly Trial[];
  readonly onClose: () => void;
}

/** What a trial that names the class of every pixel gets right and wrong: by class, image and layer. */
export function MaskQuality({ trial, answers, trials, onClose }: MaskQualityProps) {
  const beside = useBeside(trial, trials, (other) => other.maskAnswers !== undefined);
  const { other, shown, classNames, nameOfClass } = beside;
  return (
    <div className={panel.stack}>
      <ComparedWith {...beside} />
      <p>{summary(trial)}</p>
      {!shown && <ImagesNotOpen trial={trial} missing="pictures and masks" />}
      <MaskTabs
        trial={trial}
        answers={answers}
        before={other?.maskAnswers ?? null}
        beforeName={other?.strategy.name ?? null}
        data={shown}
        classNames={classNames}
        nameOfClass={nameOfClass}
        onClose={onClose}
      />
    </div>
  );
}

interface MaskTabsProps {
  readonly trial: Trial;
  readonly answers: MaskAnswers;
  readonly before: MaskAnswers | null;
  readonly beforeName: string | null;
  readonly data: LoadedDataset | null;
  readonly classNames: readonly string[];
  readonly nameOfClass: (label: number | null) => string;
  readonly onClose: () => void;
}

function MaskTabs({
  trial,
  answers,
  before,
  beforeName,
  data,
  classNames,
  nameOfClass,
  onClose,
}: MaskTabsProps) {
  const outcomes = useMemo(() => outcomesByPixelClass(answers, before), [answers, before]);
  return (
    <Tabs.Root defaultValue="classes" className={panel.stack}>
      <Tabs.List className={styles.tabs} aria-label="What to look at">
        <Tabs.Trigger value="classes">Classes</Tabs.Trigger>
        <Tabs.Trigger value="images">Images</Tabs.Trigger>
        <Tabs.Trigger value="layers">Layers</Tabs.Trigger>
      </Tabs.List>
      <Tabs.Content value="classes">
        <ClassTable
          outcomes={outcomes}
          before={beforeName}
          after={trial.strategy.name}
          isLabelled={hasMasks(answers)}
          nameOfClass={nameOfClass}
          classNames={classNames}
          counted="pixels"
        />
      </Tabs.Content>
      <Tabs.Content value="images">
        <ChangedMasks
          after={answers}
          before={before}
          names={{ after: trial.strategy.name, before: beforeName }}
          data={data}
          preprocessing={trial.preprocessing}
          nameOfClass={nameOfClass}
        />
      </Tabs.Content>
      <Tabs.Content value="layers">
        <Layers trial={trial} onClose={onClose} />
      </Tabs.Content>
    </Tabs.Root>
  );
}

function summary(trial: Trial): string {
  const { miou, pixelAccuracy, agreement } = trialMetrics(trial);
  const told = [
    ...(miou ? [`mean IoU ${formatShare(miou.value)}`] : []),
    ...(pixelAccuracy ? [`${formatShare(pixelAccuracy.value)} of the pixels right`] : []),
    ...(agreement ? [`${formatShare(agreement.value)} as the unchanged model answers`] : []),
  ];
  const images = trial.maskAnswers?.imageIndices.length ?? 0;
  return `Of ${images} ${images === 1 ? 'image' : 'images'}: ${told.join(', ')}.`;
}
