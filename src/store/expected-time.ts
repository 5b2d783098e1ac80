import type { GraphView } from '../onnx/graph-view.ts';
import { workLeft } from '../study/work-left.ts';
import { removesChannels } from '../transforms/order-of-effect.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { knownCosts, predictionOf, wholeTimes } from './known-costs.ts';
import type { Lab } from './slice.ts';

/**
 * What an inference of a variant is expected to take here: what its exits, skipped blocks and arithmetic come to, and
 * of that the share that channels which went leave.
 * @param after the graph of the variant's first file
 * @returns null where nothing of the kind was measured yet
 */
export function expectedTimeOf(
  lab: Lab,
  view: GraphView,
  recipe: Recipe,
  after: GraphView,
): { readonly ms: number; readonly isMeasured: false } | null {
  const prediction = predictionOf(lab, view, { recipe });
  if (prediction.kind === 'unknown') return null;
  const whole = wholeTimes(view, recipe, lab, lab.trials);
  const { nodeMs } = knownCosts(view, recipe, lab, whole).costs;
  const left = recipe.some(removesChannels) ? workLeft(view, after, nodeMs) : 1;
  return { ms: prediction.times.latencyMs * left, isMeasured: false };
}
