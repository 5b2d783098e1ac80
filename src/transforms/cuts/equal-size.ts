import type { CutGraph } from './cut-graph.ts';
import { isNested, type UnitsBefore } from './frontier.ts';
import { FrontierCounter, MOST_FRONTIERS, walkFrontiers, type WalkState } from './walk-frontiers.ts';

export interface EqualSizeCut {
  readonly before: UnitsBefore;
  /** Whether all frontiers were compared. */
  readonly isExact: boolean;
}

/**
 * The frontier with the least difference between the weights of its two parts, in bytes; of equal ones the one
 * that fewest bytes cross, then the fewest values, then the earliest. All frontiers are compared, those inside
 * blocks and inside branches included, if there are at most `limit` (each model of the gallery has at most some
 * thousands). Of graphs with more, the best prefix of the topological order is improved by moving single units as
 * long as that helps: good, but not certain to be the best.
 * @returns null if no frontier divides the graph, or only values cross whose size is not known
 * @source Singh et al., algorithm 2 (over single edges there)
 */
export function equalSizeCut(graph: CutGraph, limit = MOST_FRONTIERS): EqualSizeCut | null {
  let best: Candidate | null = null;
  const isExact = walkFrontiers(
    graph,
    (state) => {
      if (isBetter(graph, state, best)) best = candidateOf(state);
    },
    limit,
  );
  if (!isExact) best = byLocalMoves(graph, best);
  return best === null ? null : { before: (best as Candidate).before, isExact };
}

interface Candidate {
  readonly before: UnitsBefore;
  readonly difference: number;
  readonly crossingBytes: number;
  readonly crossingValues: number;
  readonly unitsBefore: number;
}

function candidateOf(state: WalkState): Candidate {
  const { crossingBytes, crossingValues, unitsBefore } = state;
  return {
    before: state.before.slice(),
    difference: differenceOf(state),
    crossingBytes,
    crossingValues,
    unitsBefore,
  };
}

function differenceOf({ weightBytesBefore, weightBytesAfter }: WalkState): number {
  return Math.abs(weightBytesBefore - weightBytesAfter);
}

function isBetter(graph: CutGraph, state: WalkState, best: Candidate | null): boolean {
  const { unitsBefore, crossingUnknown } = state;
  if (unitsBefore === 0 || unitsBefore === graph.units.length || crossingUnknown > 0) return false;
  if (best === null) return true;
  const by =
    differenceOf(state) - best.difference ||
    state.crossingBytes - best.crossingBytes ||
    state.crossingValues - best.crossingValues ||
    unitsBefore - best.unitsBefore;
  return by < 0;
}

function byLocalMoves(graph: CutGraph, found: Candidate | null): Candidate | null {
  const counter = new FrontierCounter(graph);
  let best: Candidate | null = null;
  const consider = (): boolean => {
    if (!isBetter(graph, counter, best)) return false;
    best = candidateOf(counter);
    return true;
  };
  for (let unit = 0; unit < graph.units.length; unit++) {
    counter.join(unit);
    consider();
  }
  const goTo = (before: UnitsBefore): void => {
    for (let unit = graph.units.length - 1; unit >= 0; unit--) {
      if (counter.before[unit] === 1 && before[unit] === 0) counter.leave(unit);
    }
    before.forEach((isBefore, unit) => {
      if (isBefore === 1 && counter.before[unit] === 0) counter.join(unit);
    });
  };
  const start: Candidate | null = best;
  if (found !== null && (start === null || found.difference < (start as Candidate).difference)) best = found;
  // Each round makes the best better, and there are finitely many frontiers; the bound is for time.
  for (let round = 0; best !== null && round < graph.units.length; round++) {
    goTo((best as Candidate).before);
    let improved = false;
    graph.units.forEach((_, unit) => {
      if (counter.canJoin(unit)) {
        counter.join(unit);
        improved = consider() || improved;
        counter.leave(unit);
      } else if (counter.canLeave(unit)) {
        counter.leave(unit);
        improved = consider() || improved;
        counter.join(unit);
      }
    });
    if (!improved) break;
  }
  return best;
}

