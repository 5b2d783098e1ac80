import { formatMs } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { notFasterThan } from '../../study/forms/slower-than.ts';
import type { SlownessExplanation } from '../../study/forms/explain-slowness.ts';
import type { Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import styles from './TrialDetails.module.css';

/** Of a quantized trial that is no faster than the unchanged model: why, once somebody asks. */
export function WhySlow({ trial, trials }: { readonly trial: Trial; readonly trials: readonly Trial[] }) {
  const openModelId = useLab((lab) => lab.model?.view.modelId);
  const explanation = useLab((lab) => lab.slowness.get(trial.id));
  const explaining = useLab((lab) => (lab.explaining?.trialId === trial.id ? lab.explaining : null));
  const isRunning = useLab((lab) => lab.run !== null || lab.isProfiling || lab.formProbe !== null);
  const explainTrial = useLab((lab) => lab.explainTrial);
  const cancel = useLab((lab) => lab.cancelFormWork);
  const unchanged = notFasterThan(trial, trials);
  if (unchanged === null || trial.strategy.modelId !== openModelId) return null;
  if (explanation) return <Explanation explanation={explanation} />;
  if (explaining) {
    const { progress } = explaining;
    const share = progress?.step === 'running' ? progress.runs / progress.of : null;
    return (
      <>
        <ProgressBar share={share} label="Looking into the trial" />
        <Button onClick={cancel}>Cancel</Button>
      </>
    );
  }
  return (
    <div className={panel.row}>
      <span className={panel.small}>Not faster than the unchanged model.</span>
      <Button disabled={isRunning} onClick={() => void explainTrial(trial)}>
        Why?
      </Button>
    </div>
  );
}

function Explanation({ explanation: { sentences, rows } }: { readonly explanation: SlownessExplanation }) {
  return (
    <>
      {sentences.map((sentence) => (
        <p key={sentence} className={panel.small}>
          {sentence}
        </p>
      ))}
      <table className={`${styles.numbers} ${panel.small}`} aria-label="Where the time goes">
        <thead>
          <tr>
            <td />
            <th scope="col">unchanged</th>
            <th scope="col">quantized</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ part, floatMs, quantizedMs }) => (
            <tr key={part}>
              <th scope="row">{part}</th>
              <td>{formatMs(floatMs)}</td>
              <td>{formatMs(quantizedMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
