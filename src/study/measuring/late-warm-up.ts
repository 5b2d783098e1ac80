import { grouped } from '../../base/grouped.ts';
import { medianOf } from '../statistics/summary.ts';
import { timedSamples } from '../metrics.ts';
import type { Trial } from '../trial.ts';
import { relativeLogs } from './interference.ts';
import { differenceNoise, levelsOf } from './levels.ts';

/** Rounds of a trial in which it was still warming up. */
interface LateWarmUp {
  /** The first round that is like the later ones. */
  readonly steadyRound: number;
  /** Of the rounds before to the later ones. */
  readonly ratio: number;
}

/** Of the logarithm: smaller steps are none of the engine's. */
const LEAST_STEP = Math.log(1.1);

/** With fewer rounds a step cannot be told from a disturbance. */
const FEWEST_ROUNDS = 6;

/** Of the logarithm: rounds are never told apart better. */
const LEAST_NOISE = 0.02;

/**
 * The first rounds of a trial, where they were slower than all later ones and other strategies were not slower in the
 * same rounds: the engine was still replacing code that it had compiled in haste. On slow devices that lasts for many
 * seconds in which latency looks steady, so no warm-up before can tell; looking back, it is plain.
 * @param trials of the same study, of which only interleaved ones tell
 * @returns null where all rounds count, or the device cannot be told from the strategy
 */
export function lateWarmUp(trial: Trial, trials: readonly Trial[]): LateWarmUp | null {
  const { order, mostWarmUpRuns } = trial.protocol;
  // A warm-up of fixed length is as the protocol wants it.
  if (order === 'sequential' || mostWarmUpRuns === undefined) return null;
  const own = logsOfRounds(trial);
  const others = trials.filter((other) => other !== trial).map(logsOfRounds);
  const rounds = [...own.keys()].sort((a, b) => a - b);
  const compared: { readonly round: number; readonly own: number; readonly others: readonly number[] }[] = [];
  for (const round of rounds) {
    const around = others.flatMap((other) => other.get(round) ?? []);
    if (around.length > 0) compared.push({ round, own: own.get(round) as number, others: around });
  }
  const slowness = compared.map((each) => each.own - medianOf(each.others));
  if (slowness.length < FEWEST_ROUNDS) return null;
  const [first, ...later] = levelsOf(slowness, Math.max(LEAST_NOISE, differenceNoise(slowness)));
  // The median of all is that of the later ones only where these are the most.
  if (!first || later.length === 0 || first.to > slowness.length / 2) return null;
  const step = first.mean - Math.max(...later.map(({ mean }) => mean));
  const steady = compared[first.to];
  if (step < LEAST_STEP || !steady || (first.to === 1 && !isAlone(compared[0]))) return null;
  return {
    steadyRound: steady.round,
    ratio: Math.exp(first.mean - medianOf(slowness.slice(first.to))),
  };
}

/** The device may have changed in the middle of a single round, which would make all slow that came before in it. */
function isAlone(round: { readonly own: number; readonly others: readonly number[] } | undefined): boolean {
  return !!round && round.others.length > 1 && round.own - Math.max(...round.others) > LEAST_STEP;
}

/** Counts the rounds before as warm-up, and says so. */
export function withLateWarmUp(trial: Trial, { steadyRound, ratio }: LateWarmUp): Trial {
  const before = (round: number): boolean => round < steadyRound;
  return {
    ...trial,
    samples: trial.samples.map((sample) => (before(sample.round) ? { ...sample, warmUp: true } : sample)),
    warnings: [
      ...trial.warnings,
      `Up to round ${steadyRound} it took ${ratio.toFixed(2)} × as long as later: the engine was still warming up, so those rounds count as warm-up.`,
    ],
  };
}

/** Trials are facts that never change, and each is compared with all others. */
const known = new WeakMap<Trial, ReadonlyMap<number, number>>();

/** How slow each round was, by round, to the trial's own median. */
function logsOfRounds(trial: Trial): ReadonlyMap<number, number> {
  const kept = known.get(trial);
  if (kept) return kept;
  const samples = timedSamples(trial).filter(({ computeMs }) => computeMs > 0);
  const rounds = grouped(relativeLogs(samples), (_, at) => samples[at]?.round ?? 0);
  const medians = new Map([...rounds].map(([round, logs]) => [round, medianOf(logs)]));
  known.set(trial, medians);
  return medians;
}
