import { isIdentity } from '../../transforms/recipe.ts';
import type { Environment, Trial } from '../trial.ts';

/**
 * The trial whose strategy shows whether the device changes: the one that was visited for that, else the unchanged
 * model, else the first. Null if none can run.
 * @param here the device; trials of others do not tell of it
 */
export function referenceTrial(trials: readonly Trial[], here: Environment): Trial | null {
  const able = trials.filter(
    ({ state, environment }) => state.kind !== 'failed' && isSameDevice(environment, here),
  );
  const identities = able.filter(({ strategy }) => isIdentity(strategy.recipe));
  return (
    able.find(({ samples }) => samples.some(({ reference }) => reference)) ??
    // Placements may be refused for lack of memory.
    identities.find(({ strategy }) => !strategy.placement) ??
    identities[0] ??
    able[0] ??
    null
  );
}

/** Whether times taken in both may be compared as if they were taken in one. */
export function isSameDevice(there: Environment, here: Environment): boolean {
  return (
    there.userAgent === here.userAgent &&
    there.hardwareConcurrency === here.hardwareConcurrency &&
    there.crossOriginIsolated === here.crossOriginIsolated
  );
}
