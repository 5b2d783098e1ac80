import { isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { ASSUMED_MACS_PER_MS } from '../study/design/expected-time.ts';
import { knownShares } from '../study/exit-pass.ts';
import { isEmulatedTrial, timedSamples } from '../study/metrics.ts';
import {
  arithmeticOf,
  type Known,
  outcomeOf,
  predictStrategy,
  type StrategyPrediction,
} from '../study/placement/predict-strategy.ts';
import { type CostProfile, costProfileByMacs } from '../study/profile/cost-profile.ts';
import { summarise } from '../study/statistics/summary.ts';
import type { PredictedOutcome, Strategy, Trial } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { profileKey } from './placement-slice.ts';
import type { Lab } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { exitPassOfNow } from './thresholds-slice.ts';

type CostSources = Pick<Lab, 'profiles' | 'settings' | 'environment' | 'data'>;

/** Medians of an inference of the whole model, in milliseconds. */
export type WholeTimes = Pick<CostProfile, 'decodeMs' | 'preprocessMs' | 'postprocessMs'> & {
  readonly computeMs: number;
};

/**
 * Costs of the open model's nodes in a recipe's arithmetic: profiled here, else its measured time shared out by
 * multiply-accumulates, else a guess.
 * @param whole what was measured of the whole model here, see `wholeTimes`
 */
export function knownCosts(
  view: GraphView,
  recipe: Recipe,
  sources: CostSources,
  whole: WholeTimes | null,
): Pick<Known, 'costs' | 'basis'> {
  const { totals } = view;
  const place = placeOf(view, sources);
  const key = place && profileKey(view, place.provider, place.threads, arithmeticOf(recipe));
  const profiled = key === null ? undefined : sources.profiles.get(key);
  if (profiled) return { costs: profiled, basis: profiled.source === 'measured' ? 'nodes' : 'whole-model' };
  const imageBytes = sources.data?.dataset.items[0]?.length ?? 0;
  if (whole === null) {
    return { costs: costProfileByMacs(view, totals.macs / ASSUMED_MACS_PER_MS, imageBytes), basis: null };
  }
  const { computeMs, ...around } = whole;
  return { costs: { ...costProfileByMacs(view, computeMs, imageBytes), ...around }, basis: 'whole-model' };
}

/** What the whole model takes on this device in a recipe's arithmetic, once that is measured to the end; else null. */
export function wholeTimes(
  view: GraphView,
  recipe: Recipe,
  sources: Pick<CostSources, 'settings' | 'environment'>,
  trials: readonly Trial[],
): WholeTimes | null {
  const place = placeOf(view, sources);
  const whole = trials.find(
    (trial) =>
      trial.state.kind === 'done' &&
      !isEmulatedTrial(trial) &&
      trial.strategy.modelId === view.modelId &&
      isCountedAt(view, trial.preprocessing) &&
      trial.strategy.provider === place?.provider &&
      trial.strategy.threads === place.threads &&
      trial.strategy.recipe.every(({ op }) => op === 'identity' || op === 'quantize') &&
      arithmeticOf(trial.strategy.recipe) === arithmeticOf(recipe),
  );
  if (!whole) return null;
  const median = (step: 'decodeMs' | 'preprocessMs' | 'computeMs' | 'postprocessMs'): number =>
    summarise(timedSamples(whole).map((sample) => sample[step]))?.median ?? 0;
  return {
    decodeMs: median('decodeMs'),
    preprocessMs: median('preprocessMs'),
    computeMs: median('computeMs'),
    postprocessMs: median('postprocessMs'),
  };
}

function placeOf(
  { totals }: GraphView,
  { settings, environment }: Pick<CostSources, 'settings' | 'environment'>,
) {
  return environment && strategyPlace(settings, environment, totals.macs);
}

/** What a strategy of the open model is expected to take, from all that is known now. */
export function predictionOf(
  lab: Lab,
  view: GraphView,
  { recipe, placement }: Pick<Strategy, 'recipe' | 'placement'>,
): StrategyPrediction {
  const shares = knownShares(view, recipe, exitPassOfNow(lab), lab.trials);
  return predictStrategy(view, recipe, placement ?? null, {
    ...knownCosts(view, recipe, lab, wholeTimes(view, recipe, lab, lab.trials)),
    shares,
  });
}

/** The same as a trial keeps it; what thresholds were expected to give comes first. */
export function expectedOutcomeOf(lab: Lab, strategy: Strategy): PredictedOutcome | undefined {
  const { model, expected } = lab;
  const chosen = strategy.placement ? undefined : expected.get(JSON.stringify(strategy.recipe));
  if (chosen || model?.view.modelId !== strategy.modelId) return chosen;
  return outcomeOf(predictionOf(lab, model.view, strategy));
}
