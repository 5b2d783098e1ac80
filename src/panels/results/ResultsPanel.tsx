import { useMemo } from 'react';
import { FrontChart } from '../../charts/FrontChart.tsx';
import { useLab } from '../../store/lab.ts';
import { AXES, type AxisId, defaultQualityAxis } from '../../study/metrics.ts';
import { frontOfTrials } from '../../study/pareto.ts';
import panel from '../panel.module.css';
import { Select } from '../ui/controls.tsx';
import { Section } from '../ui/Section.tsx';
import { Downloads } from './Downloads.tsx';
import styles from './ResultsPanel.module.css';
import { StudyList } from './StudyList.tsx';
import { TrialTable } from './TrialTable.tsx';

const axisOptions = AXES.map(({ id, label }) => ({ value: id, label }));

/** The front, the table, and what can be taken home. */
export function ResultsPanel() {
  const study = useLab((lab) => lab.study);
  const trials = useLab((lab) => lab.trials);
  const axes = useLab((lab) => lab.axes);
  const setAxes = useLab((lab) => lab.setAxes);
  const selectedTrialId = useLab((lab) => lab.selectedTrialId);
  const showTrial = useLab((lab) => lab.showTrial);
  const pointAt = useLab((lab) => lab.pointAtTrial);
  const quality = defaultQualityAxis(trials);
  const y: AxisId = axes.y ?? quality;
  const front = useMemo(
    () => new Set(frontOfTrials(trials, [axes.x, y]).map((trial) => trial.id)),
    [trials, axes.x, y],
  );
  return (
    <>
      <Section
        title="Front"
        tools={
          <div className={styles.axes}>
            <Select
              label="Vertical axis"
              value={y}
              options={axisOptions}
              onChange={(value) => setAxes({ ...axes, y: value })}
            />
            <Select
              label="Horizontal axis"
              value={axes.x}
              options={axisOptions}
              onChange={(value) => setAxes({ ...axes, x: value })}
            />
          </div>
        }
      >
        <FrontChart
          trials={trials}
          x={axes.x}
          y={y}
          selectedTrialId={selectedTrialId}
          onSelect={showTrial}
          onPoint={pointAt}
        />
      </Section>
      {study && trials.length > 0 && (
        <Section title="Trials">
          <TrialTable
            trials={trials}
            onFront={front}
            quality={quality}
            selectedTrialId={selectedTrialId}
            onSelect={showTrial}
          />
          <p className={`${panel.dim} ${panel.small}`}>
            ± is half of the 95 % interval. Choose a trial to put its recipe on the graph.
          </p>
        </Section>
      )}
      <Section title="Take home">
        <Downloads study={study} trials={trials} x={axes.x} y={y} />
      </Section>
      <StudyList />
    </>
  );
}
