import type { GraphView } from '../onnx/graph-view.ts';
import { ProfileButton } from '../panels/placement/ProfileButton.tsx';
import { PassOffer } from '../panels/thresholds/PassOffer.tsx';
import { Button } from '../panels/ui/controls.tsx';
import { useLab } from '../store/lab.ts';
import { expectedWork } from '../study/placement/expected-work.ts';
import { DEFAULT_EXIT_THRESHOLD, withDynamicExits } from '../transforms/placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import styles from './ColourHelp.module.css';

/** Why there are no times of nodes to colour the graph by, and what gets them. */
export function TimesHelp({ view }: { readonly view: GraphView }) {
  return (
    <div className={styles.help}>
      <p>No node was measured on this device yet.</p>
      <ProfileButton view={view} />
    </div>
  );
}

/** Why there are no shares of images to colour the graph by, and what gets them. */
export function ReachHelp({ view, recipe }: { readonly view: GraphView; readonly recipe: Recipe }) {
  const editRecipe = useLab((lab) => lab.editRecipe);
  const isUntrained = useLab((lab) => lab.recipeProblem?.code === 'exit-not-trained');
  const isRunnable = useLab((lab) => lab.data !== null && lab.preprocessing !== null);
  if (expectedWork(view, recipe).stops.length === 0) {
    const exits = view.exits.map(({ index }) => index);
    return (
      <div className={styles.help}>
        <p>
          All images run through all of the model: no exit lets any of them leave early.
          {exits.length < 2 && ' Put a new exit on the graph and train it.'}
        </p>
        {exits.length > 1 && (
          <Button onClick={() => editRecipe(withDynamicExits(recipe, exits, DEFAULT_EXIT_THRESHOLD))}>
            Let images leave early
          </Button>
        )}
      </div>
    );
  }
  if (isUntrained || !isRunnable) {
    return (
      <div className={styles.help}>
        <p>
          {isUntrained
            ? 'The exits are not trained yet: the button on their card in the recipe does it.'
            : 'How many images leave at each exit is not known without images that fit the model.'}
        </p>
      </div>
    );
  }
  return (
    <div className={styles.help}>
      <PassOffer>
        How many images leave at each exit is not known yet: one pass over the images tells.
      </PassOffer>
    </div>
  );
}
