import { useId } from 'react';
import { useLab } from '../../store/lab.ts';
import { isTrialOf } from '../../store/placement-slice.ts';
import type { Lab } from '../../store/slice.ts';
import { trialOfNow } from '../../store/normalisation-slice.ts';
import { isUnfinished } from '../../store/study-slice.ts';
import { Button } from '../ui/controls.tsx';
import { PauseIcon, RunIcon } from '../ui/icons.tsx';
import { canGoOn, whyNotMeasurable } from '../../store/selectors.ts';

/**
 * The one button of the run: measure, pause, go on, or resume what an earlier visit left. A model that cannot be
 * measured leaves it in reach of the keyboard, with the reason as its description.
 */
export function MeasureButton({ big = false }: { readonly big?: boolean }) {
  const isRunning = useLab((lab) => lab.run !== null);
  const isPaused = useLab((lab) => lab.run?.isPaused ?? false);
  const canResume = useLab((lab) => canGoOn(lab) && lab.trials.some(isUnfinished));
  const label = useLab(measureLabel);
  // Until what was open last time is back, a press would begin a study in place of the one that is unfinished.
  const isReady = useLab(
    (lab) => !lab.isStarting && lab.model !== null && lab.data !== null && lab.environment !== null,
  );
  const isTrying = useLab((lab) => trialOfNow(lab)?.state.kind === 'running');
  const problem = useLab(whyNotMeasurable);
  const reasonId = useId();
  const measure = useLab((lab) => lab.measure);
  const resume = useLab((lab) => lab.resumeStudy);
  const pause = useLab((lab) => lab.pause);
  const goOn = useLab((lab) => lab.goOn);
  if (isRunning) {
    return isPaused ? (
      <Button look="primary" big={big} onClick={goOn}>
        <RunIcon /> Go on
      </Button>
    ) : (
      <Button look="primary" big={big} onClick={pause}>
        <PauseIcon /> Pause
      </Button>
    );
  }
  if (problem !== null) {
    return (
      <>
        <Button look="primary" big={big} aria-disabled aria-describedby={reasonId}>
          <RunIcon /> {label}
        </Button>
        <span id={reasonId} className="visually-hidden">
          {problem.message}. {problem.hint}
        </span>
      </>
    );
  }
  return (
    <Button
      look="primary"
      big={big}
      disabled={!isReady || isTrying}
      onClick={() => void (canResume ? resume() : measure())}
    >
      <RunIcon /> {isTrying ? 'Trying normalizations…' : canResume ? 'Resume the study' : label}
    </Button>
  );
}

/** What pressing the button would measure. */
function measureLabel(lab: Lab): string {
  const { listed, trials, study, model } = lab;
  if (study === null || trials.length === 0 || study.modelId !== model?.view.modelId)
    return 'Measure on this device';
  const measured = trials.filter(({ state }) => state.kind === 'done');
  const isNew = (entry: (typeof listed)[number]) => !measured.some((trial) => isTrialOf(trial, entry, lab));
  const news = listed.filter((entry) => entry.chosen && isNew(entry)).length;
  return news === 0 ? 'Measure again' : `Measure ${news} more`;
}
