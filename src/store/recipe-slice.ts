import type { Failure } from '../base/result.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { type History, recordChange, redoChange, startHistory, undoChange } from './history.ts';
import type { Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

export interface RecipeSlice {
  /** The recipe on the canvas, with its undo and redo steps. Empty: the model as it is. */
  readonly recipes: History<Recipe>;
  /** Why the recipe cannot be applied to the model, as far as that was checked. */
  readonly recipeProblem: Failure | null;
  /** One user action, one undo step. */
  readonly editRecipe: (next: Recipe) => void;
  /** Starts over with another model: nothing to undo. */
  readonly resetRecipe: (recipe: Recipe) => void;
  /** Checks again: what the recipe needs may have come. */
  readonly recheckRecipe: () => void;
  readonly undo: () => void;
  readonly redo: () => void;
}

/** Recipes are plain JSON; two are the same if they read the same. */
export function sameRecipe(a: Recipe, b: Recipe): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** On the canvas the unchanged model is an empty recipe. */
function onCanvas(recipe: Recipe): Recipe {
  return recipe.filter(({ op }) => op !== 'identity');
}

export const createRecipeSlice: Slice<RecipeSlice> = (set, get) => {
  /** Asks the model worker whether the present recipe makes sense; late answers for older recipes are dropped. */
  const check = async () => {
    const recipe = get().recipes.present;
    const worker = modelWorker();
    if (worker === null || recipe.length === 0) return set({ recipeProblem: null });
    const result = await worker.check(recipe);
    if (get().recipes.present === recipe) set({ recipeProblem: result.ok ? null : result.failure });
  };
  const step = (change: (history: History<Recipe>) => History<Recipe>) => {
    const before = get().recipes;
    const recipes = change(before);
    if (recipes === before) return;
    set({ recipes, selectedTrialId: null });
    void check();
  };
  return {
    recipes: startHistory<Recipe>([]),
    recipeProblem: null,
    editRecipe: (next) => step((history) => recordChange(history, onCanvas(next), sameRecipe)),
    resetRecipe: (recipe) => step(() => startHistory(onCanvas(recipe))),
    recheckRecipe: () => void check(),
    undo: () => step(undoChange),
    redo: () => step(redoChange),
  };
};
