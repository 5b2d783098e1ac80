import { formatShare } from '../../base/units.ts';
import type { Tier } from '../../transforms/variant.ts';
import type { QualityAxis } from '../metrics.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { latencyUnder } from '../placement/link-loads.ts';
import { type TierSetup, tiersOfPlacement } from '../placement/tiers.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import type { Limits } from './wishes.ts';

/** A measured strategy as something to choose. */
export interface Candidate {
  readonly facts: StrategyFacts;
  /** The median; the mean where inferences leave at different exits, since a median jumps between them. */
  readonly latencyMs: number;
  readonly latencyP90Ms: number;
  /** Share of right answers, mean IoU of masks, or without labels the share of answers like the original's; null where neither is known. */
  readonly quality: number | null;
  /** Share of right answers lost against the original; below zero where it is better. */
  readonly qualityLoss: number | null;
  readonly rawBytes: number | null;
  readonly heapBytes: number | null;
  /** Tiers that compute. */
  readonly tiers: readonly Tier[];
}

/** Which quality is known of all candidates. */
export type QualityMeasure = QualityAxis;

/**
 * The strategies of one device that can be recommended: those with a timed inference that did not fail.
 * Loss is told against the unchanged model that is best, or where none was measured against the best of all.
 */
export function candidatesOf(all: readonly StrategyFacts[]): {
  readonly candidates: readonly Candidate[];
  /** Null where no strategy has answers that mean something. */
  readonly measure: QualityMeasure | null;
} {
  const facts = all.filter(({ state, latencyMs }) => state !== 'failed' && latencyMs.length > 0);
  const scored = facts.filter(({ isRandom }) => !isRandom);
  const measure = (['accuracyTop1', 'miou', 'agreement'] as const).find((id) =>
    scored.some(({ values }) => values.has(id)),
  );
  const qualityOf = ({ values, isRandom }: StrategyFacts): number | null =>
    measure === undefined || isRandom ? null : (values.get(measure) ?? null);
  const best = (some: readonly StrategyFacts[]): number | null =>
    some.reduce<number | null>((most, each) => {
      const quality = qualityOf(each);
      return quality === null ? most : Math.max(most ?? quality, quality);
    }, null);
  const original = best(scored.filter(({ isIdentity }) => isIdentity)) ?? best(scored);
  return {
    measure: measure ?? null,
    candidates: facts.map((each): Candidate => {
      const quality = qualityOf(each);
      const { placement } = each.strategy;
      return {
        facts: each,
        ...latenciesOf(each),
        quality,
        qualityLoss: quality === null || original === null ? null : original - quality,
        rawBytes: each.values.get('rawBytes') ?? null,
        heapBytes: each.values.get('heapBytes') ?? null,
        tiers: placement ? tiersOfPlacement(placement.name) : ['mobile'],
      };
    }),
  };
}

/** `1.2 points of mean IoU`, `1.2 % of the answers` */
export function lossText(loss: number, { facts }: Candidate): string {
  return facts.values.has('miou')
    ? `${(100 * loss).toFixed(1)} points of mean IoU`
    : `${formatShare(loss)} of the answers`;
}

function latenciesOf({ latencyMs, exit }: StrategyFacts): Pick<Candidate, 'latencyMs' | 'latencyP90Ms'> {
  const sorted = latencyMs.toSorted();
  const hasExits = exit.some((taken) => taken !== exit[0]);
  return {
    latencyMs: hasExits
      ? sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length
      : quantileOfSorted(sorted, 0.5),
    latencyP90Ms: quantileOfSorted(sorted, 0.9),
  };
}

/**
 * The facts with the latencies that emulated strategies would have on other links and tiers; measured ones stay.
 * @param change of the setup that a strategy was emulated with
 */
export function emulatedUnder(facts: StrategyFacts, change: (setup: TierSetup) => TierSetup): StrategyFacts {
  return facts.loads === null
    ? facts
    : { ...facts, latencyMs: latencyUnder(facts.loads, change(facts.loads.placement.setup)) };
}

/** The setup with the user's own link in the place of the one from the mobile tier, without jitter. */
export function withLink(setup: TierSetup, { link }: Limits): TierSetup {
  return link === null
    ? setup
    : { ...setup, links: { ...setup.links, 'mobile-edge': { ...link, jitterMs: 0 } } };
}

/** The facts as they would be on the user's link, where one is given. */
export function onUsersLink(all: readonly StrategyFacts[], limits: Limits): readonly StrategyFacts[] {
  return limits.link === null
    ? all
    : all.map((each) => emulatedUnder(each, (setup) => withLink(setup, limits)));
}
