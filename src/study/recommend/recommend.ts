import { formatBytes, formatMs } from '../../base/units.ts';
import { type Comparison, type Comparisons, compareStrategies } from '../compare/compare-strategies.ts';
import { comparisonSentence } from '../compare/comparison-text.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { type Candidate, candidatesOf, lossText, onUsersLink, type QualityMeasure } from './candidates.ts';
import { type Miss, nearestMiss, ranked } from './choose.ts';
import { measureNext, type Undecided } from './measure-next.ts';
import { type MindChanger, mindChangers } from './mind-changers.ts';
import { type Limits, type Wish, WISHES } from './wishes.ts';

/** A strategy with the numbers that speak for it. */
export interface Choice {
  readonly trialId: string;
  readonly name: string;
  readonly latencyMs: number;
  readonly latencyP90Ms: number;
  readonly quality: number | null;
  readonly qualityLoss: number | null;
  readonly rawBytes: number | null;
  readonly heapBytes: number | null;
}

/** What the lab recommends for one device. */
export interface Advice {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly outcome:
    | {
        readonly kind: 'chosen';
        readonly winner: Choice;
        /** Null where nothing else fits. */
        readonly runnerUp: Choice | null;
        /** How many of the strategies measured keep within the limits. */
        readonly fitting: number;
      }
    | {
        readonly kind: 'nothing-fits';
        /** The strategy that misses the limits by least, and by how much, as sentences. */
        readonly nearest: Choice;
        readonly misses: readonly string[];
      }
    | { readonly kind: 'no-answer'; readonly reason: string };
  readonly measured: number;
  /** What quality means here; null where answers mean nothing. */
  readonly measure: QualityMeasure | null;
  /** Sentences with their numbers. */
  readonly evidence: readonly string[];
  readonly mindChangers: readonly MindChanger[];
  readonly next: readonly string[];
}

/**
 * Names the strategy for a user's limits and wish on one device, with the runner-up, the evidence, what would change
 * its mind, and what to measure next.
 * @param facts of trials of one device
 */
export function recommend(all: readonly StrategyFacts[], limits: Limits, wish: Wish): Advice {
  const facts = onUsersLink(all, limits);
  const { candidates, measure } = candidatesOf(facts);
  const base = {
    deviceId: all[0]?.deviceId ?? '',
    deviceName: all[0]?.deviceName ?? '',
    measured: candidates.length,
    measure,
  };
  const [winner, runnerUp, ...others] = ranked(candidates, limits, wish);
  if (winner === undefined) {
    const reason = noAnswer(all, candidates, measure, wish, limits);
    const nearest = reason === null ? nearestMiss(candidates, limits) : null;
    return {
      ...base,
      outcome: nearest
        ? {
            kind: 'nothing-fits',
            nearest: choiceOf(nearest.candidate),
            misses: nearest.misses.map((miss) => missText(nearest.candidate, miss, limits)),
          }
        : { kind: 'no-answer', reason: reason ?? NOTHING_MEASURED },
      evidence: [],
      mindChangers: [],
      next: measureNext(facts, candidates, null, [], limits, wish),
    };
  }
  const compared = compareStrategies(facts);
  const rivals = [...(runnerUp ? [runnerUp] : []), ...others];
  return {
    ...base,
    outcome: {
      kind: 'chosen',
      winner: choiceOf(winner),
      runnerUp: runnerUp ? choiceOf(runnerUp) : null,
      fitting: 1 + rivals.length,
    },
    evidence: evidenceFor(winner, runnerUp ?? null, candidates, compared, limits, wish),
    mindChangers: mindChangers(facts, winner, limits, wish),
    next: measureNext(facts, candidates, winner, undecided(winner, rivals, compared, wish), limits, wish),
  };
}

const NOTHING_MEASURED = 'No strategy was measured yet.';

/** Why nothing can be said at all; null if limits are what is in the way. */
function noAnswer(
  all: readonly StrategyFacts[],
  candidates: readonly Candidate[],
  measure: QualityMeasure | null,
  wish: Wish,
  limits: Limits,
): string | null {
  if (candidates.length === 0)
    return all.length > 0 && all.every(({ state }) => state === 'failed')
      ? `No strategy was measured: ${all.length === 1 ? 'the only one' : `all ${all.length}`} failed.`
      : NOTHING_MEASURED;
  if (measure === null && (wish === 'most-accurate' || limits.accuracyLoss !== null))
    return 'Nothing tells how well these strategies answer: they ran on random inputs or give no scores of classes. Ask for speed or size, or measure on images.';
  return null;
}

function choiceOf({ facts, ...numbers }: Candidate): Choice {
  const { latencyMs, latencyP90Ms, quality, qualityLoss, rawBytes, heapBytes } = numbers;
  const { trialId, name } = facts;
  return { trialId, name, latencyMs, latencyP90Ms, quality, qualityLoss, rawBytes, heapBytes };
}

