import { type Failure, toFailure } from '../../base/result.ts';
import { parseRecipe } from '../../transforms/parse-recipe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { Button } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { useDraft } from '../ui/use-draft.ts';
import panel from '../panel.module.css';
import styles from './RecipePanel.module.css';

/** The recipe as JSON, editable; what is wrong is said while typing, and only a valid text can be applied. */
export function RecipeText({
  recipe,
  onRecipe,
}: {
  readonly recipe: Recipe;
  readonly onRecipe: (next: Recipe) => void;
}) {
  const [text, setText] = useDraft(recipeText(recipe));
  const parsed = parseText(text);
  const remedy =
    'failure' in parsed && parsed.failure.remedy ? parseRecipe(parsed.failure.remedy.recipe) : null;
  return (
    <div className={panel.stack}>
      <textarea
        className={styles.text}
        aria-label="Recipe as JSON"
        spellCheck={false}
        autoCapitalize="off"
        autoCorrect="off"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {'failure' in parsed && (
        <>
          <Problem failure={parsed.failure} />
          {remedy && (
            <Button
              onClick={() => {
                onRecipe(remedy);
                // What was right before the text was edited is no change of the recipe.
                setText(recipeText(remedy));
              }}
            >
              {parsed.failure.remedy?.label}
            </Button>
          )}
        </>
      )}
      {text !== recipeText(recipe) && (
        <div className={panel.buttons}>
          <Button
            look="primary"
            disabled={'failure' in parsed}
            onClick={() => 'recipe' in parsed && onRecipe(parsed.recipe)}
          >
            Apply
          </Button>
          <Button onClick={() => setText(recipeText(recipe))}>Discard</Button>
        </div>
      )}
    </div>
  );
}

/** A recipe as people edit it: an operator on each line. */
export function recipeText(recipe: Recipe): string {
  return recipe.length === 0 ? '[]' : `[\n${recipe.map((op) => `  ${JSON.stringify(op)}`).join(',\n')}\n]`;
}

function parseText(text: string): { readonly recipe: Recipe } | { readonly failure: Failure } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { failure: { code: 'bad-json', message: `not valid JSON: ${toFailure(error).message}` } };
  }
  try {
    return { recipe: Array.isArray(json) && json.length === 0 ? [] : parseRecipe(json) };
  } catch (error) {
    return { failure: toFailure(error) };
  }
}
