import { type CSSProperties, useEffect, useMemo } from 'react';
import { formatMs, formatShare } from '../../base/units.ts';
import { ThresholdChart, type ThresholdPoint } from '../../charts/ThresholdChart.tsx';
import { useLab } from '../../store/lab.ts';
import { exitPassOfNow, hasExits } from '../../store/thresholds-slice.ts';
import { type ExitPass, tableOf } from '../../study/exit-pass.ts';
import { spreadOut } from '../../study/learn-thresholds.ts';
import { trialMetrics } from '../../study/metrics.ts';
import {
  evaluateThresholds,
  NEVER,
  type ThresholdOutcome,
  type Thresholds,
  uniformSweep,
} from '../../study/thresholds.ts';
import { thresholdsCsv } from '../../study/thresholds-csv.ts';
import type { Trial } from '../../study/trial.ts';
import panel from '../panel.module.css';
import { confidenceOptions, formOptions } from '../recipe/exit-decisions.ts';
import { Button, SelectField } from '../ui/controls.tsx';
import { saveFile } from '../ui/save-file.ts';
import { Section } from '../ui/Section.tsx';
import { Slider } from '../ui/Slider.tsx';
import { PassOffer } from './PassOffer.tsx';
import styles from './ThresholdsPanel.module.css';

/** More points than this are not worth measuring in one go. */
const mostConfirmed = 5;

/** Exit thresholds: tried without inference, learned, and confirmed by measuring. Nothing for models without exits. */
export function ThresholdsPanel() {
  const canHave = useLab(hasExits);
  const pass = useLab(exitPassOfNow);
  const recall = useLab((lab) => lab.recallExitPass);
  const recipe = useLab((lab) => lab.recipes.present);
  const environment = useLab((lab) => lab.environment);
  const preprocessing = useLab((lab) => lab.preprocessing);
  useEffect(() => void recall(), [recall, recipe, environment, preprocessing]);
  if (!canHave) return null;
  return (
    <Section title="Thresholds">
      {pass ? (
        <ThresholdLab pass={pass} />
      ) : (
        <PassOffer>
          One pass over the images keeps what every exit says. Then any thresholds can be tried at once, and
          the best ones found, without running the model again.
        </PassOffer>
      )}
    </Section>
  );
}

function ThresholdLab({ pass }: { readonly pass: ExitPass }) {
  const measure = useLab((lab) => lab.exitConfidence);
  const form = useLab((lab) => lab.exitForm);
  const thresholds = useLab((lab) => lab.thresholds);
  const learned = useLab((lab) => lab.learned);
  const isMeasuring = useLab((lab) => lab.run !== null);
  const chooseConfidence = useLab((lab) => lab.chooseConfidence);
  const chooseForm = useLab((lab) => lab.chooseExitForm);
  const move = useLab((lab) => lab.moveThreshold);
  const learn = useLab((lab) => lab.learn);
  const confirm = useLab((lab) => lab.confirmThresholds);
  const outcome = evaluateThresholds(tableOf(pass, measure), thresholds);
  const swept = useMemo(() => uniformSweep(tableOf(pass, measure)), [pass, measure]);
  const learnedOnAll = useMemo(
    () => (learned ?? []).map((each) => evaluateThresholds(tableOf(pass, measure), each.thresholds)),
    [learned, pass, measure],
  );
  const chosen = useMemo(() => spreadOut(learned ?? [], mostConfirmed), [learned]);
  const quality = pass.truth ? 'accuracyTop1' : 'agreement';
  const qualityName = pass.truth ? 'accuracy' : 'agreement with the final exit';
  const trials = useLab((lab) => lab.trials);
  const modelId = useLab((lab) => lab.model?.view.modelId);
  const confirmed = trials.filter(
    ({ predicted, strategy }) =>
      // Others are expected by what their nodes take, without a word about accuracy.
      predicted && predicted.basis === undefined && strategy.modelId === modelId && !strategy.placement,
  );
  // By position: a pass over trained exits leaves out those that the model has besides.
  const nameOf = (exit: number): string => `exit ${exit + 1}`;
  return (
    <div className={panel.stack}>
      <ThresholdChart
        swept={swept.map((each) => pointOf(each))}
        learned={learnedOnAll.map((each) => pointOf(each))}
        current={pointOf(outcome)}
        measured={confirmed.flatMap((trial) => measuredPoint(trial, quality) ?? [])}
        quality={quality}
      />
      <p className={styles.outcome} aria-live="polite" data-testid="threshold-outcome">
        <strong>{formatShare(outcome.accuracy)}</strong> {qualityName} at{' '}
        <strong>{formatMs(outcome.latencyMs)}</strong> mean latency, expected
      </p>
      {thresholds.map((threshold, exit) => (
        <Slider
          key={pass.scores.exits[exit]?.index}
          title={`Leave at ${nameOf(exit)} from`}
          min={0.01}
          max={1.01}
          step={0.01}
          value={Math.min(threshold, 1.01)}
          format={thresholdText}
          onMove={(value) => move(exit, value > 1 ? NEVER : value)}
          onChange={() => {}}
        />
      ))}
      <Shares shares={outcome.shares} nameOf={nameOf} />
      <SelectField
        title="Confidence"
        value={measure}
        options={confidenceOptions}
        onChange={chooseConfidence}
      />
      <SelectField title="Run as" value={form} options={formOptions} onChange={chooseForm} />
      <div className={panel.buttons}>
        <Button look="primary" onClick={() => void learn()}>
          Learn thresholds
        </Button>
        <Button disabled={isMeasuring} onClick={() => void confirm([thresholds])}>
          Confirm these by measuring
        </Button>
      </div>
      {learned && <Learned chosen={chosen} count={learned.length} onConfirm={confirm} isBusy={isMeasuring} />}
      {confirmed.length > 0 && <Confirmed trials={confirmed} quality={quality} />}
      <div className={panel.buttons}>
        <Button
          look="link"
          onClick={() => saveFile('thresholds.csv', thresholdsCsv(swept, learned ?? []), 'text/csv')}
        >
          thresholds.csv
        </Button>
      </div>
    </div>
  );
}

