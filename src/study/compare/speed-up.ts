import { finish } from '../../base/finish.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import { isSameDevice } from '../measuring/reference.ts';
import type { Measure } from '../metrics.ts';
import { tiersOfPlacement } from '../placement/tiers.ts';
import type { Strategy, Trial } from '../trial.ts';
import { pairedDifference } from './paired-difference.ts';
import { pairedLevels, roundLevels } from './round-levels.ts';
import { factsOf } from './strategy-facts.ts';

/** How many times as fast as the unchanged model a strategy is. */
export interface SpeedUp {
  /** Bounds are null where there was one round only. */
  readonly measure: Measure;
  /** The trial of the unchanged model. */
  readonly over: Trial;
}

/**
 * The speed-ups of trials over the unchanged model, told as all differences are, see `pairedDifference`. It is 1 for
 * the unchanged model itself, and missing where that, or the trial, was not measured on the device.
 */
export function speedUps(trials: readonly Trial[]): ReadonlyMap<Trial, SpeedUp> {
  return finish(speedUpsInParts(trials));
}

/** The same in parts, between which others may have their turn: of many samples it takes long. */
export function* speedUpsInParts(
  trials: readonly Trial[],
): Generator<void, ReadonlyMap<Trial, SpeedUp>, void> {
  const measured = trials.filter(({ state }) => state.kind !== 'failed');
  const originals = measured.filter(({ strategy }) => isIdentity(strategy.recipe));
  const found = new Map<Trial, SpeedUp>();
  for (const trial of measured) {
    const over = originalOf(trial, originals);
    if (over === null) continue;
    const measure =
      over === trial
        ? { value: 1, low: 1, high: 1 }
        : ratioOf(pairedLevels(roundLevels(factsOf(trial)), roundLevels(factsOf(over))));
    if (measure !== null) found.set(trial, { measure, over });
    yield;
  }
  return found;
}

/**
 * The unchanged model that a trial is set against: of its model, input size and device; of several the one at the same
 * place, else where its first part runs, else without a placement, else the first.
 */
function originalOf(trial: Trial, originals: readonly Trial[]): Trial | null {
  const { strategy } = trial;
  const own = originals.filter(
    (each) =>
      each.strategy.modelId === strategy.modelId &&
      JSON.stringify(each.strategy.inputSize) === JSON.stringify(strategy.inputSize) &&
      isSameDevice(each.environment, trial.environment),
  );
  const runsAlike = ({ provider, threads }: Strategy) =>
    provider === strategy.provider && threads === strategy.threads;
  const firstTier = strategy.placement && tiersOfPlacement(strategy.placement.name)[0];
  const places: readonly ((other: Strategy) => boolean)[] = [
    ({ placement }) => JSON.stringify(placement) === JSON.stringify(strategy.placement),
    ({ placement }) => firstTier !== undefined && placement?.name === firstTier,
    ({ placement }) => placement === undefined,
    () => true,
  ];
  for (const isThere of places) {
    const there = own.filter((each) => isThere(each.strategy));
    const best = there.find((each) => runsAlike(each.strategy)) ?? there[0];
    if (best) return best;
  }
  return null;
}

/** Of the second's level over the first's. */
function ratioOf(levels: readonly (readonly [number, number])[]): Measure | null {
  const [only] = levels;
  if (only === undefined) return null;
  const difference = pairedDifference(levels);
  return difference
    ? { value: difference.ratio, low: difference.low, high: difference.high }
    : { value: only[1] / only[0], low: null, high: null };
}
