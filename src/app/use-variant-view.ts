import { useEffect, useState } from 'react';
import type { VariantView } from '../protocol/model-api.ts';
import { useLab } from '../store/lab.ts';
import { modelWorker } from '../store/workers.ts';
import type { Recipe } from '../transforms/recipe.ts';

/**
 * The graph that a recipe makes of the open model.
 * @param fileIndex which of the variant's files; null: none is asked for
 * @returns null as long as it is not there, and if the recipe cannot be applied, which is reported
 */
export function useVariantView(recipe: Recipe, fileIndex: number | null): VariantView | null {
  const [made, setMade] = useState<{ recipe: Recipe; fileIndex: number; variant: VariantView } | null>(null);
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
      if (result.ok) setMade({ recipe, fileIndex, variant: result.value });
      else useLab.getState().reportFailure('This variant cannot be shown', result.failure);
    });
    return () => {
      isWanted = false;
    };
  }, [recipe, fileIndex]);
  return made?.recipe === recipe && made.fileIndex === fileIndex ? made.variant : null;
}
