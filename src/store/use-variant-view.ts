import { useEffect, useState } from 'react';
import type { Result } from '../base/result.ts';
import type { VariantView } from '../protocol/model-api.ts';
import { useLab } from './lab.ts';
import { modelWorker } from './workers.ts';
import type { Recipe } from '../transforms/recipe.ts';

/**
 * The graph that a recipe makes of the open model.
 * @param fileIndex which of the variant's files; null: none is asked for
 * @returns null as long as it is not there; why the recipe cannot be applied is reported, too
 */
export function useVariantView(recipe: Recipe, fileIndex: number | null): Result<VariantView> | null {
  const [made, setMade] = useState<{
    recipe: Recipe;
    fileIndex: number;
    variant: Result<VariantView>;
  } | null>(null);
  useEffect(() => {
    const worker = modelWorker();
    if (fileIndex === null || recipe.length === 0 || worker === null) return;
    let isWanted = true;
    const make = async () => {
      const calibrated = await useLab.getState().calibrateFor(recipe);
      return calibrated.ok ? worker.view(recipe, fileIndex) : calibrated;
    };
    void make().then((result) => {
      if (!isWanted) return;
      setMade({ recipe, fileIndex, variant: result });
      if (!result.ok) useLab.getState().reportFailure('This variant cannot be shown', result.failure);
    });
    return () => {
      isWanted = false;
    };
  }, [recipe, fileIndex]);
  return made?.recipe === recipe && made.fileIndex === fileIndex ? made.variant : null;
}
