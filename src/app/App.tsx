import { Tabs } from 'radix-ui';
import { type ComponentType, type ReactNode, Suspense, useEffect } from 'react';
import { attempt, type Failure } from '../base/result.ts';
import { DataIcon, FrontIcon, GraphIcon, RecipeIcon, RunIcon } from '../panels/ui/icons.tsx';
import { Problem } from '../panels/ui/FailureText.tsx';
import { lazyPart } from '../panels/ui/lazy-part.tsx';
import { Modal } from '../panels/ui/Modal.tsx';
import { Notices } from '../panels/Notices.tsx';
import { useLab } from '../store/lab.ts';
import { pageIsIdle } from '../store/page-is-idle.ts';
import type { Tab } from '../store/ui-slice.ts';
import styles from './App.module.css';
import { GraphStage } from './GraphStage.tsx';
import { Header } from './Header.tsx';
import { RunBar } from './RunBar.tsx';
import { useMedia, useTheme } from './theme.ts';
import { useFileDrop } from './use-file-drop.ts';
import { useShortcuts } from './use-shortcuts.ts';

// Not needed for the first picture of the graph.
const loadResults = async () => (await import('../panels/results/ResultsPanel.tsx')).ResultsPanel;
const loadData = async () => (await import('../panels/data/DataPanel.tsx')).DataPanel;
const loadRecipe = async () => (await import('../panels/recipe/RecipePanel.tsx')).RecipePanel;
const loadRun = async () => (await import('../panels/run/RunPanel.tsx')).RunPanel;
const ResultsPanel = lazyPart(loadResults);
const DataPanel = lazyPart(loadData);
const RecipePanel = lazyPart(loadRecipe);
const RunPanel = lazyPart(loadRun);
const LeftPanels = lazyPart(async () => (await import('./LeftPanels.tsx')).LeftPanels);
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

const loadTabs = [loadRecipe, loadRun, loadResults, loadData];

/** How long a busy page may put off what tabs that nobody opened yet need. */
const PRELOADED_WITHIN_MS = 5000;

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
  return (
    <div className={styles.app}>
      <Header compact={false} />
      <aside className={styles.left} aria-label="Recipe and strategies">
        <WhenStarted>
          <LeftPanels />
        </WhenStarted>
      </aside>
      <main className={styles.graph}>
        <GraphStage compact={false} />
      </main>
      <aside className={styles.right} aria-label="Results">
        <WhenStarted>
          <ResultsPanel />
        </WhenStarted>
      </aside>
      <RunBar />
    </div>
  );
}

/** The graph comes first: the scripts of what is beside it wait for that. */
function WhenStarted({ children }: { readonly children: ReactNode }) {
  const isStarting = useLab((lab) => lab.isStarting);
  return <Suspense fallback={<Loading />}>{isStarting ? <Loading /> : children}</Suspense>;
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
  const isStarting = useLab((lab) => lab.isStarting);
  useEffect(() => {
    // A tab answers its first tap, too, at once.
    if (!isStarting) void pageIsIdle(PRELOADED_WITHIN_MS).then(() => Promise.all(loadTabs.map(attempt)));
  }, [isStarting]);
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
        <Page tab="recipe" Panel={RecipePanel} />
        <Page tab="run" Panel={RunPanel} />
        <Page tab="front" Panel={ResultsPanel} />
        <Page tab="data" Panel={DataPanel} />
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

function Page({ tab, Panel }: { readonly tab: Tab; readonly Panel: ComponentType }) {
  return (
    <Tabs.Content value={tab} className={styles.page}>
      <Suspense fallback={<Loading />}>
        <Panel />
      </Suspense>
    </Tabs.Content>
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
