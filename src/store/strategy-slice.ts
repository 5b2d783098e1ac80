import { attempt } from '../base/result.ts';
import { defaultRecipes } from '../study/default-strategies.ts';
import type { PlacementName } from '../study/placement/tiers.ts';
import { normaliseRecipe, parseRecipeFile, recipeLabel } from '../transforms/parse-recipe.ts';
import { recipeName } from '../transforms/recipe-name.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';
import { sameRecipe } from './recipe-slice.ts';
import type { Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

/** A saved recipe, and whether the next study measures it. */
export interface ListedRecipe extends NamedRecipe {
  readonly id: number;
  readonly chosen: boolean;
  /** Which tiers run it, emulated; left out: this device alone. */
  readonly placement?: PlacementName;
}

/** What was made for a model, kept while another is open. */
export interface Shelf {
  readonly recipe: Recipe;
  readonly listed: readonly ListedRecipe[];
}

/** Models whose recipes are remembered; the one left longest ago is forgotten first. */
const mostShelves = 50;

export interface StrategySlice {
  readonly listed: readonly ListedRecipe[];
  /** By model id. */
  readonly shelves: ReadonlyMap<string, Shelf>;
  /** Puts the open model's recipes aside. */
  readonly shelve: () => void;
  /** Brings back what was made for the open model, or lists the defaults if nothing was. */
  readonly unshelve: () => void;
  /** Replaces the list by a sensible first set for the open model. */
  readonly listDefaults: () => Promise<void>;
  /** Adds a recipe, chosen for the next study; one that is listed already is chosen instead. */
  readonly listRecipe: (recipe: Recipe, name?: string, placement?: PlacementName) => void;
  readonly importRecipes: (text: string) => Promise<void>;
  readonly chooseListed: (id: number, chosen: boolean) => void;
  readonly chooseAllListed: (chosen: boolean) => void;
  readonly renameListed: (id: number, name: string) => void;
  readonly removeListed: (id: number) => void;
}

export const createStrategySlice: Slice<StrategySlice> = (set, get) => {
  const update = (id: number, change: Partial<ListedRecipe>) =>
    set(({ listed }) => ({
      listed: listed.map((entry) => (entry.id === id ? { ...entry, ...change } : entry)),
    }));
  return {
    listed: [],
    shelves: new Map(),
    shelve: () =>
      set(({ model, listed, recipes, shelves }) => {
        if (!model) return {};
        const { modelId } = model.view;
        const others = [...shelves].filter(([id]) => id !== modelId).slice(1 - mostShelves);
        return { shelves: new Map([...others, [modelId, { recipe: recipes.present, listed }]]) };
      }),
    unshelve: () => {
      const shelf = get().shelves.get(get().model?.view.modelId ?? '');
      get().resetRecipe(shelf?.recipe ?? []);
      if (shelf && shelf.listed.length > 0) set({ listed: shelf.listed });
      else void get().listDefaults();
    },
    listDefaults: async () => {
      const view = get().model?.view;
      const worker = modelWorker();
      if (!view) return set({ listed: [] });
      const recipes = defaultRecipes(view);
      const defaults = recipes.map(({ recipe }, id) => ({
        name: recipeName(recipe, view),
        recipe,
        id,
        chosen: true,
      }));
      set({ listed: defaults });
      // Not every model takes every recipe; those that this one refuses are not offered.
      if (worker === null) return;
      const checks = await Promise.all(defaults.map(({ recipe }) => worker.check(recipe)));
      const refused = new Set(
        defaults.filter((_, position) => checks[position]?.ok === false).map(({ id }) => id),
      );
      if (worker === modelWorker() && refused.size > 0)
        set(({ listed }) => ({ listed: listed.filter(({ id }) => !refused.has(id)) }));
    },
    listRecipe: (given, givenName, placement) =>
      set(({ listed, model }) => {
        const recipe = normaliseRecipe(given);
        const shortName = givenName ?? (model ? recipeName(recipe, model.view) : recipeLabel(recipe));
        const name = placement ? `${shortName} @ ${placement}` : shortName;
        const known = listed.find(
          (entry) => entry.placement === placement && sameRecipe(normaliseRecipe(entry.recipe), recipe),
        );
        if (known) return { listed: listed.map((e) => (e === known ? { ...e, chosen: true } : e)) };
        const id = 1 + Math.max(0, ...listed.map((entry) => entry.id));
        return {
          listed: [...listed, { id, name, recipe, chosen: true, ...(placement && { placement }) }],
        };
      }),
    importRecipes: async (text) => {
      const parsed = await attempt(() => parseRecipeFile(JSON.parse(text)));
      if (!parsed.ok) return get().reportFailure('The recipes could not be read', parsed.failure);
      for (const { name, recipe } of parsed.value) get().listRecipe(recipe, name);
      get().tell(`${parsed.value.length === 1 ? 'One recipe' : `${parsed.value.length} recipes`} added`);
    },
    chooseListed: (id, chosen) => update(id, { chosen }),
    chooseAllListed: (chosen) => set(({ listed }) => ({ listed: listed.map((e) => ({ ...e, chosen })) })),
    renameListed: (id, name) => name.trim() !== '' && update(id, { name: name.trim() }),
    removeListed: (id) => set(({ listed }) => ({ listed: listed.filter((entry) => entry.id !== id) })),
  };
};
