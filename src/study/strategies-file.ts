import { parseRecipeFile } from '../transforms/parse-recipe.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import { readGivenPlacement } from './placement/read-placement.ts';
import type { TierPlacement } from './placement/tiers.ts';

/** A recipe to measure, and which tiers run it. */
export interface GivenStrategy extends NamedRecipe {
  /** Null: this device alone. */
  readonly placement: TierPlacement | null;
}

/**
 * The strategies of a recipes file: as `parseRecipeFile`, where a `{ name, recipe }` may also have a `placement`.
 * @throws InputError as `parseRecipeFile` and `readGivenPlacement`
 */
export function parseStrategies(json: unknown): readonly GivenStrategy[] {
  const isList = Array.isArray(json);
  const entries: readonly unknown[] = isList ? json : [json];
  const split = entries.map((entry) => {
    if (typeof entry !== 'object' || entry === null || !('placement' in entry) || !('recipe' in entry))
      return { entry, placement: undefined };
    const { placement, ...rest } = entry;
    return { entry: rest, placement };
  });
  const recipes = parseRecipeFile(isList ? split.map(({ entry }) => entry) : split[0]?.entry);
  return recipes.map((named, index) => {
    const given = split[index]?.placement;
    if (given === undefined || given === null) return { ...named, placement: null };
    const placement = readGivenPlacement(given, isList ? `recipes[${index}].placement` : 'recipe.placement');
    const entry = split[index]?.entry as { readonly name?: unknown };
    return {
      ...named,
      name: entry.name === undefined ? placedName(named.name, placement.name) : named.name,
      placement,
    };
  });
}

/** Strategies as a file that `parseStrategies` reads. */
export function strategiesText(strategies: readonly GivenStrategy[]): string {
  const entries = strategies.map(({ name, recipe, placement }) => ({
    name,
    recipe,
    ...(placement && { placement }),
  }));
  return `${JSON.stringify(entries, null, 2)}\n`;
}

/** What a recipe is called on a placement. */
export function placedName(name: string, placement: string): string {
  const suffix = ` @ ${placement}`;
  return name.endsWith(suffix) ? name : name + suffix;
}
