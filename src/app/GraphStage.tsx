import { Suspense, useCallback, useDeferredValue, useMemo, useState } from 'react';
import type { Failure } from '../base/result.ts';
import { formatCount, formatShare } from '../base/units.ts';
import { changesText, graphChanges, shapeChanges } from '../canvas/graph-changes.ts';
import { GraphCanvas } from '../canvas/GraphCanvas.tsx';
import type { Forecast } from '../canvas/props.ts';
import { ToolSelect } from '../canvas/Tools.tsx';
import { VariantGraph } from '../canvas/VariantGraph.tsx';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { type LitRole, litNodes } from '../canvas/lit.ts';
import { SearchBox } from '../panels/model/SearchBox.tsx';
import { tiersText } from '../panels/placement/placement-text.ts';
import { RemedyButton } from '../panels/recipe/RemedyButton.tsx';
import { Button, ProgressBar } from '../panels/ui/controls.tsx';
import { lazyPart } from '../panels/ui/lazy-part.tsx';
import type { VariantView } from '../protocol/model-api.ts';
import { headsFor } from '../transforms/exits/heads-of-recipe.ts';
import { useLab } from '../store/lab.ts';
import {
  type Expectations,
  forecastCuts,
  useCostProfile,
  useExpectations,
  usePredictions,
  useReach,
  useTierModels,
} from '../store/predictions.ts';
import { variantErrorsOf } from '../store/quality-slice.ts';
import { pruneScanOf } from '../store/prune-slice.ts';
import { scanOf } from '../store/sensitivity-slice.ts';
import { useFromTrials } from '../store/use-from-trials.ts';
import type { Progress } from '../store/data-slice.ts';
import { exitAccuracies, recipeOnShow } from '../store/selectors.ts';
import { type PlacementName, tiersOfPlacement } from '../study/placement/tiers.ts';
import { noiseOfNodes } from '../study/node-precision.ts';
import { sensitivityOfNodes } from '../study/prune-curves.ts';
import { errorShares } from '../study/quality/node-errors.ts';
import type { Trial } from '../study/trial.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { Recipe } from '../transforms/recipe.ts';
import styles from './GraphStage.module.css';
import { ReachHelp, TimesHelp } from './ColourHelp.tsx';
import { PlacementSheet } from './PlacementSheet.tsx';
import { useVariantView } from '../store/use-variant-view.ts';

// Not needed for the first picture of the graph.
const Inspector = lazyPart(async () => (await import('../panels/model/Inspector.tsx')).Inspector);
const ChannelGroups = lazyPart(
  async () => (await import('../panels/channels/ChannelGroups.tsx')).ChannelGroups,
);

/** The graph with what belongs on it: search, and details of what is selected. */
export function GraphStage({ compact }: { readonly compact: boolean }) {
  const view = useLab((lab) => lab.model?.view);
  // Another model's graph is drawn in parts that leave the page answering; until then none is shown.
  const drawnId = useDeferredValue(view?.modelId, undefined);
  if (!view) return <NoModel />;
  // Chosen per model: another one starts with its original.
  return view.modelId === drawnId ? (
    <ModelStage key={drawnId} view={view} compact={compact} />
  ) : (
    <Opening what={`Drawing ${view.fileName}`} share={null} />
  );
}

interface StageProps {
  readonly view: GraphView;
  readonly compact: boolean;
}

/** The original graph with the recipe's exits and cuts on it, or the graph that the recipe makes of it. */
function ModelStage({ view, compact }: StageProps) {
  const recipe = useLab(recipeOnShow);
  const compareGraphs = useLab((lab) => lab.compareGraphs);
  const [fileIndex, showFile] = useState<number | null>(null);
  const made = useVariantView(recipe, fileIndex);
  const variant = made?.ok ? made.value : null;
  const tools = recipe.length > 0 && (
    <ToolSelect
      name="graph:"
      value={fileIndex === null || variant === null ? 'original' : String(fileIndex)}
      options={[
        { value: 'original', label: 'original' },
        ...fileLabels(variant).map((label, index) => ({ value: String(index), label })),
        { value: 'both', label: 'before and after…' },
      ]}
      onChange={(value) => {
        if (value === 'both') compareGraphs(null);
        else showFile(value === 'original' ? null : Number(value));
      }}
    />
  );
  return fileIndex !== null && variant !== null ? (
    <VariantStage original={view} recipe={recipe} variant={variant} compact={compact} tools={tools} />
  ) : (
    <OriginalStage view={view} compact={compact} recipe={recipe} tools={tools} />
  );
}

