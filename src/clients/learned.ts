import { ok, type Result } from '../base/result.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { CalibrationProgress } from './calibrate.ts';

/** Learns on images what recipes need and is not known yet. */
export interface Learner<T> {
  /**
   * Sees to it that a recipe's variant can be built with this model.
   * @returns how long learning what it needs took, now or earlier; null if it needs nothing
   */
  readonly prepare: (
    model: ModelApi,
    recipe: Recipe,
    onProgress: (progress: CalibrationProgress) => void,
    signal: AbortSignal,
  ) => Promise<Result<number | null>>;
  readonly all: () => readonly T[];
}

/** What was learned, by key, and the models that know all of it. */
export interface Learned<T> {
  readonly known: ReadonlyMap<string, T>;
  /** Tells a model all that it does not know. */
  readonly tell: (model: ModelApi) => Promise<Result<null>>;
  readonly add: (key: string, found: T) => void;
}

/** @param give tells a model all of it, in place of what it was told before */
export function createLearned<T>(
  known: ReadonlyMap<string, T>,
  give: (model: ModelApi, all: readonly T[]) => Promise<Result<null>>,
): Learned<T> {
  const kept = new Map(known);
  let told = new WeakSet<ModelApi>();
  return {
    known: kept,
    tell: async (model) => {
      if (told.has(model)) return ok(null);
      const outcome = await give(model, [...kept.values()]);
      if (outcome.ok) told.add(model);
      return outcome;
    },
    add: (key, found) => {
      kept.set(key, found);
      told = new WeakSet();
    },
  };
}