/** Where the images leave: a bar of as many parts as there are exits. */
function Shares({
  shares,
  nameOf,
}: {
  readonly shares: readonly number[];
  readonly nameOf: (exit: number) => string;
}) {
  return (
    <div>
      <div className={styles.bar} aria-hidden="true">
        {shares.map((share, exit) => (
          <span
            key={nameOf(exit)}
            style={{ width: `${100 * share}%`, '--weight': `${100 - 30 * exit}%` } as CSSProperties}
          />
        ))}
      </div>
      <p className={`${styles.shares} ${panel.small}`} data-testid="threshold-shares">
        {shares.map((share, exit) => (
          <span key={nameOf(exit)}>
            {exit === shares.length - 1 ? 'to the end' : nameOf(exit)} {formatShare(share)}
          </span>
        ))}
      </p>
    </div>
  );
}

interface LearnedProps {
  readonly chosen: readonly { readonly thresholds: Thresholds; readonly test: ThresholdOutcome }[];
  /** Of the whole front. */
  readonly count: number;
  readonly isBusy: boolean;
  readonly onConfirm: (points: readonly Thresholds[]) => Promise<void>;
}

function Learned({ chosen, count, isBusy, onConfirm }: LearnedProps) {
  const moveAll = useLab((lab) => lab.moveThresholds);
  return (
    <>
      <table className={`${styles.table} ${panel.small}`} aria-label="Learned thresholds">
        <thead>
          <tr>
            <th scope="col">thresholds</th>
            <th scope="col">accuracy</th>
            <th scope="col">mean</th>
          </tr>
        </thead>
        <tbody>
          {chosen.map(({ thresholds, test }) => (
            <tr key={thresholds.join()}>
              <td>
                <button type="button" className={styles.pick} onClick={() => moveAll(thresholds)}>
                  {thresholds.map(thresholdText).join(' · ')}
                </button>
              </td>
              <td>{formatShare(test.accuracy)}</td>
              <td>{formatMs(test.latencyMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p className={`${panel.dim} ${panel.small}`}>
        {chosen.length} of {count} best ones. They were chosen on one half of the images; the numbers are of
        the other half.
      </p>
      <div className={panel.buttons}>
        <Button disabled={isBusy} onClick={() => void onConfirm(chosen.map(({ thresholds }) => thresholds))}>
          Confirm by measuring
        </Button>
      </div>
    </>
  );
}

function Confirmed({
  trials,
  quality,
}: {
  readonly trials: readonly Trial[];
  readonly quality: 'accuracyTop1' | 'agreement';
}) {
  return (
    <table className={`${styles.table} ${panel.small}`} aria-label="Predicted and measured">
      <thead>
        <tr>
          <th scope="col">strategy</th>
          <th scope="col">predicted</th>
          <th scope="col">measured</th>
        </tr>
      </thead>
      <tbody>
        {trials.map((trial) => {
          const metrics = trialMetrics(trial);
          const [accuracy, latency] = [metrics[quality]?.value, metrics.latencyMeanMs?.value];
          const { predicted } = trial;
          return (
            <tr key={trial.id}>
              <td>{trial.strategy.name}</td>
              <td>{predicted && both(predicted[quality], predicted.latencyMeanMs)}</td>
              <td>{accuracy == null && latency == null ? '…' : both(accuracy, latency)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function both(share: number | null | undefined, latencyMs: number | null | undefined): string {
  return `${share == null ? '–' : formatShare(share)}, ${latencyMs == null ? '–' : formatMs(latencyMs)}`;
}

function pointOf({ accuracy, latencyMs, thresholds }: ThresholdOutcome): ThresholdPoint {
  return {
    accuracy: Number.isFinite(accuracy) ? accuracy : 0,
    latencyMs,
    label: thresholds.map(thresholdText).join(' · '),
  };
}

function measuredPoint(trial: Trial, quality: 'accuracyTop1' | 'agreement') {
  const metrics = trialMetrics(trial);
  const [accuracy, latency] = [metrics[quality], metrics.latencyMeanMs];
  if (!accuracy || !latency) return null;
  const label = trial.strategy.name;
  const share = trial.predicted?.[quality];
  return {
    label,
    accuracy: accuracy.value,
    latencyMs: latency.value,
    expected:
      trial.predicted && share != null
        ? { label, accuracy: share, latencyMs: trial.predicted.latencyMeanMs }
        : null,
  };
}

function thresholdText(threshold: number): string {
  return threshold > 1 ? 'never' : String(Number(threshold.toPrecision(4)));
}
