import { InputError } from '../../base/result.ts';
import { isEmulatedTrial, trialMetrics } from '../metrics.ts';
import type { Trial } from '../trial.ts';

/**
 * How many times as fast another device is, by the strategies that both measured: the geometric mean of the ratios
 * of their median latencies.
 * @param there trials of the other device
 * @param here trials of this device
 * @throws InputError `nothing-in-common` if no strategy was measured on both
 */
export function speedFactorFrom(
  there: readonly Trial[],
  here: readonly Trial[],
): { readonly speedFactor: number; readonly strategies: number } {
  const ratios = here.flatMap((mine) => {
    const other = there.find((trial) => whatRan(trial) === whatRan(mine));
    const [myMs, theirMs] = [measuredMs(mine), other ? measuredMs(other) : null];
    return myMs !== null && theirMs !== null ? [Math.log(myMs / theirMs)] : [];
  });
  if (ratios.length === 0) {
    throw new InputError({
      code: 'nothing-in-common',
      message: 'no strategy was measured both there and here, so the two devices cannot be compared',
      hint: 'Measure the same model with the same recipe on both devices, e.g. the unchanged model.',
    });
  }
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  return { speedFactor: Math.exp(mean), strategies: ratios.length };
}

/** The device's best provider may differ; what counts is what it does with the same work. */
function whatRan({ strategy }: Trial): string {
  return JSON.stringify([strategy.modelId, strategy.recipe]);
}

function measuredMs(trial: Trial): number | null {
  const median = isEmulatedTrial(trial) ? null : (trialMetrics(trial).latencyMedianMs?.value ?? null);
  return median !== null && median > 0 ? median : null;
}
