import { Tabs } from 'radix-ui';
import { Suspense } from 'react';
import { useLab } from '../../store/lab.ts';
import type { ResultsView } from '../../store/ui-slice.ts';
import panel from '../panel.module.css';
import { lazyPart } from '../ui/lazy-part.tsx';
import { FrontView } from './FrontView.tsx';
import styles from './ResultsPanel.module.css';

interface View {
  readonly id: ResultsView;
  readonly label: string;
  readonly View: React.ComponentType;
}

const PicturesView = lazyPart(async () => (await import('./pictures/PicturesView.tsx')).PicturesView);
const CompareView = lazyPart(async () => (await import('./comparisons/CompareView.tsx')).CompareView);
const ExplainView = lazyPart(async () => (await import('./explain/ExplainView.tsx')).ExplainView);
const DevicesView = lazyPart(async () => (await import('./devices/DevicesView.tsx')).DevicesView);
const AdviceView = lazyPart(async () => (await import('./recommendation/AdviceView.tsx')).AdviceView);

/** What a study can be looked at as; all but the front are loaded when they are first shown. */
const views: readonly View[] = [
  { id: 'front', label: 'Front', View: FrontView },
  { id: 'compare', label: 'Compare', View: CompareView },
  { id: 'pictures', label: 'Pictures', View: PicturesView },
  { id: 'explain', label: 'Explain', View: ExplainView },
  { id: 'advice', label: 'Advice', View: AdviceView },
  { id: 'devices', label: 'Devices', View: DevicesView },
];

/** The results of a study, in several views. */
export function ResultsPanel() {
  const view = useLab((lab) => lab.resultsView);
  const showView = useLab((lab) => lab.showResultsView);
  const hasTrials = useLab((lab) => lab.trials.length > 0);
  if (!hasTrials || views.length === 1) return <FrontView />;
  return (
    <Tabs.Root value={view} onValueChange={(next) => showView(next as ResultsView)}>
      <Tabs.List className={styles.views} aria-label="Views of the results">
        {views.map(({ id, label }) => (
          <Tabs.Trigger key={id} value={id} className={styles.view}>
            {label}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
      {views.map(({ id, View }) => (
        <Tabs.Content key={id} value={id}>
          <Suspense fallback={<p className={panel.dim}>Loading…</p>}>
            <View />
          </Suspense>
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
}
