import { useState } from 'react';
import { type Failure, outcomeOf } from '../../base/result.ts';
import { canScanBlocks } from '../../store/blocks-slice.ts';
import { placementOf } from '../../transforms/placement.ts';
import { recipeName } from '../../transforms/recipe-name.ts';
import { stepOf } from '../../transforms/recipe-sequence.ts';
import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import { Button, IconButton } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { MoreIcon, RedoIcon, UndoIcon } from '../ui/icons.tsx';
import { Menu } from '../ui/Menu.tsx';
import { NeedsImages } from '../ui/NeedsImages.tsx';
import { saveFile } from '../ui/save-file.ts';
import { Section } from '../ui/Section.tsx';
import { OperatorCard } from './OperatorCard.tsx';
import { isOffered, OPERATOR_KINDS } from './operators.ts';
import styles from './RecipePanel.module.css';
import { RecipeText, recipeText } from './RecipeText.tsx';
import { RemedyButton } from './RemedyButton.tsx';

/** Loaded when files are first asked for. */
const saving = () => import('../ui/save-variant.ts');

/** The recipe on the canvas: its steps, as cards and as text, and what can be done with it. */
export function RecipePanel() {
  const model = useLab((lab) => lab.model);
  const recipe = useLab((lab) => lab.recipes.present);
  const problem = useLab((lab) => lab.recipeProblem);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const listRecipe = useLab((lab) => lab.listRecipe);
  const tell = useLab((lab) => lab.tell);
  const [showsText, setShowsText] = useState(false);
  if (!model) return null;
  const { view } = model;
  const { problems } = placementOf(recipe, view);
  return (
    <Section title="Recipe" tools={<HistoryButtons />}>
      {recipe.length === 0 && (
        <p className={panel.dim}>
          The model as it is. Add a step, or drag a cut and exits on the graph: every change is an experiment.
        </p>
      )}
      <ol className={panel.stack} aria-label="Steps of the recipe">
        {recipe.map((operator, index) => (
          <OperatorCard
            // Steps have no identity of their own; one of a kind is the rule.
            key={`${stepOf(operator)} ${recipe.slice(0, index).filter((other) => stepOf(other) === stepOf(operator)).length}`}
            operator={operator}
            index={index}
            recipe={recipe}
            view={view}
            onRecipe={editRecipe}
          />
        ))}
      </ol>
      <AddSteps />
      {problem && <NotYet failure={problem} />}
      {!problem &&
        problems.map((text) => <Problem key={text} failure={{ code: 'placement', message: text }} />)}
      <div className={panel.row}>
        <Button
          look="primary"
          className={styles.grow}
          disabled={problem !== null}
          onClick={() => {
            listRecipe(recipe);
            tell(`${recipeName(recipe, view)} is in the study`);
          }}
        >
          Add to study
        </Button>
        <RecipeMenu showsText={showsText} onShowText={setShowsText} />
      </div>
      {showsText && <RecipeText recipe={recipe} onRecipe={editRecipe} />}
    </Section>
  );
}

/** Why the recipe cannot be measured: the next step, where that is all, else a mistake and what would mend it. */
function NotYet({ failure }: { readonly failure: Failure }) {
  const isSearching = useLab((lab) => lab.blockScanning !== null);
  const canSearch = useLab((lab) => canScanBlocks(lab, lab.recipes.present));
  const search = useLab((lab) => lab.scanBlocks);
  switch (failure.code) {
    case 'exit-not-trained':
      return (
        <>
          <p className={panel.dim} role="status">
            Exits are not trained yet: the button on their card does it, then the recipe can be measured.
          </p>
          <RemedyButton failure={failure} />
        </>
      );
    case 'prune-blocks-open':
      return (
        <>
          <p className={panel.dim} role="status">
            Which blocks matter least is not known yet: images tell, then the recipe can be measured.
          </p>
          {canSearch ? (
            <Button disabled={isSearching} onClick={() => void search()}>
              {isSearching ? 'Looking at blocks…' : 'Find them now'}
            </Button>
          ) : (
            <>
              <NeedsImages />
              <RemedyButton failure={failure} />
            </>
          )}
        </>
      );
    default:
      return (
        <>
          <Problem failure={failure} />
          <RemedyButton failure={failure} />
        </>
      );
  }
}

/** The steps that can be added, each with one press; what does not fit says why. */
function AddSteps() {
  const view = useLab((lab) => lab.model?.view);
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  if (!view) return null;
  const offered = OPERATOR_KINDS.filter((kind) => isOffered(kind, recipe, view));
  return (
    <ul className={styles.adds} aria-label="Steps to add">
      {offered.map((kind) => {
        const refusal = kind.refusal(recipe, view);
        return (
          <li key={kind.op}>
            <button
              type="button"
              className={styles.add}
              disabled={refusal !== null}
              style={{ '--edge': kind.colour } as React.CSSProperties}
              onClick={() => editRecipe(kind.add(recipe, view))}
            >
              <strong>+ {kind.title}</strong>
              <span>{refusal ?? kind.note}</span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

function HistoryButtons() {
  const canUndo = useLab((lab) => lab.recipes.past.length > 0);
  const canRedo = useLab((lab) => lab.recipes.future.length > 0);
  const undo = useLab((lab) => lab.undo);
  const redo = useLab((lab) => lab.redo);
  return (
    <>
      <IconButton label="Undo" disabled={!canUndo} onClick={undo}>
        <UndoIcon />
      </IconButton>
      <IconButton label="Redo" disabled={!canRedo} onClick={redo}>
        <RedoIcon />
      </IconButton>
    </>
  );
}

function RecipeMenu({
  showsText,
  onShowText,
}: {
  readonly showsText: boolean;
  readonly onShowText: (shows: boolean) => void;
}) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const reportFailure = useLab((lab) => lab.reportFailure);
  const [isBuilding, setBuilding] = useState(false);
  const view = useLab((lab) => lab.model?.view);
  const label = view ? recipeName(recipe, view) : 'recipe';

  const save = async () => {
    setBuilding(true);
    const saved = await outcomeOf(async () => (await saving()).saveVariant(recipe, label));
    setBuilding(false);
    if (!saved.ok) reportFailure(`${label} could not be built`, saved.failure);
  };

  return (
    <Menu
      trigger={
        <IconButton
          label={isBuilding ? 'Building the files' : 'More about this recipe'}
          disabled={isBuilding}
        >
          <MoreIcon />
        </IconButton>
      }
      entries={[
        {
          label: "Download the variant's ONNX files",
          note: 'to run anywhere else',
          onSelect: () => void save(),
        },
        {
          label: showsText ? 'Hide the JSON' : 'Edit as JSON',
          note: 'the recipe as text',
          onSelect: () => onShowText(!showsText),
        },
        {
          label: 'Save the recipe as a file',
          note: `${label}.json`,
          onSelect: () => saveFile(`${label}.json`, recipeText(recipe), 'application/json'),
        },
        {
          label: 'Start over',
          note: 'the model as it is; undo brings the recipe back',
          disabled: recipe.length === 0,
          onSelect: () => editRecipe([]),
        },
      ]}
    />
  );
}