export interface EqualSizeCuts {
  /** One inside the other. */
  readonly before: readonly [UnitsBefore, UnitsBefore];
  /** Whether all pairs of frontiers were considered. */
  readonly isExact: boolean;
}

/** Pairs are compared of at most so many frontiers; each is kept meanwhile. */
const MOST_FRONTIERS_OF_PAIRS = 20_000;

/**
 * Two frontiers, one inside the other, whose three parts have weights as equal as can be: with the least difference
 * in bytes between the largest and the smallest; of equal ones those that fewest bytes cross. Of graphs with more than
 * `limit` frontiers only those straight across the topological order are compared.
 * @returns null if no two frontiers divide the graph, or only values cross whose size is not known
 */
export function equalSizeCuts(graph: CutGraph, limit = MOST_FRONTIERS_OF_PAIRS): EqualSizeCuts | null {
  const places: Place[] = [];
  const note = (state: WalkState): void => {
    const { unitsBefore, crossingUnknown, crossingBytes, weightBytesBefore, weightBytesAfter } = state;
    if (unitsBefore === 0 || unitsBefore === graph.units.length || crossingUnknown > 0) return;
    places.push({ before: state.before.slice(), crossingBytes, weightBytesBefore, weightBytesAfter });
  };
  const isExact = walkFrontiers(graph, note, limit);
  if (!isExact) {
    places.length = 0;
    const counter = new FrontierCounter(graph);
    for (let unit = 0; unit < graph.units.length; unit++) {
      counter.join(unit);
      note(counter);
    }
  }
  const total = graph.weightBytes.reduce((sum, bytes) => sum + bytes, 0);
  const distance = (bytes: number): number => Math.abs(bytes - total / 3);
  // The most promising first, so that few of the others need to be looked at.
  const firsts = places.toSorted((a, b) => distance(a.weightBytesBefore) - distance(b.weightBytesBefore));
  const seconds = places.toSorted((a, b) => a.weightBytesAfter - b.weightBytesAfter);
  let best: { readonly pair: [Place, Place]; readonly difference: number; readonly bytes: number } | null =
    null;
  for (const first of firsts) {
    const least = best?.difference ?? Infinity;
    const head = first.weightBytesBefore;
    for (let at = firstFrom(seconds, head - least); at < seconds.length; at++) {
      const second = seconds[at] as Place;
      const tail = second.weightBytesAfter;
      const bound: number = best?.difference ?? Infinity;
      if (tail > head + bound) break;
      // What neither the first nor the last part has is in the middle; weights used twice may be there, too.
      if (total - head - tail - Math.min(head, tail) > bound) continue;
      const middle = weightsBetween(graph, first.before, second.before);
      if (middle === null) continue;
      const difference = Math.max(head, middle, tail) - Math.min(head, middle, tail);
      const bytes = first.crossingBytes + second.crossingBytes;
      if (best === null || difference < bound || (difference === bound && bytes < best.bytes))
        best = { pair: [first, second], difference, bytes };
    }
  }
  return best && { before: [best.pair[0].before, best.pair[1].before], isExact };
}

/** A frontier with what is compared of it. */
type Place = Pick<WalkState, 'before' | 'crossingBytes' | 'weightBytesBefore' | 'weightBytesAfter'>;

/** The first place, of those sorted by the weights behind them, that has at least so many. */
function firstFrom(sorted: readonly Place[], bytes: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as Place).weightBytesAfter < bytes) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bytes of the weights used between two frontiers; null if they are not one inside the other, or nothing is between. */
function weightsBetween(graph: CutGraph, first: UnitsBefore, second: UnitsBefore): number | null {
  if (!isNested(first, second)) return null;
  const weights = new Set<number>();
  let units = 0;
  graph.units.forEach(({ weights: own }, unit) => {
    if (first[unit] === 1 || second[unit] === 0) return;
    units++;
    for (const weight of own) weights.add(weight);
  });
  if (units === 0) return null;
  let bytes = 0;
  for (const weight of weights) bytes += graph.weightBytes[weight] as number;
  return bytes;
}
