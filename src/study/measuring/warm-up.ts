import type { Protocol, WarmUp } from '../trial.ts';
import { levelsOf, noiseAroundTrend } from './levels.ts';

/** Levels this close, as a share, are the same: further warm-up would not change a comparison. */
const SAME_LEVEL = 0.03;

/** Fewer steady runs could be chance. */
const FEWEST_STEADY_RUNS = 4;

/** Of a longer warm-up so much must be steady, lest a slow descent passes for its end. */
const STEADY_SHARE = 0.25;

/** Of the logarithm: smaller differences are never told. */
const LEAST_NOISE = 0.01;

/** Latencies below the finest clock's step tell nothing. */
const LEAST_MS = 0.005;

/** Runs after which it is looked again whether latency is steady. */
const BATCH = 5;

/**
 * Engines look steady long before they are: code compiled in haste runs until better code was compiled beside it. A few
 * runs of a fast model end before that, so a warm-up has to take this long, too, if its runs suffice.
 */
export const LEAST_WARM_UP_MS = 500;

/**
 * The first run of the steady part of a warm-up: the last level of latency, with the levels before it that are the
 * same within 3 %. Single slow runs within do not count.
 * @param latenciesMs of the runs, in order
 * @returns null if the last level is too short to call it steady
 * @source Barrett et al. 2017, Virtual machine warmup blows hot and cold, section 3.3: changes of level, and which are
 *   equal to the last
 */
export function steadyFrom(latenciesMs: readonly number[]): number | null {
  const logs = latenciesMs.map((latencyMs) => Math.log(Math.max(latencyMs, LEAST_MS)));
  // The second half is the steadier one; the first would make noise of what is to be found.
  const noise = noiseAroundTrend(logs.slice(-Math.max(FEWEST_STEADY_RUNS, Math.ceil(logs.length / 2))));
  const levels = levelsOf(logs, Math.max(LEAST_NOISE, noise));
  const last = levels.at(-1);
  if (!last) return null;
  let { from } = last;
  for (const level of levels.slice(0, -1).reverse()) {
    if (Math.abs(level.mean - last.mean) <= SAME_LEVEL) from = level.from;
    // A few slow runs between like ones are a disturbance; at the start they are the warm-up.
    else if (level.to - level.from > 2) break;
  }
  const steady = latenciesMs.length - from;
  return steady >= Math.max(FEWEST_STEADY_RUNS, STEADY_SHARE * latenciesMs.length) ? from : null;
}

/** Runs to be made next; 0 when it is over. */
export function nextWarmUpRuns(protocol: Protocol, latenciesMs: readonly number[]): number {
  const { warmUpRuns, mostWarmUpRuns = warmUpRuns } = protocol;
  const done = latenciesMs.length;
  if (done < warmUpRuns) return warmUpRuns - done;
  const tookMs = latenciesMs.reduce((sum, latencyMs) => sum + latencyMs, 0);
  if (done > 0 && tookMs >= LEAST_WARM_UP_MS && steadyFrom(latenciesMs) !== null) return 0;
  return Math.max(0, Math.min(BATCH, mostWarmUpRuns - done));
}

/** Runs that a visit of the reference needs at least in a session made anew. */
const REFERENCE_RUNS = 10;

/** The protocol for a visit that only looks whether the device changed: a fixed number of runs ends when it is steady. */
export function shortWarmUp(protocol: Protocol): Protocol {
  const { warmUpRuns, mostWarmUpRuns = warmUpRuns } = protocol;
  return { ...protocol, warmUpRuns: Math.min(REFERENCE_RUNS, warmUpRuns), mostWarmUpRuns };
}

/** What a warm-up came to, once it is over. */
export function warmUpOf(protocol: Protocol, firstSequence: number, latenciesMs: readonly number[]): WarmUp {
  const from = steadyFrom(latenciesMs);
  return {
    firstSequence,
    runs: latenciesMs.length,
    steadyFrom: from,
    state: protocol.mostWarmUpRuns === undefined ? 'fixed' : from === null ? 'never-steady' : 'steady',
  };
}
