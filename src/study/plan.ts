import { seededRandom, shuffled } from '../base/random.ts';
import { roundsToSettle } from './measuring/settled.ts';
import type { Protocol, Trial } from './trial.ts';

/** How carefully to measure. `quick` gives a first front within a minute on the bundled model. */
export const PROTOCOLS: { readonly quick: Protocol; readonly standard: Protocol } = {
  quick: {
    name: 'quick',
    warmUpRuns: 5,
    mostWarmUpRuns: 30,
    // Differences are told of rounds: with fewer, of a dozen strategies only the clearest could be.
    rounds: 8,
    samplesPerRound: 7,
    accuracyImages: 500,
    seed: 1,
    referenceSamples: 3,
  },
  standard: {
    name: 'standard',
    warmUpRuns: 10,
    mostWarmUpRuns: 100,
    rounds: 60,
    samplesPerRound: 15,
    accuracyImages: null,
    seed: 1,
    stopping: { halfWidth: 0.03, leastRounds: 20, budgetMs: 20 * 60_000 },
    referenceSamples: 5,
  },
};

/** One visit of a strategy: timed inferences over these images, in this order. */
export interface Visit {
  readonly round: number;
  readonly strategyId: string;
  readonly imageIndices: readonly number[];
  /** `reference`: only to see whether the device changes. */
  readonly kind: 'timed' | 'reference';
  /** The images are run again and again for so long; left out: once. */
  readonly forMs?: number;
}

/** The reference is visited again after so many visits of others. */
const VISITS_BETWEEN_REFERENCES = 4;

/**
 * All timed visits that a study can take at most, in order. Interleaved, every strategy is visited once in a round, in
 * an order drawn anew, so that drift and throttling hit all alike. All see the same images in a round, so that
 * differences are paired. The same arguments give the same plan, which is how an interrupted study finds its place.
 * @param images to draw from, see `timedImages`; at least one
 */
export function planRounds(
  protocol: Protocol,
  strategyIds: readonly string[],
  images: readonly number[],
): readonly Visit[] {
  // Two sources, so that strategies added later see the same images as those before them.
  const imageRandom = seededRandom(protocol.seed);
  const orderRandom = seededRandom(protocol.seed ^ 0x0bde7);
  const forMs = protocol.sustained && { forMs: protocol.sustained.durationMs / protocol.rounds };
  const rounds = Array.from({ length: protocol.rounds }, (_, round) => {
    const imageIndices =
      protocol.perRound === 'all-images'
        ? images
        : Array.from(
            { length: protocol.samplesPerRound },
            () => images[Math.floor(imageRandom() * images.length)] as number,
          );
    return { round, imageIndices, kind: 'timed', ...forMs } as const;
  });
  return protocol.order === 'sequential'
    ? strategyIds.flatMap((strategyId) => rounds.map((round) => ({ ...round, strategyId })))
    : rounds.flatMap((round) =>
        shuffled(strategyIds, orderRandom).map((strategyId) => ({ ...round, strategyId })),
      );
}

/** What the next visit is chosen from. */
export interface PlanState {
  readonly trials: readonly Trial[];
  /** Null: none, or it cannot be run. */
  readonly reference: Trial | null;
  /** Visits of others since the reference was visited; Infinity if it was not since the study was begun or resumed. */
  readonly visitsSinceReference: number;
}

/**
 * The next visit of a study, null at its end; told by what was measured alone, so a study that was interrupted goes on
 * as it would have.
 * @param plan of `planRounds`, for the same protocol
 * @param images of `timedImages`
 */
export function nextVisit(
  protocol: Protocol,
  plan: readonly Visit[],
  images: readonly number[],
  { trials, reference, visitsSinceReference }: PlanState,
): Visit | null {
  const open = new Map(
    trials
      .filter((trial) => !isMeasured(protocol, trial, trials))
      .map((trial) => [trial.strategy.id, roundsDoneOf(trial)]),
  );
  const next = plan.find(({ strategyId, round }) => round >= (open.get(strategyId) ?? Infinity)) ?? null;
  const samples = protocol.referenceSamples ?? 0;
  if (reference === null || samples === 0 || next?.strategyId === reference.strategy.id) return next;
  if (!isReferenceDue(protocol, next, visitsSinceReference)) return next;
  return {
    round: next?.round ?? lastRoundOf(trials),
    strategyId: reference.strategy.id,
    // The same images each time, so that only the device can make a difference.
    imageIndices: Array.from({ length: samples }, (_, run) => images[run % images.length] as number),
    kind: 'reference',
  };
}

/** How often the reference will be visited for its own sake. @param rounds of each of these strategies */
export function referenceVisits(
  { referenceSamples = 0, order }: Protocol,
  strategies: number,
  rounds: number,
): number {
  if (referenceSamples === 0 || strategies === 0) return 0;
  return order === 'sequential' ? strategies : Math.ceil((rounds * strategies) / VISITS_BETWEEN_REFERENCES);
}

