import { useMemo } from 'react';
import { formatCount } from '../base/units.ts';
import { useLab } from '../store/lab.ts';
import { recipeOnShow } from '../store/selectors.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { variantCost } from '../transforms/kept-nodes.ts';
import { placementOf } from '../transforms/placement.ts';

/**
 * What the recipe on the canvas leaves of the model: `this variant: 1.78 M of 15.9 M MACs`.
 * @returns null where it leaves everything and always runs all of it
 */
export function useVariantNumbers(
  view: GraphView | undefined,
): { readonly macs: string; readonly params: string } | null {
  const recipe = useLab(recipeOnShow);
  return useMemo(() => {
    if (!view) return null;
    const { totals } = view;
    const { macs, leastMacs, params } = variantCost(view, placementOf(recipe, view));
    if (leastMacs === totals.macs && params === totals.params) return null;
    const range = leastMacs < macs ? `${formatCount(leastMacs)} to ${formatCount(macs)}` : formatCount(macs);
    return {
      macs: `this variant: ${range} of ${formatCount(totals.macs)} MACs`,
      params: `${formatCount(params)} of ${formatCount(totals.params)} parameters`,
    };
  }, [view, recipe]);
}
