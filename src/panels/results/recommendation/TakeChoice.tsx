import { useState } from 'react';
import { useLab } from '../../../store/lab.ts';
import type { Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import { saveVariant } from '../../ui/save-variant.ts';
import { OpenModelButton } from '../OpenModelButton.tsx';
import styles from './Advice.module.css';

/** What can be done with the strategy that is recommended: look at it, take its files, try it. */
export function TakeChoice({ trialId }: { readonly trialId: string }) {
  const own = useLab((lab) => lab.trials.find(({ id }) => id === trialId));
  const beside = useLab((lab) =>
    own
      ? undefined
      : [...lab.beside.values()].flatMap(({ trials }) => trials).find(({ id }) => id === trialId),
  );
  const trial = own ?? beside;
  const openModelId = useLab((lab) => lab.model?.view.modelId);
  if (!trial) return null;
  if (trial.strategy.modelId !== openModelId)
    return (
      <div className={styles.ways}>
        <p className={`${panel.dim} ${panel.small}`}>
          Open {trial.modelName} to see it on the graph, take its files home or try it.
        </p>
        <OpenModelButton trial={trial} />
      </div>
    );
  return <Ways trial={trial} isOwn={own !== undefined} />;
}

function Ways({ trial, isOwn }: { readonly trial: Trial; readonly isOwn: boolean }) {
  const showTrial = useLab((lab) => lab.showTrial);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const showTab = useLab((lab) => lab.showTab);
  const openDialog = useLab((lab) => lab.openDialog);
  const reportFailure = useLab((lab) => lab.reportFailure);
  const [isBuilding, setBuilding] = useState(false);
  const { name, recipe, placement } = trial.strategy;
  const show = () => {
    if (isOwn) showTrial(trial.id);
    else editRecipe(recipe);
  };
  const save = async () => {
    setBuilding(true);
    const saved = await saveVariant(recipe, name, placement);
    setBuilding(false);
    if (!saved.ok) reportFailure(`${name} could not be built`, saved.failure);
  };
  return (
    <div className={`${panel.buttons} ${styles.ways}`}>
      <Button
        onClick={() => {
          show();
          showTab('graph');
        }}
      >
        Show on the graph
      </Button>
      <Button disabled={isBuilding} onClick={() => void save()}>
        {isBuilding ? 'Building…' : 'Download its files'}
      </Button>
      <Button
        onClick={() => {
          show();
          openDialog('camera');
        }}
      >
        Try live…
      </Button>
    </div>
  );
}
