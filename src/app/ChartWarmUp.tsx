import { lazy, Suspense, useEffect, useState } from 'react';
import styles from './App.module.css';

const FrontChart = lazy(async () => ({ default: (await import('../charts/FrontChart.tsx')).FrontChart }));

/** After what a first visit loads and draws itself. */
const waitsMs = 1200;
const staysMs = 2500;

/** Draws the chart once, unseen: its first drawing is the page's longest task, and must not fall into a study. */
export function ChartWarmUp() {
  const [phase, setPhase] = useState<'waiting' | 'drawing' | 'done'>('waiting');
  useEffect(() => {
    const draw = setTimeout(() => setPhase('drawing'), waitsMs);
    const end = setTimeout(() => setPhase('done'), waitsMs + staysMs);
    return () => {
      clearTimeout(draw);
      clearTimeout(end);
    };
  }, []);
  if (phase !== 'drawing') return null;
  return (
    <div className={styles.unseen} aria-hidden="true">
      <Suspense fallback={null}>
        <FrontChart
          trials={[]}
          x="latencyMedianMs"
          y="accuracyTop1"
          xTitle=""
          yTitle=""
          selectedTrialId={null}
          onSelect={() => {}}
          onPoint={() => {}}
        />
      </Suspense>
    </div>
  );
}