function isReferenceDue(protocol: Protocol, next: Visit | null, visitsSince: number): boolean {
  // After the last visit of others it closes the series, unless nothing was visited.
  if (next === null) return visitsSince > 0 && visitsSince < Infinity;
  // The rounds of one strategy are not torn apart.
  if (protocol.order === 'sequential')
    return visitsSince === Infinity || (visitsSince > 0 && next.round === 0);
  return visitsSince >= VISITS_BETWEEN_REFERENCES;
}

/**
 * Whether a trial needs no more rounds: it had all, its median is known well enough, or the time is up. The time is
 * that of the timed inferences of all strategies in the rounds before, so all of a round have the same number of
 * rounds; strategy after strategy, each has its share of it.
 * @param trials all of the study
 */
export function isMeasured(protocol: Protocol, trial: Trial, trials: readonly Trial[]): boolean {
  if (trial.state.kind === 'done' || trial.state.kind === 'failed') return true;
  const done = roundsDoneOf(trial);
  if (done >= protocol.rounds) return true;
  const { stopping } = protocol;
  if (!stopping || done === 0) return false;
  if (roundsNeeded(protocol, trial) <= done) return true;
  const isAlone = protocol.order === 'sequential';
  const spentMs = timedMsBefore(done, isAlone ? [trial] : trials);
  return spentMs >= stopping.budgetMs / (isAlone ? trials.length : 1);
}

/** How many rounds a trial is likely to have at its end; a fact where it has them already. */
export function roundsNeeded(protocol: Protocol, trial: Trial): number {
  const { stopping, rounds } = protocol;
  if (!stopping) return rounds;
  const done = roundsDoneOf(trial);
  const least = Math.min(stopping.leastRounds, rounds);
  if (done < least) return least;
  return Math.min(rounds, Math.max(least, roundsToSettle(trial, stopping.halfWidth)));
}

function roundsDoneOf({ state, protocol }: Trial): number {
  switch (state.kind) {
    case 'queued':
      return 0;
    case 'running':
      return state.roundsDone;
    case 'done':
    case 'failed':
      return protocol.rounds;
  }
}

function lastRoundOf(trials: readonly Trial[]): number {
  return trials.reduce(
    (last, { samples }) => samples.reduce((max, { round }) => Math.max(max, round), last),
    0,
  );
}

function timedMsBefore(round: number, trials: readonly Trial[]): number {
  return trials.reduce((sum, trial) => {
    const totals = roundTotalsMs(trial);
    for (let at = 0; at < Math.min(round, totals.length); at++) sum += totals[at] ?? 0;
    return sum;
  }, 0);
}

/** Trials are facts that never change, and every visit asks. */
const knownTotals = new WeakMap<Trial, readonly number[]>();

/** What the inferences of each round took, warm-up apart, by round. */
function roundTotalsMs(trial: Trial): readonly number[] {
  const kept = knownTotals.get(trial);
  if (kept) return kept;
  const totals: number[] = [];
  for (const { warmUp, round, totalMs } of trial.samples) {
    while (totals.length <= round) totals.push(0);
    if (!warmUp) totals[round] = (totals[round] ?? 0) + totalMs;
  }
  knownTotals.set(trial, totals);
  return totals;
}

/** Images that are timed, by index: all, or those of the largest files, ascending. */
export function timedImages(
  protocol: Protocol,
  items: readonly { readonly length: number }[],
): readonly number[] {
  const all = Array.from(items, (_, index) => index);
  if (!protocol.images || protocol.images.count >= items.length) return all;
  const bytesOf = (index: number): number => items[index]?.length ?? 0;
  return all
    .sort((a, b) => bytesOf(b) - bytesOf(a) || a - b)
    .slice(0, Math.max(1, protocol.images.count))
    .sort((a, b) => a - b);
}

/** Timed inferences of a visit. */
export function samplesOfVisit(protocol: Protocol, images: readonly number[]): number {
  return protocol.perRound === 'all-images' ? images.length : protocol.samplesPerRound;
}

/** Images of the accuracy pass, ascending: all, or a sample without repetition; the same for every strategy. */
export function accuracyImages(protocol: Protocol, imageCount: number): readonly number[] {
  const all = Array.from({ length: imageCount }, (_, index) => index);
  const wanted = protocol.accuracyImages ?? imageCount;
  if (wanted >= imageCount) return all;
  // A seed of its own, so that changing the rounds does not change the images.
  return shuffled(all, seededRandom(protocol.seed ^ 0x5eed))
    .slice(0, wanted)
    .sort((a, b) => a - b);
}

/** Images to warm up with, from the `first` run on, repeated as needed. */
export function warmUpImages(runs: number, first: number, images: readonly number[]): readonly number[] {
  return Array.from({ length: runs }, (_, run) => images[(first + run) % images.length] as number);
}
