import type { NamedRecipe } from '../../transforms/recipe.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { freeName } from '../../transforms/recipe-name.ts';
import type { TierPlacement } from '../placement/tiers.ts';
import type { LeftOut } from '../strategy-sets.ts';
import type { StudiedModel } from '../trial.ts';
import { cellsOf, type DesignRecipe, modelTitle, partsOf, type StudyDesign } from './design.ts';
import type { PresetModel, StudyPreset } from './preset.ts';

/** What a plan is made for. */
export interface DesignSubject {
  /** Those that are here. */
  readonly models: readonly (PresetModel & { readonly model: StudiedModel })[];
  readonly dataset: StudyDesign['dataset'];
  /** How many images are open. */
  readonly images: number;
  /** The tiers and links that placements are emulated with. */
  readonly tiers: Pick<TierPlacement, 'sends' | 'setup'>;
}

export interface PresetDesign {
  readonly design: StudyDesign;
  /** What belongs to the study and models cannot give; `model` says which. */
  readonly leftOut: readonly (LeftOut & { readonly model: StudiedModel })[];
}

/** A preset for these models and images: a plan that can be changed from there. */
export function designFromPreset(preset: StudyPreset, subject: DesignSubject): PresetDesign {
  const { models, dataset, images, tiers } = subject;
  const given = models.map((each) => ({ ...preset.recipesFor(each), model: each.model }));
  const design: StudyDesign = {
    format: 'paretoscope-plan',
    formatVersion: 1,
    name: preset.title,
    preset: preset.id,
    models: models.map(({ model }) => model),
    dataset,
    recipes: mergedRecipes(given),
    placements: preset.placements.map((name) => (name === null ? null : { name, ...tiers })),
    providers: ['auto'],
    threads: ['auto'],
    inputSizes: [null],
    excluded: [],
    order: 'as-listed',
    budgetMs: null,
    protocol: preset.protocol(images),
  };
  const { isPlaced } = preset;
  const excluded = isPlaced
    ? cellsOf(design)
        .filter(({ recipe, placement }) => !isPlaced(partsOf(recipe.recipe), placement?.name ?? null))
        .map(({ key }) => key)
    : [];
  return {
    design: { ...design, excluded },
    leftOut: given.flatMap(({ leftOut, model }) => leftOut.map((each) => ({ ...each, model }))),
  };
}

/**
 * The recipes of several models as one list: those that are the same once, for all that have them; of the same name
 * and different otherwise under the model's name.
 */
export function mergedRecipes(
  given: readonly { readonly model: StudiedModel; readonly recipes: readonly NamedRecipe[] }[],
): readonly DesignRecipe[] {
  const merged = new Map<string, { named: NamedRecipe; models: StudiedModel[] }>();
  for (const { model, recipes } of given) {
    for (const named of recipes) {
      const key = JSON.stringify([named.name, normaliseRecipe(named.recipe)]);
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { named, models: [model] });
      else if (!known.models.includes(model)) known.models.push(model);
    }
  }
  const names = new Set<string>();
  return [...merged.values()].map(({ named, models }): DesignRecipe => {
    const isForAll = models.length === given.length;
    const wanted =
      names.has(named.name) && models[0] ? `${named.name} of ${modelTitle(models[0])}` : named.name;
    const name = freeName(wanted, names);
    names.add(name);
    return { ...named, name, ...(!isForAll && { modelIds: models.map(({ modelId }) => modelId) }) };
  });
}
