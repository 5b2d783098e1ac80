import { isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { exitShares, isEmulatedTrial, timedSamples } from '../study/metrics.ts';
import { expectedWork } from '../study/placement/expected-work.ts';
import {
  arithmeticOf,
  type Known,
  predictStrategy,
  type StrategyPrediction,
} from '../study/placement/predict-strategy.ts';
import { type CostProfile, costProfileByMacs } from '../study/profile/cost-profile.ts';
import { summarise } from '../study/statistics/summary.ts';
import { evaluateThresholds, NEVER } from '../study/thresholds.ts';
import type { PredictedOutcome, Strategy, Trial } from '../study/trial.ts';
import { DEFAULT_CONFIDENCE } from '../transforms/exits/confidence.ts';
import { allExits } from '../transforms/exits/threshold-recipe.ts';
import { placementOf } from '../transforms/placement.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { profileKey } from './placement-slice.ts';
import { sameRecipe } from './recipe-slice.ts';
import type { Lab } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { type ExitPass, exitPassOfNow, tableOf } from './thresholds-slice.ts';

/** What wasm does on one core; speaks until something was measured. */
const assumedMacsPerMs = 18e6;

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
    return { costs: costProfileByMacs(view, totals.macs / assumedMacsPerMs, imageBytes), basis: null };
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

/**
 * Share of the images that leave at each of a recipe's exits: as a trial with the same exits measured it, else as the
 * pass over all exits tells; null if neither is there.
 * @param pass of what is open now
 */
export function knownShares(
  view: GraphView,
  recipe: Recipe,
  pass: ExitPass | null,
  trials: readonly Trial[],
): ReadonlyMap<number, number> | null {
  if (expectedWork(view, recipe).stops.length === 0) return new Map();
  const uncut = normaliseRecipe(withoutCuts(recipe));
  const measured = trials.find(
    (trial) =>
      trial.strategy.modelId === view.modelId &&
      trial.samples.length > 0 &&
      sameRecipe(normaliseRecipe(withoutCuts(trial.strategy.recipe)), uncut),
  );
  if (measured) return exitShares(measured);
  if (pass === null || !sameRecipe(normaliseRecipe(allExits(uncut)), pass.recipe)) return null;
  const { exits } = pass.scores;
  const thresholdOf = thresholdsOf(view, uncut);
  const { shares } = evaluateThresholds(
    tableOf(pass, confidenceOf(uncut)),
    exits.slice(0, -1).map(({ index, output }) => thresholdOf.get(output) ?? thresholdOf.get(index) ?? NEVER),
  );
  return new Map(exits.map(({ index }, at) => [index, shares[at] ?? 0]));
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
  const prediction = predictionOf(lab, model.view, strategy);
  if (prediction.kind === 'unknown') return undefined;
  const { latencyMs, totalMs } = prediction.times;
  return {
    accuracyTop1: null,
    agreement: null,
    latencyMeanMs: latencyMs,
    totalMeanMs: totalMs,
    basis: prediction.basis,
  };
}

function withoutCuts(recipe: Recipe): Recipe {
  return recipe.filter(({ op }) => op !== 'partition');
}

/** Thresholds of a recipe's exits: of the model's own by index, of trained ones by the name of their output. */
function thresholdsOf(view: GraphView, recipe: Recipe): ReadonlyMap<number | string, number> {
  const { exit } = placementOf(recipe, view);
  const trained = trainedExitsOf(recipe);
  if (trained) {
    const { at, threshold } = trained;
    return new Map(
      at.map((value, position) => [
        `exit_${value}`,
        typeof threshold === 'number' ? threshold : (threshold?.[position] ?? NEVER),
      ]),
    );
  }
  if (exit.kind !== 'dynamic') return new Map();
  return new Map(exit.thresholds.map((threshold, position) => [exit.exits[position] ?? -1, threshold]));
}

function confidenceOf(recipe: Recipe) {
  const step = recipe.find((operator) => operator.op === 'early-exit' && operator.kind !== 'skip');
  return step?.confidence ?? DEFAULT_CONFIDENCE;
}