/** The name of an only file is mostly the original's. */
function fileLabels(variant: VariantView | null): readonly string[] {
  return variant !== null && variant.fileNames.length > 1 ? variant.fileNames : ['this variant'];
}

interface ToolsProps extends StageProps {
  readonly tools: React.ReactNode;
}

function OriginalStage({ view, compact, recipe, tools }: ToolsProps & { readonly recipe: Recipe }) {
  const editRecipe = useLab((lab) => lab.editRecipe);
  const selectedNode = useLab((lab) => lab.selectedNode);
  const selectNode = useLab((lab) => lab.selectNode);
  const selectRange = useLab((lab) => lab.selectRange);
  const setPreview = useLab((lab) => lab.setPreview);
  const colour = useLab((lab) => lab.colour);
  const setColour = useLab((lab) => lab.setColour);
  const search = useLab((lab) => lab.search);
  const searchIndex = useLab((lab) => lab.searchIndex);
  const exitNotes = useFromTrials(notesOfExits);
  const heads = useLab((lab) => lab.heads);
  const tapNotes = useMemo(() => notesOfHeads(heads, recipe), [heads, recipe]);
  const profile = useCostProfile(view);
  const reach = useReach(view, recipe);
  const compared = useLab((lab) => variantErrorsOf(lab, recipe));
  const sensitivity = useLab((lab) => scanOf(lab, recipe, lab.scanPrecision).results);
  const pruneScan = useLab((lab) => pruneScanOf(lab, recipe));
  const nodeCosts = useMemo(
    () => ({
      ...(profile.source === 'measured' && { ms: profile.nodeMs }),
      ...(reach && { reach }),
      ...(sensitivity.length > 0 && { sensitivity: noiseOfNodes(view, sensitivity) }),
      ...(pruneScan && { pruning: sensitivityOfNodes(view, pruneScan.curves) }),
      ...(compared && { error: errorShares(view, compared.values) }),
    }),
    [profile, reach, view, compared, sensitivity, pruneScan],
  );
  const showsChannels = useLab((lab) => lab.showsChannels);
  const lit = useLitNodes(view);
  const predictions = usePredictions(view, recipe);
  const tiers = useTierModels(view);
  const shown = useLab((lab) => lab.shownPlacement);
  const problem = useLab((lab) => (lab.recipes.present === recipe ? lab.recipeProblem : null));
  const expectations = useExpectations(view, recipe);
  const forecast = useCallback(
    (cuts: readonly PlacedCut[]) => forecastsOf(expectations, cuts, shown),
    [expectations, shown],
  );
  const cutCosts = useMemo(() => {
    const costs = predictions.cut.get(shown);
    return costs && { costs, label: tiersText(shown) };
  }, [predictions, shown]);
  return (
    <>
      <div className={styles.stage}>
        <GraphCanvas
          view={view}
          recipe={recipe}
          onRecipe={editRecipe}
          onPreview={setPreview}
          selectedNode={selectedNode}
          onSelectNode={selectNode}
          onSelectRange={selectRange}
          colour={colour}
          onColour={setColour}
          nodeCosts={nodeCosts}
          costHelp={{ ms: <TimesHelp view={view} />, reach: <ReachHelp view={view} recipe={recipe} /> }}
          search={search}
          searchIndex={searchIndex}
          compact={compact}
          exitNotes={exitNotes}
          tapNotes={tapNotes}
          forecast={forecast}
          {...(cutCosts && { cutCosts })}
          nodeMs={profile.nodeMs}
          isGuess={expectations.isGuess}
          tiers={tiers}
          tools={tools}
          {...(lit && { lit })}
          {...(problem?.remedy &&
            !isNextStep(problem) && {
              problem: { text: plainly(problem.message), help: <RemedyButton failure={problem} /> },
            })}
        />
        <div className={styles.search}>
          <SearchBox view={view} />
        </div>
        {!compact && (showsChannels || selectedNode !== null) && (
          <aside className={styles.inspector} aria-label="Details of the selection">
            <Details view={view} />
          </aside>
        )}
      </div>
      {compact && (
        <aside className={styles.sheet} aria-label="Numbers">
          {showsChannels || selectedNode !== null ? <Details view={view} /> : <PlacementSheet view={view} />}
        </aside>
      )}
    </>
  );
}

