import { memo, useMemo, useState } from 'react';
import { useLab } from '../../store/lab.ts';
import { isTrialOf, placementFor } from '../../store/placement-slice.ts';
import { sameRecipe } from '../../store/recipe-slice.ts';
import type { ListedRecipe } from '../../store/strategy-slice.ts';
import { strategiesText } from '../../study/strategies-file.ts';
import type { Trial } from '../../study/trial.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { recipeName } from '../../transforms/recipe-name.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, FileButton, IconButton, TextInput } from '../ui/controls.tsx';
import { MoreIcon, UndoIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/Menu.tsx';
import { saveFile } from '../ui/save-file.ts';
import { Section } from '../ui/Section.tsx';
import styles from './StrategyList.module.css';

/** The saved recipes, and which of them the study measures. */
export function StrategyList() {
  const listed = useLab((lab) => lab.listed);
  const trials = useLab((lab) => lab.trials);
  const model = useLab((lab) => lab.model);
  const tierSetup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const tierProfiles = useLab((lab) => lab.tierProfiles);
  const chooseAll = useLab((lab) => lab.chooseAllListed);
  const importRecipes = useLab((lab) => lab.importRecipes);
  const canUndo = useLab((lab) => lab.listedBefore.length > 0);
  const undoListed = useLab((lab) => lab.undoListed);
  const openDialog = useLab((lab) => lab.openDialog);
  const chosen = listed.filter((entry) => entry.chosen).length;
  const trialOf = (entry: ListedRecipe) =>
    trials.find(
      (trial) =>
        trial.strategy.modelId === model?.view.modelId &&
        isTrialOf(trial, entry, { tierSetup, sends, tierProfiles, model }),
    );
  return (
    <Section
      title="Strategies"
      tools={
        <>
          {canUndo && (
            <IconButton label="Take back the last change of the list" onClick={undoListed}>
              <UndoIcon />
            </IconButton>
          )}
          <button
            type="button"
            className={panel.link}
            aria-label={chosen < listed.length ? 'Choose all strategies' : 'Choose no strategy'}
            onClick={() => chooseAll(chosen < listed.length)}
          >
            {chosen < listed.length ? 'all' : 'none'}
          </button>
        </>
      }
    >
      <ul>
        {listed.map((entry) => (
          <StrategyRow key={entry.id} entry={entry} trial={trialOf(entry)} />
        ))}
      </ul>
      <div className={panel.buttons}>
        <Button onClick={() => openDialog('sets')}>Add a set…</Button>
        <Button onClick={() => openDialog('design')}>Design a study…</Button>
      </div>
      <div className={panel.buttons}>
        <FileButton
          look="link"
          accept=".json,application/json"
          onFiles={async ([file]) => file && importRecipes(await file.text())}
        >
          Import recipes
        </FileButton>
        <button
          type="button"
          className={panel.link}
          onClick={() =>
            saveFile(
              'recipes.json',
              strategiesText(
                listed.map((entry) => ({
                  ...entry,
                  placement: placementFor(entry, { tierSetup, sends, tierProfiles, model }),
                })),
              ),
              'application/json',
            )
          }
        >
          Export all
        </button>
      </div>
    </Section>
  );
}

interface StrategyRowProps {
  readonly entry: ListedRecipe;
  readonly trial: Trial | undefined;
}

/** While a study runs only the rows of trials that changed are drawn anew. */
const StrategyRow = memo(function StrategyRow({ entry, trial }: StrategyRowProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const choose = useLab((lab) => lab.chooseListed);
  const rename = useLab((lab) => lab.renameListed);
  const remove = useLab((lab) => lab.removeListed);
  const compareGraphs = useLab((lab) => lab.compareGraphs);
  const openDialog = useLab((lab) => lab.openDialog);
  const [isNaming, setNaming] = useState(false);
  const isShown = sameRecipe(normaliseRecipe(recipe), normaliseRecipe(entry.recipe));
  const view = useLab((lab) => lab.model?.view);
  const ownName = useMemo(() => (view ? recipeName(entry.recipe, view) : ''), [entry.recipe, view]);
  return (
    <li className={styles.row} data-shown={isShown}>
      <label className={styles.box}>
        <input
          type="checkbox"
          aria-label={`Measure ${entry.name}`}
          checked={entry.chosen}
          onChange={(event) => choose(entry.id, event.currentTarget.checked)}
        />
      </label>
      {isNaming ? (
        <TextInput
          aria-label="Name"
          autoFocus
          defaultValue={entry.name}
          onBlur={(event) => {
            rename(entry.id, event.currentTarget.value);
            setNaming(false);
          }}
          onKeyDown={(event) =>
            (event.key === 'Enter' || event.key === 'Escape') && event.currentTarget.blur()
          }
        />
      ) : (
        <button
          type="button"
          className={styles.name}
          aria-pressed={isShown}
          title={`Show ${entry.name} on the graph`}
          aria-label={entry.name}
          onClick={() => editRecipe(entry.recipe)}
        >
          {entry.name}
          {!entry.name.startsWith(ownName) && <span className={styles.what}>{ownName}</span>}
        </button>
      )}
      {trial && (
        <span className={styles.state} data-kind={trial.state.kind}>
          {stateText(trial)}
        </span>
      )}
      <Menu
        trigger={
          <IconButton label={`More about ${entry.name}`}>
            <MoreIcon />
          </IconButton>
        }
        entries={[
          { label: 'Show on the graph', onSelect: () => editRecipe(entry.recipe) },
          ...(isIdentity(entry.recipe)
            ? []
            : [
                {
                  label: 'Before and after',
                  note: 'both graphs, shapes that changed, costs',
                  onSelect: () => compareGraphs(entry),
                },
              ]),
          {
            label: 'Try live…',
            note: 'on what a camera or a video shows',
            onSelect: () => {
              editRecipe(entry.recipe);
              openDialog('camera');
            },
          },
          { label: 'Rename', onSelect: () => setNaming(true) },
          {
            label: 'Remove from the list',
            note: 'what was measured stays',
            onSelect: () => remove(entry.id),
          },
        ]}
      />
    </li>
  );
});

function stateText({ state, protocol }: Trial): string {
  switch (state.kind) {
    case 'queued':
      return 'waiting';
    case 'running':
      return `${state.roundsDone}/${protocol.rounds}`;
    case 'done':
      return 'done';
    case 'failed':
      return 'failed';
  }
}
