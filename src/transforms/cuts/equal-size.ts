import type { CutGraph } from './cut-graph.ts';
import type { UnitsBefore } from './frontier.ts';
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
