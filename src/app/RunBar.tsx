import { RANDOM_INPUTS_NOTE } from '../data/random-inputs.ts';
import { MeasureButton } from '../panels/run/MeasureButton.tsx';
import { runShare, runText, timeLeftText } from '../panels/run/run-text.ts';
import { Button, ProgressBar } from '../panels/ui/controls.tsx';
import { useLab } from '../store/lab.ts';
import { countTrials, whyNotMeasurable } from '../store/selectors.ts';
import styles from './RunBar.module.css';

/** The desktop's quiet line about the run. */
export function RunBar() {
  const run = useLab((lab) => lab.run);
  const cancelRun = useLab((lab) => lab.cancelRun);
  const chosen = useLab((lab) => lab.listed.filter((entry) => entry.chosen).length);
  const trials = useLab((lab) => lab.trials);
  const problem = useLab(whyNotMeasurable);
  const isRandom = useLab((lab) => lab.preprocessing?.random ?? false);
  const { over, failed, total } = countTrials(trials);
  return (
    <section className={styles.bar} aria-label="Run">
      <MeasureButton />
      {run ? (
        <>
          <Button onClick={cancelRun}>Cancel</Button>
          <div className={styles.progress}>
            <ProgressBar share={runShare(run)} label="Progress of the study" />
          </div>
          <span className={styles.text}>
            {over} of {total} trials · {runText(run)} ·{' '}
            <span style={{ color: 'var(--dim)' }}>{timeLeftText(run)}</span>
          </span>
        </>
      ) : problem ? (
        <span className={styles.reason}>{problem.message}</span>
      ) : (
        <span className={styles.text}>
          {total === 0
            ? `${chosen} ${chosen === 1 ? 'strategy' : 'strategies'} chosen`
            : `${over} of ${total} trials done${failed > 0 ? `, ${failed} failed` : ''}`}
          {isRandom && ` · ${RANDOM_INPUTS_NOTE}`}
        </span>
      )}
      <span className={styles.note}>Nothing leaves this device</span>
    </section>
  );
}
