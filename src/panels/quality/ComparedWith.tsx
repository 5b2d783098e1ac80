import { useState } from 'react';
import type { LoadedDataset } from '../../protocol/data-api.ts';
import { useLab } from '../../store/lab.ts';
import type { Trial } from '../../study/trial.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { SelectField } from '../ui/controls.tsx';

/** What the answers of a trial are looked at beside. */
interface Beside {
  /** Trials that it can be compared with. */
  readonly others: readonly Trial[];
  /** The one that it is; null: none. */
  readonly other: Trial | null;
  readonly choose: (trialId: string) => void;
  /** The images of the trial, where they are open. */
  readonly shown: LoadedDataset | null;
  readonly classNames: readonly string[];
  readonly nameOfClass: (label: number | null) => string;
}

/** @param hasAnswers whether a trial has what is compared */
export function useBeside(
  trial: Trial,
  trials: readonly Trial[],
  hasAnswers: (trial: Trial) => boolean,
): Beside {
  const comparedId = useLab((lab) => lab.comparedTrialId);
  const data = useLab((lab) => lab.data);
  const classNames = useLab((lab) => lab.study?.classNames) ?? [];
  const others = trials.filter((other) => other !== trial && hasAnswers(other));
  const unchanged = others.find(({ strategy }) => isIdentity(strategy.recipe));
  const [otherId, choose] = useState(comparedId ?? unchanged?.id ?? others[0]?.id ?? '');
  return {
    others,
    other: others.find(({ id }) => id === otherId) ?? null,
    choose,
    shown: data?.dataset.id === trial.datasetId ? data : null,
    classNames,
    nameOfClass: (label) => (label === null ? 'no answer' : classNames[label] || `class ${label}`),
  };
}

/** Chooses what a trial is compared with; nothing where there is no other. */
export function ComparedWith({ others, other, choose }: Pick<Beside, 'others' | 'other' | 'choose'>) {
  if (others.length === 0) return null;
  return (
    <SelectField
      title="Compared with"
      value={other?.id ?? ''}
      options={[
        { value: '', label: 'nothing' },
        ...others.map(({ id, strategy }) => ({ value: id, label: strategy.name })),
      ]}
      onChange={choose}
    />
  );
}

/** Says that images are not open. @param missing what cannot be shown without them, as `labels and pictures` */
export function ImagesNotOpen({ trial, missing }: { readonly trial: Trial; readonly missing: string }) {
  return (
    <p className={panel.dim}>
      The images of this trial, {trial.datasetName}, are not open: {missing} are missing.
    </p>
  );
}
