import { useCallback, useDeferredValue, useMemo } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import { knownShares } from '../study/exit-pass.ts';
import { expectedWork, type ExpectedWork, nodeShares, transferOf } from '../study/placement/expected-work.ts';
import { arithmeticOf, type Known } from '../study/placement/predict-strategy.ts';
import {
  linksBetween,
  meanRoundTripMs,
  PLACEMENT_NAMES,
  type PlacementName,
  TIERS,
  tiersOfPlacement,
  canHold,
} from '../study/placement/tiers.ts';
import {
  type CostsByTier,
  costsByTier,
  dividedWork,
  expectedTimes,
  type Predictions,
  predictPlacements,
  type TierCosts,
} from '../study/predict.ts';
import type { CostProfile } from '../study/profile/cost-profile.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { TierModels } from '../transforms/cuts/resolve-cut.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { Tier } from '../transforms/variant.ts';
import type { TierProfiles } from './placement-slice.ts';
import { knownCosts, wholeTimes } from './known-costs.ts';
import { useLab } from './lab.ts';
import { exitPassOfNow } from './thresholds-slice.ts';
import { useFromTrials } from './use-from-trials.ts';

/** Costs of the open model's nodes in its own arithmetic; see `knownCosts`. */
export function useCostProfile(view: GraphView): CostProfile {
  return useKnownCosts(view, UNCHANGED).costs;
}

const UNCHANGED: Recipe = [];

/** Costs of the open model's nodes in a recipe's arithmetic, and what they rest on. */
export function useKnownCosts(view: GraphView, recipe: Recipe): Pick<Known, 'costs' | 'basis'> {
  const profiles = useLab((lab) => lab.profiles);
  const settings = useLab((lab) => lab.settings);
  const environment = useLab((lab) => lab.environment);
  const data = useLab((lab) => lab.data);
  const whole = useFromTrials(
    useCallback(
      (trials) => wholeTimes(view, recipe, { settings, environment }, trials),
      [view, recipe, settings, environment],
    ),
  );
  return useMemo(
    () => knownCosts(view, recipe, { profiles, settings, environment, data }, whole),
    [view, recipe, profiles, settings, environment, data, whole],
  );
}

/** Share of the images that leave at each of a recipe's exits; null: not known. */
export function useShares(view: GraphView, recipe: Recipe): ReadonlyMap<number, number> | null {
  const pass = useLab(exitPassOfNow);
  return useFromTrials(
    useCallback((trials) => knownShares(view, recipe, pass, trials), [view, recipe, pass]),
  );
}

/**
 * Share of the images that reach each node under a recipe's exits and skipped blocks; null: all reach all, or how many
 * leave at an exit is not known.
 */
export function useReach(view: GraphView, recipe: Recipe): Float64Array | null {
  const shares = useShares(view, recipe);
  return useMemo(() => {
    const work = expectedWork(view, recipe);
    if (shares === null) return null;
    const reach = nodeShares(work, shares);
    return work.stops.length === 0 && reach.every((share) => share === 1) ? null : reach;
  }, [view, recipe, shares]);
}

/** All that the times of a recipe's parts follow from, wherever it is cut. */
export interface Expectations {
  readonly work: ExpectedWork;
  readonly costs: CostsByTier;
  readonly assumptions: Parameters<typeof predictPlacements>[2];
  /** Nothing of the kind was measured on this device yet: times are by multiply-accumulates. */
  readonly isGuess: boolean;
}

/** What is assumed of the open model's times under a recipe's exits, skipped blocks and arithmetic. */
export function useExpectations(view: GraphView, recipe: Recipe): Expectations {
  const { costs, basis } = useKnownCosts(view, recipe);
  const setup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const tierProfiles = useLab((lab) => lab.tierProfiles);
  const shares = useShares(view, recipe);
  const transfer = transferOf(recipe);
  return useMemo(
    () => ({
      work: expectedWork(view, recipe),
      costs: costsByTier(costs, setup, nodeCostsThere(tierProfiles, view, recipe)),
      assumptions: { setup, sends, transfer, shares: shares ?? new Map(), imageBytes: costs.imageBytes },
      isGuess: basis === null,
    }),
    [view, recipe, costs, basis, setup, sends, tierProfiles, transfer, shares],
  );
}

