import type { Recipe } from '../../transforms/recipe.ts';
import { timedSamples, isEmulatedTrial } from '../metrics.ts';
import { summarise } from '../statistics/summary.ts';
import type { Environment, Strategy, Trial } from '../trial.ts';

/** What a time rests on, the best first. */
export type TimeBasis =
  /** The same strategy ran here. */
  | 'measured'
  /** Nodes or the whole model were measured here. */
  | 'predicted'
  /** The unchanged model was tried here for a moment. */
  | 'tried'
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
  /** What an inference of the unchanged model took when it was tried for a moment, in milliseconds; null: it was not. */
  readonly triedMs: (strategy: Strategy) => number | null;
  /** Multiply-accumulates of an inference of the unchanged model. */
  readonly macsOf: (modelId: string) => number;
}

/** What wasm does on one core; speaks until something was measured. */
export const ASSUMED_MACS_PER_MS = 18e6;
/** Decoding and preparing a small image. */
const ASSUMED_AROUND_MS = 0.5;

/**
 * Expects what an inference of each strategy takes on this device. What is emulated takes what computing takes here:
 * links are calculated, not waited for.
 */
export function inferenceTimes(
  strategies: readonly Strategy[],
  { environment, trials, predictedMs, triedMs, macsOf }: TimeSources,
): ReadonlyMap<string, InferenceTime> {
  const here = trialsOfDevice(trials, environment).filter((trial) => timedSamples(trial).length > 0);
  const times = here.map((trial) => ({ trial, ms: meanTotalMs(trial) }));
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
      const left = shareLeft(strategy.recipe);
      const tried = triedMs(strategy);
      if (tried !== null) return [strategy.id, { ms: tried * left, basis: 'tried' }];
      const macs = macsOf(strategy.modelId) * left;
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
  return totalsOf(trial)?.median ?? 0;
}

/** The mean, because what takes long now and then is waited for, too. */
function meanTotalMs(trial: Trial): number {
  return totalsOf(trial)?.mean ?? 0;
}

function totalsOf(trial: Trial) {
  return summarise(timedSamples(trial).map(({ totalMs }) => totalMs));
}
