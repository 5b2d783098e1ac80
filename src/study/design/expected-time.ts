import type { Recipe } from '../../transforms/recipe.ts';
import { timedSamples, isEmulatedTrial } from '../metrics.ts';
import { summarise } from '../statistics/summary.ts';
import type { Environment, Protocol, Strategy, Trial } from '../trial.ts';

/** What a time rests on, the best first. */
export type TimeBasis =
  /** The same strategy ran here. */
  | 'measured'
  /** Nodes or the whole model were measured here. */
  | 'predicted'
  /** Other work ran here; scaled by multiply-accumulates. */
  | 'scaled'
  /** Nothing was measured here yet. */
  | 'assumed';

/** What one inference takes, decode to answer. */
export interface InferenceTime {
  readonly ms: number;
  readonly basis: TimeBasis;
}

/** What is known before a strategy runs. */
export interface TimeSources {
  readonly environment: Environment;
  /** Of any study; those of other devices do not count. */
  readonly trials: readonly Trial[];
  /** By profiles or the whole model's time, in milliseconds; null: not known. */
  readonly predictedMs: (strategy: Strategy) => number | null;
  /** Multiply-accumulates of an inference of the unchanged model. */
  readonly macsOf: (modelId: string) => number;
}

/** What wasm does on one core; speaks until something was measured. */
export const ASSUMED_MACS_PER_MS = 18e6;
/** Decoding and preparing a small image. */
const ASSUMED_AROUND_MS = 0.5;
/** Building and loading, as long as nothing was. */
const ASSUMED_SETUP_MS = 500;

/**
 * Expects what an inference of each strategy takes on this device. What is emulated takes what computing takes here:
 * links are calculated, not waited for.
 */
export function inferenceTimes(
  strategies: readonly Strategy[],
  { environment, trials, predictedMs, macsOf }: TimeSources,
): ReadonlyMap<string, InferenceTime> {
  const here = trialsOfDevice(trials, environment).filter((trial) => timedSamples(trial).length > 0);
  const times = here.map((trial) => ({ trial, ms: medianTotalMs(trial) }));
  const rates = times.flatMap(({ trial, ms }) =>
    trial.size && trial.size.macs > 0 ? [ms / trial.size.macs] : [],
  );
  const msPerMac = summarise(rates)?.median ?? null;
  return new Map(
    strategies.map((strategy): [string, InferenceTime] => {
      const known = times.find(({ trial }) => runsTheSame(trial.strategy, strategy));
      if (known) return [strategy.id, { ms: known.ms, basis: 'measured' }];
      const predicted = strategy.inputSize === undefined ? predictedMs(strategy) : null;
      if (predicted !== null) return [strategy.id, { ms: predicted, basis: 'predicted' }];
      const macs = macsOf(strategy.modelId) * shareLeft(strategy.recipe);
      if (msPerMac !== null) return [strategy.id, { ms: msPerMac * macs, basis: 'scaled' }];
      return [strategy.id, { ms: macs / ASSUMED_MACS_PER_MS + ASSUMED_AROUND_MS, basis: 'assumed' }];
    }),
  );
}

/** What removing channels leaves of the work, roughly: both sides of a layer shrink. */
function shareLeft(recipe: Recipe): number {
  return recipe.reduce(
    (left, operator) =>
      operator.op === 'prune' && operator.kind === 'structured'
        ? left * (1 - (operator.ratio ?? 0)) ** 2
        : left,
    1,
  );
}

function runsTheSame(a: Strategy, b: Strategy): boolean {
  const key = ({ modelId, recipe, provider, threads, inputSize }: Strategy): string =>
    JSON.stringify([modelId, recipe, provider, threads, inputSize]);
  return key(a) === key(b);
}

/** Those that were really measured on this device. */
export function trialsOfDevice(trials: readonly Trial[], environment: Environment): readonly Trial[] {
  return trials.filter((trial) => isOfDevice(trial, environment));
}

function isOfDevice(trial: Trial, { userAgent, hardwareConcurrency }: Environment): boolean {
  const there = trial.environment;
  return (
    !isEmulatedTrial(trial) &&
    there.userAgent === userAgent &&
    there.hardwareConcurrency === hardwareConcurrency
  );
}

/** Of its timed inferences, decode to answer; 0 without any. */
export function medianTotalMs(trial: Trial): number {
  return summarise(timedSamples(trial).map(({ totalMs }) => totalMs))?.median ?? 0;
}

/**
 * How many inferences a protocol takes of each strategy; with a stopping rule, or until warm-up is steady, at most and
 * at least.
 * @param images that are timed, see `timedImages`
 * @param evaluated images of the accuracy pass
 */
export function inferencesOfProtocol(protocol: Protocol, images: number, evaluated: number): number {
  const { warmUpRuns, rounds, samplesPerRound, accuracyRepetitions = 1, rebuildSessions } = protocol;
  const perRound = protocol.perRound === 'all-images' ? images : samplesPerRound;
  const warmUps = rebuildSessions === 'each-round' ? rounds : 1;
  return (
    warmUps * warmUpRuns +
    rounds * perRound +
    accuracyRepetitions * evaluated +
    (protocol.referenceSamples ?? 0) * rounds
  );
}

/**
 * How long strategies take under a protocol, in milliseconds; with a stopping rule at most so long.
 * @param images that are timed, see `timedImages`
 * @param evaluated images of the accuracy pass
 */
export function expectedStudyMs(
  protocol: Protocol,
  times: readonly InferenceTime[],
  images: number,
  evaluated: number,
  setupMs = ASSUMED_SETUP_MS,
): number {
  const { sustained, stopping, rounds, rebuildSessions } = protocol;
  const setups = rebuildSessions === 'each-round' ? rounds : 1;
  const inferences = inferencesOfProtocol(protocol, images, evaluated);
  const untimed = inferencesOfProtocol({ ...protocol, rounds: 0 }, images, evaluated);
  const [untimedMs, timedMs] = times.reduce(
    ([before, timed], { ms }) => [
      before + untimed * ms + setups * setupMs,
      timed + (sustained ? sustained.durationMs : (inferences - untimed) * ms),
    ],
    [0, 0],
  );
  return untimedMs + Math.min(timedMs, stopping?.budgetMs ?? Number.POSITIVE_INFINITY);
}

/** What building and loading took on this device so far, on average in milliseconds; undefined: not known. */
export function meanSetupMs(trials: readonly Trial[], environment: Environment): number | undefined {
  const took = trialsOfDevice(trials, environment).flatMap(({ buildMs, sessionCreateMs }) =>
    buildMs === null || sessionCreateMs === null ? [] : [buildMs + sessionCreateMs],
  );
  return took.length === 0 ? undefined : took.reduce((sum, ms) => sum + ms, 0) / took.length;
}