/** Costs of the model's nodes on other devices that stand for tiers, where they told them. */
function nodeCostsThere(
  profiles: TierProfiles,
  view: GraphView,
  recipe: Recipe,
): Partial<Record<Tier, TierCosts>> {
  const costs: Partial<Record<Tier, TierCosts>> = {};
  for (const tier of TIERS) {
    const profile = profiles[tier];
    const found = profile?.nodes.find(({ arithmetic }) => arithmetic === arithmeticOf(recipe));
    if (found && profile?.modelId === view.modelId) costs[tier] = found;
  }
  return costs;
}

/**
 * What the open model is expected to take on every placement and at every cut, under the recipe's exits. It follows an
 * edit a moment later: what was dropped or pressed is drawn first.
 */
export function usePredictions(view: GraphView, recipe: Recipe): Predictions {
  const now = useExpectations(view, recipe);
  const before = useDeferredValue(now);
  // Another model's predictions are of no use.
  const { work, costs, assumptions } = before.work.view === view ? before : now;
  return useMemo(() => predictPlacements(work, costs, assumptions), [work, costs, assumptions]);
}

/** Decode to answer on each placement that can hold a model with these cuts, in order; null where nothing can be said. */
export function forecastCuts(
  { work, costs, assumptions }: Expectations,
  cuts: readonly PlacedCut[],
): ReadonlyMap<PlacementName, number | null> {
  const divided = dividedWork(work, cuts, assumptions);
  return new Map(
    PLACEMENT_NAMES.filter((name) => canHold(name, cuts.length + 1)).map((name) => [
      name,
      expectedTimes(divided, costs, name, assumptions)?.totalMs ?? null,
    ]),
  );
}

/**
 * What the fastest cuts assume of the tiers: for one cut the pair whose prediction is shown, with the link between
 * them; for two all three. This device has speed 1.
 */
export function useTierModels(view: GraphView): TierModels {
  const { nodeMs, source } = useCostProfile(view);
  const { links } = useLab((lab) => lab.tierSetup);
  const { costs } = useExpectations(view, UNCHANGED);
  const shown = useLab((lab) => lab.shownPlacement);
  return useMemo(() => {
    const totalOf = (times: ArrayLike<number>): number => Array.from(times).reduce((sum, ms) => sum + ms, 0);
    const totalMs = Math.max(totalOf(nodeMs), 1e-6);
    const short = (value: number): number => Number(value.toPrecision(4));
    // A device that stands for a tier is as fast as it was with the whole model.
    const speedOf = (tier: Tier): number => short(totalMs / Math.max(totalOf(costs[tier].nodeMs), 1e-9));
    // Links in a row: each byte takes the time of both.
    const linkOf = (from: Tier, to: Tier): { readonly bandwidthMbps: number; readonly rttMs: number } => {
      const between = linksBetween(from, to).map((name) => links[name]);
      return {
        bandwidthMbps: short(1 / between.reduce((sum, { bandwidthMbps }) => sum + 1 / bandwidthMbps, 0)),
        rttMs: short(between.reduce((sum, link) => sum + meanRoundTripMs(link), 0)),
      };
    };
    const times = {
      gmacsPerSecond: short(Math.max(view.totals.macs, 1) / totalMs / 1e6),
      ...(source === 'measured' && { nodeMicroseconds: Array.from(nodeMs, (ms) => Math.round(1000 * ms)) }),
    };
    const [head = 'mobile', tail = 'edge'] = shown.split('-').length === 2 ? tiersOfPlacement(shown) : [];
    const second = linkOf('edge', 'cloud');
    return {
      oneCut: { headSpeed: speedOf(head), tailSpeed: speedOf(tail), ...linkOf(head, tail), ...times },
      twoCuts: {
        headSpeed: speedOf('mobile'),
        middleSpeed: speedOf('edge'),
        tailSpeed: speedOf('cloud'),
        ...linkOf('mobile', 'edge'),
        tailBandwidthMbps: second.bandwidthMbps,
        tailRttMs: second.rttMs,
        ...times,
      },
    };
  }, [view, nodeMs, source, costs, links, shown]);
}
