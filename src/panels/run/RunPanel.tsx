import { RANDOM_INPUTS_NOTE } from '../../data/random-inputs.ts';
import { useLab } from '../../store/lab.ts';
import { countTrials, whyNotMeasurable } from '../../store/selectors.ts';
import panel from '../panel.module.css';
import { PlacementPanel } from '../placement/PlacementPanel.tsx';
import { Button, ProgressBar } from '../ui/controls.tsx';
import { FailureText } from '../ui/FailureText.tsx';
import { Section } from '../ui/Section.tsx';
import { MeasureButton } from './MeasureButton.tsx';
import { runShare, runText, timeLeftText } from './run-text.ts';
import { RunSettings } from './RunSettings.tsx';
import { StrategyList } from './StrategyList.tsx';

/** The phone's run tab: what to measure, how, and how far it is. */
export function RunPanel() {
  return (
    <>
      <RunStatus />
      <StrategyList />
      <PlacementPanel />
      <RunSettings />
      <FailureLog />
    </>
  );
}

function RunStatus() {
  const run = useLab((lab) => lab.run);
  const trials = useLab((lab) => lab.trials);
  const cancelRun = useLab((lab) => lab.cancelRun);
  const showTab = useLab((lab) => lab.showTab);
  const problem = useLab(whyNotMeasurable);
  const isRandom = useLab((lab) => lab.preprocessing?.random ?? false);
  const { over, total } = countTrials(trials);
  return (
    <Section title="Run">
      <div className={panel.buttons}>
        <MeasureButton big />
        {run && <Button onClick={cancelRun}>Cancel</Button>}
      </div>
      {isRandom && <p className={panel.dim}>{RANDOM_INPUTS_NOTE}</p>}
      {problem && (
        <div className={panel.problem}>
          <FailureText failure={problem} />
        </div>
      )}
      {run && <ProgressBar share={runShare(run)} label="Progress of the study" />}
      {run ? (
        <p>
          {over} of {total} trials · {runText(run)} <span className={panel.dim}>{timeLeftText(run)}</span>
        </p>
      ) : (
        total > 0 && (
          <button type="button" className={panel.link} onClick={() => showTab('front')}>
            {over} of {total} trials done: look at the front
          </button>
        )
      )}
    </Section>
  );
}

/** What failed and why, as long as the study is on screen. */
export function FailureLog() {
  const trials = useLab((lab) => lab.trials);
  const lines = trials.flatMap((trial) => [
    ...(trial.state.kind === 'failed' ? [{ trial, text: trial.state.message }] : []),
    ...trial.warnings.map((text) => ({ trial, text })),
  ]);
  if (lines.length === 0) return null;
  return (
    <Section title="Log">
      <ul className={`${panel.stack} ${panel.small} ${panel.wrapAnywhere}`}>
        {lines.map(({ trial, text }) => (
          <li key={`${trial.id} ${text}`}>
            <strong>{trial.strategy.name}:</strong> {text}
          </li>
        ))}
      </ul>
    </Section>
  );
}