function missText(candidate: Candidate, { limit, found, excess }: Miss, limits: Limits): string {
  const { name } = candidate.facts;
  const percent = Number.isFinite(excess) ? ` (${Math.round(100 * excess)} % too much)` : '';
  switch (limit) {
    case 'accuracyLoss':
      return found === null
        ? `How much accuracy ${name} loses is not known.`
        : `${name} loses ${lossText(found, candidate)}, ${lossText(limits.accuracyLoss ?? 0, candidate)} are allowed.`;
    case 'latencyP90Ms':
      return `${name} takes ${formatMs(found ?? Number.NaN)} at the 90th percentile, ${formatMs(limits.latencyP90Ms ?? 0)} are allowed${percent}.`;
    case 'rawBytes':
    case 'heapBytes': {
      const what = limit === 'rawBytes' ? 'files' : 'memory';
      return found === null
        ? `How much the ${what} of ${name} take is not known.`
        : `${name} takes ${formatBytes(found)} of ${what}, ${formatBytes(limits[limit] ?? 0)} are allowed${percent}.`;
    }
    case 'tiers':
      return `${name} computes on ${candidate.tiers.join(' and ')}; allowed: ${limits.tiers?.join(', ') || 'none'}.`;
  }
}

function isOf({ a, b }: Comparison, one: Candidate, other: Candidate): boolean {
  const ids = [one.facts.trialId, other.facts.trialId];
  return ids.includes(a.trialId) && ids.includes(b.trialId);
}

function evidenceFor(
  winner: Candidate,
  runnerUp: Candidate | null,
  candidates: readonly Candidate[],
  compared: Comparisons,
  limits: Limits,
  wish: Wish,
): readonly string[] {
  const original =
    candidates.find(({ facts }) => facts.isIdentity && !facts.isEmulated) ??
    candidates.find(({ facts }) => facts.isIdentity);
  const against = [...new Set([runnerUp, original].filter((each) => each && each !== winner))];
  const sentences = against.flatMap((other) =>
    compared.comparisons.flatMap((comparison) =>
      other && isOf(comparison, winner, other)
        ? [comparisonSentence(comparison, compared), ...comparison.caveats]
        : [],
    ),
  );
  const sizes =
    runnerUp &&
    winner.rawBytes !== null &&
    runnerUp.rawBytes !== null &&
    winner.rawBytes !== runnerUp.rawBytes
      ? [
          `${winner.facts.name} takes ${formatBytes(winner.rawBytes)}, ${runnerUp.facts.name} ${formatBytes(runnerUp.rawBytes)}.`,
        ]
      : [];
  const wished = WISHES.find(({ id }) => id === wish);
  return [
    ...new Set([
      `${winner.facts.name} has ${wished?.id === 'balanced' ? `the best balance (${wished.meaning})` : wished?.meaning} of the ${candidates.length} strategies measured${hasLimits(limits) ? ', within the limits' : ''}.`,
      ...sentences,
      ...sizes,
      ...lossCaveat(winner, original ?? null, compared, limits),
    ]),
  ];
}

/** The link is where strategies are looked at, nothing to keep within. */
function hasLimits(limits: Limits): boolean {
  return Object.values({ ...limits, link: null }).some((limit) => limit !== null);
}

/** A loss that keeps within the limit, but might not on other images. */
function lossCaveat(
  winner: Candidate,
  original: Candidate | null,
  { comparisons }: Comparisons,
  { accuracyLoss }: Limits,
): readonly string[] {
  if (accuracyLoss === null || original === null || original === winner) return [];
  const comparison = comparisons.find((each) => isOf(each, winner, original));
  if (comparison?.quality.kind !== 'compared') return [];
  const { low, high } = comparison.quality;
  const mostLost = comparison.a.trialId === original.facts.trialId ? high : -low;
  return mostLost > accuracyLoss
    ? [
        `On other images ${winner.facts.name} may lose up to ${(100 * mostLost).toFixed(1)} points, more than allowed: the interval reaches that far.`,
      ]
    : [];
}

/** Rivals that were not told from the winner in what the wish is about, the nearest first; at most two. */
function undecided(
  winner: Candidate,
  rivals: readonly Candidate[],
  { comparisons, latencies, qualities }: Comparisons,
  wish: Wish,
): readonly Undecided[] {
  const asked: readonly ('latency' | 'quality')[] =
    wish === 'fastest'
      ? ['latency']
      : wish === 'most-accurate'
        ? ['quality']
        : wish === 'balanced'
          ? ['latency', 'quality']
          : [];
  // In a balance only the next best is close enough to matter.
  const close = wish === 'balanced' ? rivals.slice(0, 1) : rivals;
  return close
    .flatMap((rival) => {
      const comparison = comparisons.find((each) => isOf(each, winner, rival));
      return asked.flatMap((by) => {
        const found = comparison?.[by];
        const pairs = by === 'latency' ? latencies : qualities;
        return found?.kind === 'compared' && !found.isDifferent ? [{ rival, by, pairs }] : [];
      });
    })
    .slice(0, 2);
}
