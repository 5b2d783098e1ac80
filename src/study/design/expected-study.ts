import { shortWarmUp } from '../measuring/warm-up.ts';
import { referenceVisits } from '../plan.ts';
import { summarise } from '../statistics/summary.ts';
import type { Protocol, Sample, Trial } from '../trial.ts';
import { medianTotalMs } from './expected-time.ts';

/** What a session takes on a device beside its inferences, in milliseconds. */
export interface SessionCosts {
  /** Building a variant, starting its worker, loading it. */
  readonly setupMs: number;
  /** By how much the first runs are slower than those that follow, in all. */
  readonly firstRunsMs: number;
}

/** As long as nothing is known of the device. */
export const ASSUMED_SESSION: SessionCosts = { setupMs: 1000, firstRunsMs: 500 };

/** One strategy of a study to be. */
export interface WorkToDo {
  /** What an inference takes, decode to answer. */
  readonly ms: number;
  /** Of the model's file, which is gzipped at the end. */
  readonly bytes: number;
}

/** Keeping what a visit measured, and showing it. */
const VISIT_MS = 60;
/** Gzipping, and counting for a sparse encoding. */
const PACKED_BYTES_PER_MS = 8000;
/** Warm-up that ends when latency is steady takes about so long. */
const STEADY_AFTER_MS = 500;

/**
 * How long strategies take under a protocol, in milliseconds; with a stopping rule at most so long.
 * @param strategies in order; the first is the reference
 * @param images that are timed, see `timedImages`
 * @param evaluated images of the accuracy pass
 */
export function expectedStudyMs(
  protocol: Protocol,
  strategies: readonly WorkToDo[],
  images: number,
  evaluated: number,
  { setupMs, firstRunsMs }: SessionCosts = ASSUMED_SESSION,
): number {
  const { sustained, stopping, rounds, rebuildSessions, accuracyRepetitions = 1 } = protocol;
  const perRound = protocol.perRound === 'all-images' ? images : protocol.samplesPerRound;
  const sessions = rebuildSessions === 'each-round' ? rounds : 1;
  let [untimedMs, timedMs] = [0, 0];
  for (const { ms, bytes } of strategies) {
    untimedMs += sessions * (setupMs + firstRunsMs + warmUpRuns(protocol, ms) * ms);
    untimedMs += accuracyRepetitions * evaluated * ms + rounds * VISIT_MS + packingMs(bytes);
    timedMs += sustained ? sustained.durationMs : rounds * perRound * ms;
  }
  const [reference] = strategies;
  if (reference !== undefined && strategies.length > 1) {
    const isAnew = rebuildSessions !== undefined;
    const warmUpMs = warmUpRuns(shortWarmUp(protocol), reference.ms) * reference.ms;
    const visitMs = (protocol.referenceSamples ?? 0) * reference.ms + VISIT_MS;
    untimedMs +=
      referenceVisits(protocol, strategies.length, rounds) *
      (visitMs + (isAnew ? setupMs + firstRunsMs + warmUpMs : 0));
  }
  return untimedMs + Math.min(timedMs, stopping?.budgetMs ?? Number.POSITIVE_INFINITY);
}

/** What gzipping a variant's file at the end of a study takes. */
export function packingMs(bytes: number): number {
  return bytes / PACKED_BYTES_PER_MS;
}

function warmUpRuns({ warmUpRuns: least, mostWarmUpRuns: most = least }: Protocol, ms: number): number {
  return Math.min(most, Math.max(least, STEADY_AFTER_MS / Math.max(ms, 0.01)));
}

/** What was found for trials that stay the same while a plan is changed. */
const known = new WeakMap<readonly Trial[], SessionCosts | null>();

/**
 * What sessions took in studies, told from when their inferences ran: medians over the sessions.
 * @param trials of one device
 * @returns null if nothing was measured
 */
export function sessionCosts(trials: readonly Trial[]): SessionCosts | null {
  const kept = known.get(trials);
  if (kept !== undefined) return kept;
  const studies = [...new Set(trials.map(({ studyId }) => studyId))];
  const sessions = studies.flatMap((id) => sessionsOf(trials.filter(({ studyId }) => studyId === id)));
  const setupMs = summarise(sessions.flatMap((each) => each.setupMs ?? []))?.median;
  const firstRunsMs = summarise(sessions.map((each) => Math.max(0, each.firstRunsMs)))?.median;
  const costs = setupMs === undefined || firstRunsMs === undefined ? null : { setupMs, firstRunsMs };
  known.set(trials, costs);
  return costs;
}

/** Each session of a study: what it took from the inference before it, and its warm-up beyond what runs take later. */
function sessionsOf(trials: readonly Trial[]): { setupMs: number | null; firstRunsMs: number }[] {
  const ran = trials
    .flatMap((trial) => trial.samples.map((sample) => ({ trial, sample })))
    .sort((a, b) => a.sample.sequence - b.sample.sequence);
  const medians = new Map(trials.map((trial) => [trial, medianTotalMs(trial)]));
  const sessions: { trial: Trial; setupMs: number | null; firstRunsMs: number }[] = [];
  let before: { trial: Trial; sample: Sample } | null = null;
  for (const { trial, sample } of ran) {
    if (sample.warmUp) {
      if (before === null || before.trial !== trial || !before.sample.warmUp) {
        const endedMs = before && before.sample.startedAtMs + before.sample.totalMs;
        const setupMs = endedMs === null ? null : Math.max(0, sample.startedAtMs - endedMs);
        sessions.push({ trial, setupMs, firstRunsMs: 0 });
      }
      const session = sessions.at(-1);
      if (session) session.firstRunsMs += sample.totalMs - (medians.get(trial) ?? 0);
    }
    before = { trial, sample };
  }
  return sessions;
}
