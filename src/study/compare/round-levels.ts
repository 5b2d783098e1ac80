import { medianOf } from '../statistics/summary.ts';
import type { StrategyFacts } from './strategy-facts.ts';

/**
 * The level of a strategy's latency in each round, the unit that differences are told of: inferences of one round
 * follow each other and are disturbed together, so they are not independent; rounds lie apart, with all other
 * strategies between. A level is the median of the round; where images leave at different exits, the medians by exit
 * averaged by how many left there, since a median of all would jump between exits.
 * @returns level in milliseconds by round; rounds without a positive time are left out
 */
export function roundLevels({ latencyMs, round, exit }: StrategyFacts): ReadonlyMap<number, number> {
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
    const level = all.reduce((sum, some) => sum + (some.length / count) * medianOf(some), 0);
    if (level > 0 && Number.isFinite(level)) levels.set(number, level);
  }
  return levels;
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
