import { quantileOfSorted } from '../statistics/summary.ts';
import type { StrategyFacts } from './strategy-facts.ts';

/**
 * The level of a strategy's latency in each round, the unit that differences are told of: inferences of one round
 * follow each other and are disturbed together, so they are not independent; rounds lie apart, with all other
 * strategies between. A level is the median of the round, or its mean where the clock is coarse; where images leave at
 * different exits, those by exit averaged by how many left there, since a median of all would jump between exits.
 * @returns level in milliseconds by round; rounds without a positive time are left out
 */
export function roundLevels(facts: StrategyFacts): ReadonlyMap<number, number> {
  const kept = known.get(facts) ?? levelsOfRounds(facts);
  known.set(facts, kept);
  return kept;
}

/** Facts never change, and every pair, the front and the table of speed-ups ask. */
const known = new WeakMap<StrategyFacts, ReadonlyMap<number, number>>();

function levelsOfRounds({ latencyMs, round, exit }: StrategyFacts): ReadonlyMap<number, number> {
  const rounds = new Map<number, Map<number, number[]>>();
  latencyMs.forEach((ms, at) => {
    const number = round[at] ?? 0;
    let exits = rounds.get(number);
    if (!exits) rounds.set(number, (exits = new Map<number, number[]>()));
    const taken = exit[at] ?? -1;
    const some = exits.get(taken);
    if (some) some.push(ms);
    else exits.set(taken, [ms]);
  });
  const levels = new Map<number, number>();
  for (const [number, exits] of rounds) {
    const all = [...exits.values()];
    const count = all.reduce((sum, { length }) => sum + length, 0);
    const level = all.reduce((sum, some) => sum + (some.length / count) * levelOf(some), 0);
    if (level > 0 && Number.isFinite(level)) levels.set(number, level);
  }
  return levels;
}

/** Times of fewer steps of the clock are coarse. */
const COARSE_STEPS = 10;

/** Of a step: clocks tell their steps not quite exactly. */
const STEP_ERROR = 1e-3;

/**
 * The median; the mean where these times are few steps of a coarse clock: their median would be one of the steps, and
 * rounds of zero would be lost, while the mean tells what lies between.
 */
function levelOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const median = quantileOfSorted(sorted, 0.5);
  let [step, before] = [Infinity, 0];
  for (const value of sorted) {
    if (value - before > 1e-9) step = Math.min(step, value - before);
    before = value;
  }
  const isCoarse =
    median <= COARSE_STEPS * step &&
    sorted.every((value) => Math.abs(value / step - Math.round(value / step)) < STEP_ERROR);
  return isCoarse ? values.reduce((sum, value) => sum + value, 0) / values.length : median;
}

/** The levels of two strategies in the rounds that both have, in order of rounds, in milliseconds. */
export function pairedLevels(
  a: ReadonlyMap<number, number>,
  b: ReadonlyMap<number, number>,
): readonly (readonly [a: number, b: number])[] {
  return [...a.keys()]
    .sort((one, other) => one - other)
    .flatMap((round) => {
      const [first, second] = [a.get(round), b.get(round)];
      return first === undefined || second === undefined ? [] : [[first, second] as const];
    });
}
