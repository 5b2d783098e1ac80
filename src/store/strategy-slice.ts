import { attempt, type Failure } from '../base/result.ts';
import { saveTrial } from '../persist/studies.ts';
import { defaultRecipes } from '../study/default-strategies.ts';
import type { PlacementName } from '../study/placement/tiers.ts';
import { parseStrategies, placedName } from '../study/strategies-file.ts';
import { normaliseRecipe, recipeLabel } from '../transforms/parse-recipe.ts';
import { freeName, namedOnModel, recipeName } from '../transforms/recipe-name.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';
import { isTrialOf } from './placement-slice.ts';
import { sameRecipe } from './recipe-slice.ts';
import { pageIsIdle } from './page-is-idle.ts';
import type { Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

/** A saved recipe, and whether the next study measures it. */
export interface ListedRecipe extends NamedRecipe {
  readonly id: number;
  readonly chosen: boolean;
  /** Which tiers run it, emulated; left out: this device alone. */
  readonly placement?: PlacementName;
}

/** A recipe to be listed; called by what it does where no name is given. */
export interface GivenRecipe {
  readonly recipe: Recipe;
  readonly name?: string;
  readonly placement?: PlacementName;
}

/** What was made for a model, kept while another is open. */
export interface Shelf {
  readonly recipe: Recipe;
  readonly listed: readonly ListedRecipe[];
  /** For people; left out by earlier versions of the lab. */
  readonly modelName?: string;
}

/** Models whose recipes are remembered; the one left longest ago is forgotten first. */
const mostShelves = 50;

/** Undo steps of the list. */
const mostSteps = 50;

export interface StrategySlice {
  readonly listed: readonly ListedRecipe[];
  /** The list before each change that can be undone, the latest last. */
  readonly listedBefore: readonly (readonly ListedRecipe[])[];
  /** By model id. */
  readonly shelves: ReadonlyMap<string, Shelf>;
  /** Puts the open model's recipes aside. */
  readonly shelve: () => void;
  /** Brings back what was made for the open model, or lists the defaults if nothing was. */
  readonly unshelve: () => void;
  /** Forgets what was made for a model that is not open. */
  readonly forgetShelf: (modelId: string) => void;
  /** Replaces the list by a sensible first set for the open model. */
  readonly listDefaults: () => Promise<void>;
  /** Adds a recipe, chosen for the next study; one that is listed already is chosen instead. */
  readonly listRecipe: (recipe: Recipe, name?: string, placement?: PlacementName) => void;
  /** The same with several at once: one step to undo. A name given to a recipe that only had its own is taken over. */
  readonly listRecipes: (given: readonly GivenRecipe[]) => void;
  /** Takes back the last change of the list. */
  readonly undoListed: () => void;
  readonly importRecipes: (text: string) => Promise<void>;
  /** Lists what was made for another model, as far as it suits the open one; what does not is told. */
  readonly applyShelf: (modelId: string) => Promise<void>;
  readonly chooseListed: (id: number, chosen: boolean) => void;
  readonly chooseAllListed: (chosen: boolean) => void;
  /** Gives a strategy, and what was measured of it, another name; a number is added where the name is taken. */
  readonly renameListed: (id: number, name: string) => void;
  readonly removeListed: (id: number) => void;
}

export const createStrategySlice: Slice<StrategySlice> = (set, get, store) => {
  const update = (id: number, change: Partial<ListedRecipe>) =>
    set(({ listed }) => ({
      listed: listed.map((entry) => (entry.id === id ? { ...entry, ...change } : entry)),
    }));
  /** One user action, one undo step. */
  const replaceList = (next: readonly ListedRecipe[]) =>
    set(({ listed, listedBefore }) => ({
      listed: next,
      listedBefore: [...listedBefore, listed].slice(-mostSteps),
    }));
  const ownName = (recipe: Recipe): string => {
    const { model } = get();
    return model ? recipeName(recipe, model.view) : recipeLabel(recipe);
  };
  /** The list with one more recipe, or with the equal one that was there chosen. */
  const withRecipe = (listed: readonly ListedRecipe[], given: GivenRecipe): readonly ListedRecipe[] => {
    const { placement } = given;
    const recipe = normaliseRecipe(given.recipe);
    const nameAt = (name: string) => (placement ? placedName(name, placement) : name);
    const name = nameAt(given.name ?? ownName(recipe));
    const known = listed.find(
      (entry) => entry.placement === placement && sameRecipe(normaliseRecipe(entry.recipe), recipe),
    );
    const taken = new Set(listed.flatMap((entry) => (entry === known ? [] : [entry.name])));
    if (known) {
      const isMeasured = get().trials.some((trial) => isTrialOf(trial, known, get()));
      const isUnnamed = known.name === nameAt(ownName(recipe)) && !isMeasured;
      const changed = { ...known, chosen: true, name: isUnnamed ? freeName(name, taken) : known.name };
      return listed.map((entry) => (entry === known ? changed : entry));
    }
    const id = 1 + Math.max(0, ...listed.map((entry) => entry.id));
    const added = { id, name: freeName(name, taken), recipe, chosen: true };
    return [...listed, placement ? { ...added, placement } : added];
  };
  /** Lists what suits the open model and tells what does not. */
  const listFitting = async (given: readonly GivenRecipe[]) => {
    const { fits, misfits } = await sortByFit(given);
    if (fits.length > 0) {
      get().listRecipes(fits);
      get().tell(`${fits.length === 1 ? 'One recipe' : `${fits.length} recipes`} added`);
    }
    if (misfits.length === 0) return;
    const title = `${misfits.length === 1 ? 'One recipe does' : `${misfits.length} recipes do`} not suit ${get().model?.name ?? 'the model'}`;
    get().reportFailure(title, {
      code: 'recipes-misfit',
      message: misfits
        .map(({ given: { recipe, name }, failure }) => `${name ?? ownName(recipe)}: ${failure.message}`)
        .join('\n'),
      ...(fits.length > 0 && { hint: 'The others are in the list.' }),
    });
  };
  return {
    listed: [],
    listedBefore: [],
    shelves: new Map(),
    shelve: () =>
      set(({ model, listed, recipes, shelves }) => {
        if (!model) return {};
        const { modelId } = model.view;
        const others = [...shelves].filter(([id]) => id !== modelId).slice(1 - mostShelves);
        const shelf = { recipe: recipes.present, listed, modelName: model.name };
        return { shelves: new Map([...others, [modelId, shelf]]) };
      }),
    unshelve: () => {
      const shelf = get().shelves.get(get().model?.view.modelId ?? '');
      get().resetRecipe(shelf?.recipe ?? []);
      set({ listedBefore: [] });
      if (shelf && shelf.listed.length > 0) set({ listed: shelf.listed });
      else void get().listDefaults();
    },
    forgetShelf: (modelId) =>
      set(({ shelves }) => ({ shelves: new Map([...shelves].filter(([id]) => id !== modelId)) })),
    listDefaults: async () => {
      const view = get().model?.view;
      const worker = modelWorker();
      if (!view) return set({ listed: [] });
      const defaults = defaultRecipes(view).map(({ name, recipe }, id) => ({
        name,
        recipe: normaliseRecipe(recipe),
        id,
        chosen: true,
      }));
      set({ listed: defaults });
      // Not every model takes every recipe; those that this one refuses are not offered.
      if (worker === null) return;
      // The graph first: checking brings the script that changes models.
      await started(store);
      const checks = await Promise.all(defaults.map(({ recipe }) => worker.check(recipe)));
      const refused = new Set(
        defaults.filter((_, position) => checks[position]?.ok === false).map(({ id }) => id),
      );
      if (worker === modelWorker() && refused.size > 0)
        set(({ listed }) => ({ listed: listed.filter(({ id }) => !refused.has(id)) }));
    },
    listRecipe: (recipe, name, placement) =>
      get().listRecipes([{ recipe, ...(name !== undefined && { name }), ...(placement && { placement }) }]),
    listRecipes: (given) => replaceList(given.reduce(withRecipe, get().listed)),
    undoListed: () =>
      set(({ listed, listedBefore }) => ({
        listed: listedBefore.at(-1) ?? listed,
        listedBefore: listedBefore.slice(0, -1),
      })),
    importRecipes: async (text) => {
      const parsed = await attempt(() => parseStrategies(JSON.parse(text)));
      if (!parsed.ok) return get().reportFailure('The recipes could not be read', parsed.failure);
      const view = get().model?.view;
      const given = parsed.value.map((each) => ({ ...each, ...(view && namedOnModel(each, view)) }));
      get().adoptSetup(given.flatMap(({ placement }) => placement ?? []));
      await listFitting(
        given.map(({ name, recipe, placement }) => ({
          name,
          recipe,
          ...(placement && { placement: placement.name }),
        })),
      );
    },
    applyShelf: async (modelId) => {
      const shelf = get().shelves.get(modelId);
      if (shelf) await listFitting(shelf.listed);
    },
    chooseListed: (id, chosen) => update(id, { chosen }),
    chooseAllListed: (chosen) => set(({ listed }) => ({ listed: listed.map((e) => ({ ...e, chosen })) })),
    renameListed: (id, wanted) => {
      const { listed, trials, run } = get();
      const entry = listed.find((each) => each.id === id);
      if (!entry || wanted.trim() === '' || wanted.trim() === entry.name) return;
      const taken = new Set(listed.flatMap((each) => (each === entry ? [] : [each.name])));
      const name = freeName(wanted.trim(), taken);
      replaceList(listed.map((each) => (each === entry ? { ...each, name } : each)));
      // A run writes its own trials down; they get the name with the next study.
      if (run) return;
      const renamed = trials.map((trial) =>
        isTrialOf(trial, entry, get()) ? { ...trial, strategy: { ...trial.strategy, name } } : trial,
      );
      set({ trials: renamed });
      for (const [index, trial] of renamed.entries()) if (trial !== trials[index]) void saveTrial(trial);
    },
    removeListed: (id) => replaceList(get().listed.filter((entry) => entry.id !== id)),
  };
};

/** What suits the open model, and why the rest does not. Exits that wait for their training suit it. */
export async function sortByFit<T extends { readonly recipe: Recipe }>(
  given: readonly T[],
): Promise<{
  readonly fits: readonly T[];
  readonly misfits: readonly { readonly given: T; readonly failure: Failure }[];
}> {
  const worker = modelWorker();
  if (worker === null) return { fits: given, misfits: [] };
  const checks = await Promise.all(
    given.map(async (each) => [each, await worker.check(each.recipe)] as const),
  );
  const refused = checks.flatMap(([each, result]) =>
    result.ok || result.failure.code === 'exit-not-trained' ? [] : [{ given: each, failure: result.failure }],
  );
  const misfits = new Set(refused.map((misfit) => misfit.given));
  return { fits: given.filter((each) => !misfits.has(each)), misfits: refused };
}

/** How long the page may take to draw what it starts with. */
const drawingMs = 1000;

/** Resolves when what was open before, or the bundled model, is there and drawn. */
async function started({ getState, subscribe }: Parameters<Slice<StrategySlice>>[2]): Promise<void> {
  if (!getState().isStarting) return;
  await new Promise<void>((resolve) => {
    const stop = subscribe((lab) => {
      if (lab.isStarting) return;
      stop();
      resolve();
    });
  });
  await pageIsIdle(drawingMs);
}
