import { useCallback, useMemo } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import { exitShares, isEmulatedTrial, trialMetrics } from '../study/metrics.ts';
import { type Predictions, predictPlacements, reachOfNodes } from '../study/predict.ts';
import { type CostProfile, costProfileByMacs } from '../study/profile/cost-profile.ts';
import type { Trial } from '../study/trial.ts';
import { LINK_NAMES, tiersOfPlacement } from '../study/placement/tiers.ts';
import type { TierModel } from '../transforms/cuts/resolve-cut.ts';
import { placementOf } from '../transforms/placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { TransferType } from '../transforms/transfer.ts';
import { useLab } from './lab.ts';
import { profileKey } from './placement-slice.ts';
import { strategyPlace } from './study-slice.ts';
import { useFromTrials } from './use-from-trials.ts';

/** What wasm does on one core; speaks until something was measured. */
const assumedMacsPerMs = 18e6;

/** Costs of the open model's nodes: profiled here, or its measured (else assumed) latency shared out by MACs. */
export function useCostProfile(view: GraphView): CostProfile {
  const profiles = useLab((lab) => lab.profiles);
  const settings = useLab((lab) => lab.settings);
  const environment = useLab((lab) => lab.environment);
  const imageBytes = useLab((lab) => lab.data?.dataset.items[0]?.length ?? 0);
  const measuredMs = useFromTrials(useCallback((trials) => wholeMs(view.modelId, trials), [view.modelId]));
  return useMemo(() => {
    const { totals, modelId } = view;
    const place = environment && strategyPlace(settings, environment, totals.macs);
    const profiled = place && profiles.get(profileKey(modelId, place.provider, place.threads));
    if (profiled) return profiled;
    return costProfileByMacs(view, measuredMs ?? totals.macs / assumedMacsPerMs, imageBytes);
  }, [view, profiles, settings, environment, measuredMs, imageBytes]);
}

/** Median latency of the unchanged model on this device, once it is measured to the end. */
function wholeMs(modelId: string, trials: readonly Trial[]): number | undefined {
  const whole = trials.find(
    (trial) =>
      trial.strategy.modelId === modelId &&
      trial.state.kind === 'done' &&
      !isEmulatedTrial(trial) &&
      trial.strategy.recipe.every(({ op }) => op === 'identity'),
  );
  return whole && trialMetrics(whole).latencyMedianMs?.value;
}

/** Share of the images that reach each node under a recipe's exits, from a trial with the same ones; null: all do. */
export function useReach(view: GraphView, recipe: Recipe): Float64Array | null {
  return useFromTrials(useCallback((trials) => reachOf(view, recipe, trials), [view, recipe]));
}

function reachOf(view: GraphView, recipe: Recipe, trials: readonly Trial[]): Float64Array | null {
  const { exit } = placementOf(recipe, view);
  if (exit.kind === 'none') return null;
  if (exit.kind === 'fixed') return reachOfNodes(view, [exit.exit], new Map());
  const stepText = (of: Recipe): string =>
    JSON.stringify(of.find((step) => step.op === 'early-exit' && step.kind === 'existing'));
  const alike = trials.find(
    ({ strategy }) => strategy.modelId === view.modelId && stepText(strategy.recipe) === stepText(recipe),
  );
  return reachOfNodes(view, exit.exits, alike ? exitShares(alike) : new Map());
}

/** What the open model is expected to take on every placement and at every cut, under the recipe's exits. */
export function usePredictions(view: GraphView, recipe: Recipe): Predictions {
  const profile = useCostProfile(view);
  const setup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const reach = useReach(view, recipe);
  const transfer = transferOf(recipe);
  return useMemo(
    () => predictPlacements(view, profile, { setup, sends, transfer, reach }),
    [view, profile, setup, sends, transfer, reach],
  );
}

/** The tiers and the link of the pair whose prediction is shown, for the fastest cut; this device has speed 1. */
export function useTierModel(view: GraphView): TierModel {
  const { nodeMs } = useCostProfile(view);
  const { tiers, links } = useLab((lab) => lab.tierSetup);
  const shown = useLab((lab) => lab.shownPlacement);
  return useMemo(() => {
    const [head = 'mobile', tail = 'edge'] = shown.split('-').length === 2 ? tiersOfPlacement(shown) : [];
    const between = LINK_NAMES.filter((name) => name.startsWith(head) || name.endsWith(tail)).map(
      (name) => links[name],
    );
    const totalMs = nodeMs.reduce((sum, ms) => sum + ms, 0);
    const short = (value: number): number => Number(value.toPrecision(4));
    return {
      headSpeed: short(tiers[head].speedFactor),
      tailSpeed: short(tiers[tail].speedFactor),
      // Links in a row: each byte takes the time of both.
      bandwidthMbps: short(1 / between.reduce((sum, { bandwidthMbps }) => sum + 1 / bandwidthMbps, 0)),
      rttMs: short(between.reduce((sum, { rttMs }) => sum + rttMs, 0)),
      gmacsPerSecond: short(Math.max(view.totals.macs, 1) / Math.max(totalMs, 1e-6) / 1e6),
    };
  }, [view, nodeMs, tiers, links, shown]);
}

/** How values cross a recipe's cuts. */
export function transferOf(recipe: Recipe): TransferType {
  return recipe.find((operator) => operator.op === 'partition')?.transfer ?? 'float32';
}
