import type { GraphView } from '../../onnx/graph-view.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { costsByTier, dividedWork, type ExpectedTimes, expectedTimes } from '../predict.ts';
import type { CostProfile } from '../profile/cost-profile.ts';
import type { PredictedOutcome, PredictionBasis } from '../trial.ts';
import { expectedCuts, expectedWork, transferOf } from './expected-work.ts';
import { canHold, DEFAULT_SETUP, type TierPlacement } from './tiers.ts';

/** What is known of a model on this device before a strategy runs. */
export interface Known {
  /** Costs of the model's nodes in the arithmetic that the strategy uses. */
  readonly costs: CostProfile;
  /** What `costs` rest on; null: they are a guess. */
  readonly basis: PredictionBasis | null;
  /** Share of the images that leave at each exit, by index; null: not known. */
  readonly shares: ReadonlyMap<number, number> | null;
}

/** What a strategy is expected to take; or why nothing can be said. */
export type StrategyPrediction =
  | { readonly kind: 'predicted'; readonly times: ExpectedTimes; readonly basis: PredictionBasis }
  | { readonly kind: 'unknown'; readonly reason: string };

/** This device alone, nothing emulated. */
const HERE: TierPlacement = { name: 'mobile', sends: 'encoded-image', setup: DEFAULT_SETUP };

/**
 * Predicts the mean times of a strategy, whatever its exits, skipped blocks and cuts. Pruned weights are zeros that
 * dense kernels multiply all the same, so they change nothing; 8-bit arithmetic needs costs of its own.
 * @param placement null: this device alone
 */
export function predictStrategy(
  view: GraphView,
  recipe: Recipe,
  placement: TierPlacement | null,
  { costs, basis, shares }: Known,
): StrategyPrediction {
  const { name, setup, sends } = placement ?? HERE;
  if (basis === null) {
    return unknown(
      arithmeticOf(recipe) === ''
        ? 'nothing was measured of this model here yet: profile it first'
        : '8-bit arithmetic takes other times than floats, and nothing was measured of it here yet: profile it first',
    );
  }
  const work = expectedWork(view, recipe);
  const { cuts, problem } = expectedCuts(work, recipe);
  if (problem !== null) return unknown(problem);
  if (!canHold(name, cuts.length + 1)) return unknown(`${name} does not fit ${cuts.length + 1} parts`);
  if (work.stops.length > 0 && shares === null) {
    return unknown(
      'how many images leave at each exit is not known: run all exits under Thresholds, or measure it once on this device alone',
    );
  }
  const transfer = transferOf(recipe);
  const divided = dividedWork(work, cuts, { transfer, shares: shares ?? new Map() });
  const { imageBytes } = costs;
  const times = expectedTimes(divided, costsByTier(costs, setup), name, { setup, sends, imageBytes });
  if (times === null) return unknown('the size of what crosses is not known');
  return { kind: 'predicted', times, basis };
}

/** A prediction as a trial keeps it; undefined where nothing can be said. */
export function outcomeOf(prediction: StrategyPrediction): PredictedOutcome | undefined {
  if (prediction.kind === 'unknown') return undefined;
  const { times, basis } = prediction;
  return {
    accuracyTop1: null,
    agreement: null,
    latencyMeanMs: times.latencyMs,
    totalMeanMs: times.totalMs,
    basis,
  };
}

/** Which costs a recipe needs: the arithmetic of its kernels, as text. Empty: the model's own. */
export function arithmeticOf(recipe: Recipe): string {
  const quantize = normaliseRecipe(recipe).find(({ op }) => op === 'quantize');
  return quantize === undefined ? '' : JSON.stringify(quantize);
}

function unknown(reason: string): StrategyPrediction {
  return { kind: 'unknown', reason };
}
