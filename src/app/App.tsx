import { Tabs } from 'radix-ui';
import { Suspense } from 'react';
import type { Failure } from '../base/result.ts';
import { DataIcon, FrontIcon, GraphIcon, RecipeIcon, RunIcon } from '../panels/ui/icons.tsx';
import { Problem } from '../panels/ui/FailureText.tsx';
import { lazyPart } from '../panels/ui/lazy-part.tsx';
import { Modal } from '../panels/ui/Modal.tsx';
import { Notices } from '../panels/Notices.tsx';
import { PlacementPanel } from '../panels/placement/PlacementPanel.tsx';
import { RecipePanel } from '../panels/recipe/RecipePanel.tsx';
import { RunPanel } from '../panels/run/RunPanel.tsx';
import { RunSettings } from '../panels/run/RunSettings.tsx';
import { StrategyList } from '../panels/run/StrategyList.tsx';
import { useLab } from '../store/lab.ts';
import type { Tab } from '../store/ui-slice.ts';
import styles from './App.module.css';
import { GraphStage } from './GraphStage.tsx';
import { Header } from './Header.tsx';
import { RunBar } from './RunBar.tsx';
import { useMedia, useTheme } from './theme.ts';
import { useFileDrop } from './use-file-drop.ts';
import { useShortcuts } from './use-shortcuts.ts';

// Not needed for the first picture of the graph.
const ResultsPanel = lazyPart(async () => (await import('../panels/results/ResultsPanel.tsx')).ResultsPanel);
const DataPanel = lazyPart(async () => (await import('../panels/data/DataPanel.tsx')).DataPanel);
const ModelDialog = lazyPart(
  async () => (await import('../panels/model/ModelDialog.tsx')).ModelDialog,
  MissingDialog,
);
const ImportChoice = lazyPart(
  async () => (await import('../panels/results/ImportChoice.tsx')).ImportChoice,
  MissingDialog,
);
const DeviceDialog = lazyPart(
  async () => (await import('../panels/device/DeviceDialog.tsx')).DeviceDialog,
  MissingDialog,
);
const QualityDialog = lazyPart(
  async () => (await import('../panels/quality/QualityDialog.tsx')).QualityDialog,
  MissingDialog,
);
const CompareGraphs = lazyPart(
  async () => (await import('../panels/compare-graphs/CompareGraphs.tsx')).CompareGraphs,
  MissingDialog,
);
const CameraDialog = lazyPart(
  async () => (await import('../panels/camera/CameraDialog.tsx')).CameraDialog,
  MissingDialog,
);
const DesignDialog = lazyPart(
  async () => (await import('../panels/run/design/DesignDialog.tsx')).DesignDialog,
  MissingDialog,
);
const StrategySets = lazyPart(
  async () => (await import('../panels/run/StrategySets.tsx')).StrategySets,
  MissingDialog,
);

const narrow = matchMedia('(max-width: 860px)');

export function App() {
  useTheme();
  useShortcuts();
  const isDropping = useFileDrop();
  const compact = useMedia(narrow);
  return (
    <>
      {compact ? <PhoneLayout /> : <DesktopLayout />}
      <Suspense>
        <Dialogs compact={compact} />
        <ImportChoiceWhenAsked />
      </Suspense>
      <Notices />
      {isDropping && <div className={styles.drop}>Drop a model, images, recipes or a study</div>}
    </>
  );
}

function DesktopLayout() {
  const isStarting = useLab((lab) => lab.isStarting);
  return (
    <div className={styles.app}>
      <Header compact={false} />
      <aside className={styles.left} aria-label="Recipe and strategies">
        <RecipePanel />
        <PlacementPanel />
        <StrategyList />
        <RunSettings />
      </aside>
      <main className={styles.graph}>
        <GraphStage compact={false} />
      </main>
      <aside className={styles.right} aria-label="Results">
        {/* The graph comes first: nothing was measured yet, so the results' script can wait for it. */}
        <Suspense fallback={<Loading />}>{isStarting ? <Loading /> : <ResultsPanel />}</Suspense>
      </aside>
      <RunBar />
    </div>
  );
}

const tabs = [
  { tab: 'graph', name: 'Graph', Icon: GraphIcon },
  { tab: 'recipe', name: 'Recipe', Icon: RecipeIcon },
  { tab: 'run', name: 'Run', Icon: RunIcon },
  { tab: 'front', name: 'Front', Icon: FrontIcon },
  { tab: 'data', name: 'Data', Icon: DataIcon },
] as const;

function PhoneLayout() {
  const tab = useLab((lab) => lab.tab);
  const showTab = useLab((lab) => lab.showTab);
  return (
    <Tabs.Root className={styles.phone} value={tab} onValueChange={(next) => showTab(next as Tab)}>
      <Header compact />
      <main style={{ display: 'contents' }}>
        {/* The graph stays, hidden, so that coming back to it costs nothing and keeps the place. */}
        <Tabs.Content
          value="graph"
          forceMount
          className={`${styles.stage} ${tab === 'graph' ? '' : styles.hidden}`}
          tabIndex={-1}
        >
          <GraphStage compact />
        </Tabs.Content>
        <Tabs.Content value="recipe" className={styles.page}>
          <RecipePanel />
        </Tabs.Content>
        <Tabs.Content value="run" className={styles.page}>
          <RunPanel />
        </Tabs.Content>
        <Tabs.Content value="front" className={styles.page}>
          <Suspense fallback={<Loading />}>
            <ResultsPanel />
          </Suspense>
        </Tabs.Content>
        <Tabs.Content value="data" className={styles.page}>
          <Suspense fallback={<Loading />}>
            <DataPanel />
          </Suspense>
        </Tabs.Content>
      </main>
      <Tabs.List className={styles.tabs} aria-label="Parts of the lab">
        {tabs.map(({ tab: value, name, Icon }) => (
          <Tabs.Trigger key={value} value={value} className={styles.tab}>
            <Icon />
            {name}
          </Tabs.Trigger>
        ))}
      </Tabs.List>
    </Tabs.Root>
  );
}

function Dialogs({ compact }: { readonly compact: boolean }) {
  const dialog = useLab((lab) => lab.dialog);
  const openDialog = useLab((lab) => lab.openDialog);
  const close = () => openDialog(null);
  switch (dialog) {
    case null:
      return null;
    case 'model':
      return <ModelDialog onClose={close} />;
    case 'data':
      return (
        <Modal title="Images" onClose={close}>
          <DataPanel />
        </Modal>
      );
    case 'device':
      return <DeviceDialog onClose={close} />;
    case 'graphs':
      return <CompareGraphs compact={compact} onClose={close} />;
    case 'quality':
      return <QualityDialog onClose={close} />;
    case 'camera':
      return <CameraDialog onClose={close} />;
    case 'design':
      return <DesignDialog onClose={close} />;
    case 'sets':
      return <StrategySets onClose={close} />;
  }
}

function ImportChoiceWhenAsked() {
  return useLab((lab) => lab.incomingStudy !== null) && <ImportChoice />;
}

/** In place of a dialog whose script could not be loaded. */
function MissingDialog({ failure, onClose }: { readonly failure: Failure; readonly onClose?: () => void }) {
  const settleImport = useLab((lab) => lab.settleImport);
  return (
    <Modal title="Not loaded" narrow onClose={onClose ?? (() => void settleImport('neither'))}>
      <Problem failure={failure} />
    </Modal>
  );
}

function Loading() {
  return <div className={styles.loading}>Loading …</div>;
}
