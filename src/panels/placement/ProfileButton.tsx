import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { useKnownCosts } from '../../store/predictions.ts';
import type { ProfileProgress } from '../../study/progress.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import styles from './PlacementPanel.module.css';

function stepText(progress: ProfileProgress): string {
  switch (progress.step) {
    case 'preparing':
      return 'preparing the model';
    case 'loading':
      return 'loading it';
    case 'running':
      return `run ${progress.runs} of ${progress.of}`;
  }
}

/** Measures each node's time here, so that predictions rest on more than a guess. */
export function ProfileButton({ view }: { readonly view: GraphView }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const isProfiling = useLab((lab) => lab.isProfiling);
  const isBusy = useLab((lab) => lab.run !== null || lab.data === null || lab.environment === null);
  const profile = useLab((lab) => lab.profile);
  const cancel = useLab((lab) => lab.cancelProfiling);
  const progress = useLab((lab) => lab.profileProgress);
  const { basis } = useKnownCosts(view, recipe);
  if (isProfiling) {
    const share = progress?.step === 'running' ? progress.runs / progress.of : null;
    const what = progress ? stepText(progress) : 'preparing the model';
    return (
      <div className={styles.profiling}>
        <ProgressBar share={share} label={`Profiling: ${what}`} />
        <p className={`${panel.dim} ${panel.small}`}>Profiling: {what}</p>
        <Button onClick={cancel}>Cancel profiling</Button>
      </div>
    );
  }
  return (
    <Button disabled={isBusy} onClick={() => void profile()}>
      {basis === 'nodes' ? 'Profile again' : 'Profile on this device'}
    </Button>
  );
}
