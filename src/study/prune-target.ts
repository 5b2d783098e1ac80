import { isAboutChannels, untilChannelsGo } from '../transforms/order-of-effect.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { PrunePlan } from './prune-plan.ts';

/** What a model may cost at most, as a share of what it costs whole. */
export interface PruneTarget {
  /** `bytes`: of the weights. */
  readonly kind: 'macs' | 'params' | 'bytes' | 'latency';
  readonly share: number;
}

/** What is limited, in words. */
export const TARGET_NAMES: Readonly<Record<PruneTarget['kind'], string>> = {
  macs: 'MACs',
  params: 'parameters',
  bytes: 'size of the weights',
  latency: 'measured latency',
};

/** What a strategy with a plan's ratios is called. */
export function planName({ kind, share }: PruneTarget): string {
  return `channels for ${Math.round(100 * share)} % of the ${TARGET_NAMES[kind]}`;
}

/** What must be known of images before channels can be ranked, told by a recipe that needs no more. */
export function recipeToRank(recipe: Recipe): Recipe {
  const { before, operator } = untilChannelsGo(recipe);
  if (operator === null) return before;
  const { recalibrate: _none, ...ranking } = operator;
  return [...before, { ...ranking, ratio: 0.5 }];
}

/** The recipe with a plan's ratios. */
export function recipeOfPlan(recipe: Recipe, { operator }: Pick<PrunePlan, 'operator'>): Recipe {
  const at = recipe.findIndex(isAboutChannels);
  return at < 0 ? [...recipe, operator] : recipe.with(at, operator);
}
