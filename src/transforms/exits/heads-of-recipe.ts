import type { Recipe } from '../recipe.ts';
import { backboneKey, backboneOf } from './backbone.ts';
import { DEFAULT_HEAD_SEED, type TrainedHead } from './trained-head.ts';
import { trainedExitsOf } from './trained-placement.ts';

/** The heads trained for what a recipe makes of the model, by value. */
export function headsFor(recipe: Recipe, heads: Iterable<TrainedHead>): ReadonlyMap<string, TrainedHead> {
  const { seed = DEFAULT_HEAD_SEED } = trainedExitsOf(recipe) ?? {};
  const backbone = backboneKey(recipe);
  const own = [...heads].filter((head) => head.seed === seed && (head.backbone ?? '') === backbone);
  return new Map(own.map((head) => [head.value, head]));
}

/** Exits that are trained in one go. */
export interface HeadsToTrain {
  readonly values: readonly string[];
  readonly seed: number;
  readonly backbone: Recipe;
}

/** The exits of a recipe that no head was trained for; null: none. */
export function headsToTrain(recipe: Recipe, heads: Iterable<TrainedHead>): HeadsToTrain | null {
  const { at = [], seed = DEFAULT_HEAD_SEED } = trainedExitsOf(recipe) ?? {};
  const own = headsFor(recipe, heads);
  const values = [...new Set(at)].filter((value) => !own.has(value));
  return values.length === 0 ? null : { values, seed, backbone: backboneOf(recipe) };
}