/** Of what is selected, or of its channels. */
function Details({ view }: { readonly view: GraphView }) {
  const showsChannels = useLab((lab) => lab.showsChannels);
  return (
    <Suspense fallback={null}>
      {showsChannels ? <ChannelGroups view={view} /> : <Inspector view={view} />}
    </Suspense>
  );
}

/** The nodes of the groups of channels that are lit. */
function useLitNodes(view: GraphView): ReadonlyMap<number, LitRole> | null {
  const groups = useLab((lab) => lab.channelGroups);
  const shown = useLab((lab) => lab.shownGroup);
  const showsKept = useLab((lab) => lab.showsKept);
  const lit = groups?.filter(({ id, kept }) => (showsKept ? kept !== null : id === shown)) ?? [];
  const nodes = lit.flatMap((group) => [...group.nodes]);
  // Under another recipe the group is another object, with the same nodes: what is lit stays as it is.
  const text = nodes.length === 0 ? undefined : JSON.stringify(nodes);
  return useMemo(
    () => (text === undefined ? null : litNodes(view, JSON.parse(text) as [ValueName, LitRole][])),
    [view, text],
  );
}

/** What every placement that can hold a model cut like this is expected to take. */
function forecastsOf(
  expectations: Expectations,
  cuts: readonly PlacedCut[],
  shown: PlacementName,
): readonly Forecast[] {
  return [...forecastCuts(expectations, cuts)].map(([name, ms]) => ({
    label: tiersText(name),
    ms,
    isWhole: tiersOfPlacement(name).length === 1,
    isChosen: name === shown,
  }));
}

/** The panel of the recipe says what to do next: nothing is wrong. */
function isNextStep({ code }: Failure): boolean {
  return code === 'prune-blocks-open';
}

/** Without the name of the step, which is before one's eyes. */
function plainly(message: string): string {
  const text = message.replace(/^[a-z-]+: /, '');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

interface VariantStageProps extends Omit<ToolsProps, 'view'> {
  readonly original: GraphView;
  readonly recipe: Recipe;
  readonly variant: VariantView;
}

/** A file of the variant, to look at, with what the recipe changed in it. */
function VariantStage({ original, recipe, variant, compact, tools }: VariantStageProps) {
  const { view } = variant;
  const { params, macs } = view.totals;
  const changes = useMemo(() => graphChanges(original, view, recipe), [original, view, recipe]);
  const shapes = useMemo(() => shapeChanges(original, view), [original, view]);
  return (
    <>
      <div className={styles.stage}>
        <VariantGraph
          view={view}
          compact={compact}
          tools={tools}
          changes={changes.nodes}
          shapeChanges={shapes}
          note={changesText(changes, view, variant.fileNames.length)}
        />
      </div>
      {compact && (
        <aside className={styles.sheet} aria-label="Numbers">
          <p>
            {view.fileName}: {formatCount(params)} parameters · {formatCount(macs)} MACs
          </p>
        </aside>
      )}
    </>
  );
}

function notesOfExits(trials: readonly Trial[]): ReadonlyMap<number, string> {
  return new Map([...exitAccuracies(trials)].map(([exit, accuracy]) => [exit, formatShare(accuracy)]));
}

/** Accuracy on validation images of the recipe's exits that are trained. */
function notesOfHeads(heads: readonly TrainedHead[], recipe: Recipe): ReadonlyMap<string, string> {
  const own = [...headsFor(recipe, heads).values()];
  return new Map(own.map(({ value, training }) => [value, formatShare(training.validationAccuracy)]));
}

function NoModel() {
  const opening = useLab((lab) => lab.openingModel);
  const openDialog = useLab((lab) => lab.openDialog);
  return opening ? (
    <Opening {...opening} />
  ) : (
    <div className={styles.welcome}>
      <Button look="primary" big onClick={() => openDialog('model')}>
        Open a model
      </Button>
    </div>
  );
}

function Opening({ what, share }: Progress) {
  return (
    <div className={styles.welcome}>
      <div style={{ width: 'min(320px, 80%)' }}>
        <p>{what}</p>
        <ProgressBar share={share} label={what} />
      </div>
    </div>
  );
}
