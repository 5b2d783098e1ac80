import { useDeferredValue, useMemo } from 'react';
import { FrontChart } from '../../charts/FrontChart.tsx';
import { RANDOM_WEIGHTS_NOTE } from '../../onnx/hollow.ts';
import { useLab } from '../../store/lab.ts';
import { limitsOf } from '../../store/ui-slice.ts';
import { AXES, type AxisId, defaultQualityAxis, defaultVerticalAxis } from '../../study/metrics.ts';
import { frontOfTrials } from '../../study/pareto.ts';
import { withinLimits } from '../../study/plots/parallel.ts';
import panel from '../panel.module.css';
import { MeasureButton } from '../run/MeasureButton.tsx';
import { Button, Select } from '../ui/controls.tsx';
import { ThresholdsPanel } from '../thresholds/ThresholdsPanel.tsx';
import { Section } from '../ui/Section.tsx';
import { Downloads } from './Downloads.tsx';
import styles from './ResultsPanel.module.css';
import { StudyList } from './StudyList.tsx';
import { TrialDetails } from './TrialDetails.tsx';
import { TrialTable } from './TrialTable.tsx';

const axisOptions = AXES.map(({ id, label }) => ({ value: id, label }));

/** The front, the table, and what can be taken home. */
export function FrontView() {
  const study = useLab((lab) => lab.study);
  // New results are drawn in pieces, between which the page answers.
  const all = useDeferredValue(useLab((lab) => lab.trials));
  const limits = useLab(limitsOf);
  const trials = useMemo(() => (limits.size === 0 ? all : withinLimits(all, limits)), [all, limits]);
  const axes = useLab((lab) => lab.axes);
  const setAxes = useLab((lab) => lab.setAxes);
  const selectedTrialId = useLab((lab) => lab.selectedTrialId);
  const comparedTrialId = useLab((lab) => lab.comparedTrialId);
  const showTrial = useLab((lab) => lab.showTrial);
  const pointAt = useLab((lab) => lab.pointAtTrial);
  const quality = defaultQualityAxis(trials);
  const y: AxisId = axes.y ?? defaultVerticalAxis(trials);
  const front = useMemo(
    () => new Set(frontOfTrials(trials, [axes.x, y]).map((trial) => trial.id)),
    [trials, axes.x, y],
  );
  const selected = trials.find(({ id }) => id === selectedTrialId);
  const hasExitsAtHand = useLab(({ recipes }) =>
    recipes.present.some((operator) => operator.op === 'early-exit' && operator.kind !== 'skip'),
  );
  if (all.length === 0) {
    return (
      <>
        <Invitation />
        {hasExitsAtHand && <ThresholdsPanel />}
      </>
    );
  }
  return (
    <>
      {trials.length < all.length && <Limited shown={trials.length} of={all.length} />}
      <Section title="Front">
        <FrontChart
          trials={trials}
          x={axes.x}
          y={y}
          xTitle={
            <Select
              label="Horizontal axis"
              className={styles.axis}
              value={axes.x}
              options={axisOptions}
              onChange={(value) => setAxes({ ...axes, x: value })}
            />
          }
          yTitle={
            <Select
              label="Vertical axis"
              className={styles.axis}
              value={y}
              options={axisOptions}
              onChange={(value) => setAxes({ ...axes, y: value })}
            />
          }
          selectedTrialId={selectedTrialId}
          comparedTrialId={comparedTrialId}
          onSelect={showTrial}
          onPoint={pointAt}
        />
        {trials.some(({ warnings }) => warnings.includes(RANDOM_WEIGHTS_NOTE)) && <RandomWeights />}
      </Section>
      {selected && (
        <TrialDetails trial={selected} trials={trials} isOnFront={front.has(selected.id)} quality={quality} />
      )}
      <ThresholdsPanel />
      {study && (
        <Section title="Trials">
          <TrialTable
            trials={trials}
            onFront={front}
            quality={quality}
            preset={study.preset}
            selectedTrialId={selectedTrialId}
            onSelect={showTrial}
          />
          <p className={`${panel.dim} ${panel.small}`}>
            Choose a trial to see all about it, and its recipe on the graph.
          </p>
        </Section>
      )}
      <Section title="Take home">
        <Downloads study={study} trials={all} x={axes.x} y={y} />
      </Section>
      <StudyList />
    </>
  );
}

/** Says that trials are left out, and brings them back. */
function Limited({ shown, of }: { readonly shown: number; readonly of: number }) {
  const setLimits = useLab((lab) => lab.setLimits);
  return (
    <p className={`${panel.small} ${styles.limited}`}>
      {shown} of {of} trials: those within the limits on the parallel coordinates.
      <Button look="link" onClick={() => setLimits(new Map())}>
        Show all
      </Button>
    </p>
  );
}

function RandomWeights() {
  return <p className={`${panel.small} ${styles.note}`}>{RANDOM_WEIGHTS_NOTE}</p>;
}

/** Before the first study: what will be here, and the one button that brings it. */
function Invitation() {
  const listed = useLab((lab) => lab.listed);
  const isHollow = useLab((lab) => lab.model?.view.hollow ?? false);
  const chosen = listed.filter((entry) => entry.chosen).length;
  return (
    <>
      <Section title="Front">
        <div className={styles.invitation}>
          <EmptyFront />
          <p>
            {chosen} {chosen === 1 ? 'strategy is' : 'strategies are'} ready. Each will be run on your images,
            right here: {isHollow ? 'how fast is it, how large?' : 'how accurate is it, how fast, how large?'}
          </p>
          {isHollow && <RandomWeights />}
          <MeasureButton big />
          <p className={`${panel.dim} ${panel.small}`}>Nothing leaves this device.</p>
        </div>
      </Section>
      <Section title="Measured elsewhere">
        <Downloads study={null} trials={[]} x="latencyMedianMs" y="accuracyTop1" />
      </Section>
      <StudyList />
    </>
  );
}

/** A front as it will look, without numbers that were not measured. */
function EmptyFront() {
  return (
    <svg viewBox="0 0 240 120" className={styles.emptyFront} aria-hidden="true">
      <path d="M20 10V104H232" className={styles.frame} />
      <path d="M44 104V84H84V54H134V34H232" className={styles.step} />
      {[
        [44, 84],
        [84, 54],
        [134, 34],
      ].map(([x, y]) => (
        <circle key={x} cx={x} cy={y} r="5" className={styles.dot} />
      ))}
      {[
        [120, 72],
        [176, 58],
        [196, 88],
      ].map(([x, y]) => (
        <circle key={x} cx={x} cy={y} r="4" className={styles.faded} />
      ))}
    </svg>
  );
}
