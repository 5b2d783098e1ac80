import { useMemo } from 'react';
import { formatShare } from '../base/units.ts';
import { GraphCanvas } from '../canvas/GraphCanvas.tsx';
import { Inspector } from '../panels/model/Inspector.tsx';
import { SearchBox } from '../panels/model/SearchBox.tsx';
import { Button, ProgressBar } from '../panels/ui/controls.tsx';
import { useLab } from '../store/lab.ts';
import { exitAccuracies, recipeOnShow } from '../store/selectors.ts';
import { DEFAULT_HEAD_SEED, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import type { TrainedExitOperator } from '../transforms/recipe.ts';
import styles from './GraphStage.module.css';
import { PlacementSheet } from './PlacementSheet.tsx';

/** The graph with what belongs on it: search, and details of what is selected. */
export function GraphStage({ compact }: { readonly compact: boolean }) {
  const view = useLab((lab) => lab.model?.view);
  const recipe = useLab(recipeOnShow);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const selectedNode = useLab((lab) => lab.selectedNode);
  const selectNode = useLab((lab) => lab.selectNode);
  const selectRange = useLab((lab) => lab.selectRange);
  const setPreview = useLab((lab) => lab.setPreview);
  const colour = useLab((lab) => lab.colour);
  const setColour = useLab((lab) => lab.setColour);
  const search = useLab((lab) => lab.search);
  const searchIndex = useLab((lab) => lab.searchIndex);
  const trials = useLab((lab) => lab.trials);
  const heads = useLab((lab) => lab.heads);
  const tapNotes = useMemo(() => notesOfHeads(heads, trainedExitsOf(recipe)), [heads, recipe]);
  const exitNotes = useMemo(() => notesOfExits(exitAccuracies(trials)), [trials]);
  if (!view) return <NoModel />;
  return (
    <>
      <div className={styles.stage}>
        <GraphCanvas
          key={view.modelId}
          view={view}
          recipe={recipe}
          onRecipe={editRecipe}
          onPreview={setPreview}
          selectedNode={selectedNode}
          onSelectNode={selectNode}
          onSelectRange={selectRange}
          colour={colour}
          onColour={setColour}
          search={search}
          searchIndex={searchIndex}
          compact={compact}
          exitNotes={exitNotes}
          tapNotes={tapNotes}
        />
        <div className={styles.search}>
          <SearchBox view={view} />
        </div>
        {!compact && selectedNode !== null && (
          <aside className={styles.inspector} aria-label="Details of the selection">
            <Inspector view={view} />
          </aside>
        )}
      </div>
      {compact && (
        <aside className={styles.sheet} aria-label="Numbers">
          {selectedNode === null ? <PlacementSheet view={view} /> : <Inspector view={view} />}
        </aside>
      )}
    </>
  );
}

function notesOfExits(accuracies: ReadonlyMap<number, number>): ReadonlyMap<number, string> {
  return new Map([...accuracies].map(([exit, accuracy]) => [exit, formatShare(accuracy)]));
}

/** Accuracy on validation images of the recipe's exits that are trained. */
function notesOfHeads(
  heads: readonly TrainedHead[],
  operator: TrainedExitOperator | undefined,
): ReadonlyMap<string, string> {
  const own = heads.filter(({ seed }) => seed === (operator?.seed ?? DEFAULT_HEAD_SEED));
  return new Map(own.map(({ value, training }) => [value, formatShare(training.validationAccuracy)]));
}

function NoModel() {
  const opening = useLab((lab) => lab.openingModel);
  const openDialog = useLab((lab) => lab.openDialog);
  return (
    <div className={styles.welcome}>
      {opening ? (
        <div style={{ width: 'min(320px, 80%)' }}>
          <p>{opening.what}</p>
          <ProgressBar share={opening.share} label={opening.what} />
        </div>
      ) : (
        <Button look="primary" big onClick={() => openDialog('model')}>
          Open a model
        </Button>
      )}
    </div>
  );
}
