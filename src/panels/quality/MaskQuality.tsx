import { Tabs } from 'radix-ui';
import { useMemo, useState } from 'react';
import { formatShare } from '../../base/units.ts';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { useLab } from '../../store/lab.ts';
import { trialMetrics } from '../../study/metrics.ts';
import { changedMasks, hasMasks, outcomesByPixelClass } from '../../study/quality/by-pixel-class.ts';
import type { MaskAnswers, Trial } from '../../study/trial.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { SelectField } from '../ui/controls.tsx';
import { ChangedMasks } from './ChangedMasks.tsx';
import { ClassTable } from './ClassTable.tsx';
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
  const comparedId = useLab((lab) => lab.comparedTrialId);
  const data = useLab((lab) => lab.data);
  const classNames = useLab((lab) => lab.study?.classNames) ?? [];
  const others = trials.filter((other) => other !== trial && other.maskAnswers !== undefined);
  const unchanged = others.find(({ strategy }) => isIdentity(strategy.recipe));
  const [otherId, chooseOther] = useState(comparedId ?? unchanged?.id ?? others[0]?.id ?? '');
  const other = others.find(({ id }) => id === otherId) ?? null;
  const shown = data?.dataset.id === trial.datasetId ? data : null;
  return (
    <div className={panel.stack}>
      {others.length > 0 && (
        <SelectField
          title="Compared with"
          value={other?.id ?? ''}
          options={[
            { value: '', label: 'nothing' },
            ...others.map(({ id, strategy }) => ({ value: id, label: strategy.name })),
          ]}
          onChange={chooseOther}
        />
      )}
      <p>{summary(trial)}</p>
      {!shown && (
        <p className={panel.dim}>
          The images of this trial, {trial.datasetName}, are not open: pictures and masks are missing.
        </p>
      )}
      <MaskTabs
        trial={trial}
        answers={answers}
        before={other?.maskAnswers ?? null}
        beforeName={other?.strategy.name ?? null}
        data={shown}
        classNames={classNames}
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
  readonly onClose: () => void;
}

function MaskTabs({ trial, answers, before, beforeName, data, classNames, onClose }: MaskTabsProps) {
  const outcomes = useMemo(() => outcomesByPixelClass(answers, before), [answers, before]);
  const changed = useMemo(() => changedMasks(answers, before), [answers, before]);
  const nameOfClass = (label: number | null): string =>
    label === null ? 'no answer' : (classNames[label] ?? `class ${label}`);
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
          changed={changed}
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
