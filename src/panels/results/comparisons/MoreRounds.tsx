import { useLab } from '../../../store/lab.ts';
import { canGoOn } from '../../../store/selectors.ts';
import { isSameDevice } from '../../../study/measuring/reference.ts';
import { roundsOf } from '../../../study/new-study.ts';
import { Button } from '../../ui/controls.tsx';
import { RunIcon } from '../../ui/icons.tsx';

/** Offers as many rounds again of a study of this device; nothing where it cannot go on. */
export function MoreRounds() {
  const trials = useLab((lab) => lab.trials);
  const isPossible = useLab(
    (lab) =>
      canGoOn(lab) &&
      lab.study?.protocol.sustained === undefined &&
      lab.trials.every(({ environment }) => lab.environment && isSameDevice(environment, lab.environment)),
  );
  const measure = useLab((lab) => lab.measureMoreRounds);
  const showTab = useLab((lab) => lab.showTab);
  if (!isPossible) return null;
  const rounds = Math.max(1, ...trials.map(roundsOf));
  return (
    <Button
      onClick={() => {
        showTab('run');
        void measure(rounds);
      }}
    >
      <RunIcon /> Measure {rounds === 1 ? 'another round' : `${rounds} more rounds`}
    </Button>
  );
}
