/** What a whole costs depending on the levels of its parts, which need not add up. */
export interface JointCosts {
  readonly total: (levels: readonly number[]) => number;
  /** How much more the whole costs if one part goes to a level. */
  readonly change: (levels: readonly number[], part: number, level: number) => number;
  /** The parts, itself among them, whose changes cost something else once this one is at another level. */
  readonly neighbours: (part: number) => readonly number[];
}

/** A level for each part. */
export interface Allocation {
  readonly levels: readonly number[];
  /** The sum over the parts. */
  readonly loss: number;
  readonly cost: number;
  /** False: all parts at their last level cost more than the target. */
  readonly isReached: boolean;
}

/**
 * The levels with little loss in sum whose cost is at most a target. Again and again the part goes on whose loss is the
 * least for what it saves, to whichever later level that is (so a curve counts as its convex hull); then parts go back
 * as far as there is room, and pairs exchange while that lowers the loss. Where costs add up and curves are convex this
 * is the optimum but for the last step.
 * @param losses by part and level; a part starts at its first level
 */
export function allocate(
  losses: readonly (readonly number[])[],
  costs: JointCosts,
  target: number,
): Allocation {
  const levels = losses.map(() => 0);
  let cost = costs.total(levels);
  const best = losses.map((_, part) => bestStep(losses, costs, levels, part));
  const isStale = new Uint8Array(losses.length);
  while (cost > target) {
    const step = best.reduce<Step | null>(
      (one, other) => (other !== null && (one === null || other.slope < one.slope) ? other : one),
      null,
    );
    if (step === null) break;
    const { part, level, change } = step;
    // What others lost leaves less to save, so a step is never better than it was: only the first need be looked at.
    if (isStale[part] === 1) {
      best[part] = bestStep(losses, costs, levels, part);
      isStale[part] = 0;
      continue;
    }
    levels[part] = level;
    cost += change;
    for (const neighbour of costs.neighbours(part)) isStale[neighbour] = 1;
    isStale[part] = 1;
  }
  const isReached = cost <= target;
  if (isReached) exchange(losses, costs, levels, target);
  return { levels, loss: lossOf(losses, levels), cost: costs.total(levels), isReached };
}

interface Step {
  readonly part: number;
  readonly level: number;
  readonly change: number;
  /** Loss for each cost saved. */
  readonly slope: number;
}

function bestStep(
  losses: readonly (readonly number[])[],
  costs: JointCosts,
  levels: readonly number[],
  part: number,
): Step | null {
  const own = losses[part] as readonly number[];
  const now = levels[part] as number;
  let best: Step | null = null;
  for (let level = now + 1; level < own.length; level++) {
    const change = costs.change(levels, part, level);
    if (change >= 0) continue;
    const slope = ((own[level] as number) - (own[now] as number)) / -change;
    if (best === null || slope < best.slope) best = { part, level, change, slope };
  }
  return best;
}

/** Changes of one or two parts that lower the loss within the target, the best first, until there is none. */
function exchange(
  losses: readonly (readonly number[])[],
  costs: JointCosts,
  levels: number[],
  target: number,
): void {
  for (let round = 0; round < MOST_EXCHANGES; round++) {
    const found = bestExchange(losses, costs, levels, target - costs.total(levels));
    if (found === null) return;
    for (const { part, level } of found) levels[part] = level;
  }
}

const MOST_EXCHANGES = 200;
/** Of more pairs exchanges are not tried: they would take longer than they are worth. */
const MOST_PAIRS = 5000;

interface Move {
  readonly part: number;
  readonly level: number;
}

function bestExchange(
  losses: readonly (readonly number[])[],
  costs: JointCosts,
  levels: readonly number[],
  room: number,
): readonly Move[] | null {
  let best: readonly Move[] | null = null;
  // Sums in another order differ in the last digits.
  let bestGain = 1e-12 * lossOf(losses, levels);
  const gainOf = (part: number, level: number): number =>
    (losses[part]?.[levels[part] as number] as number) - (losses[part]?.[level] as number);
  const areFew = losses.length ** 2 <= MOST_PAIRS;
  for (const [part, now] of levels.entries()) {
    for (let level = now - 1; level >= 0; level--) {
      const gain = gainOf(part, level);
      if (gain <= bestGain) continue;
      const change = costs.change(levels, part, level);
      if (change <= room) {
        [best, bestGain] = [[{ part, level }], gain];
        continue;
      }
      if (!areFew) continue;
      const without = levels.with(part, level);
      for (const [other, from] of levels.entries()) {
        if (other === part) continue;
        // The first level that saves enough: later ones lose more.
        for (let on = from + 1; on < (losses[other] as readonly number[]).length; on++) {
          const both = gain + gainOf(other, on);
          if (both <= bestGain) break;
          if (change + costs.change(without, other, on) > room) continue;
          best = [
            { part, level },
            { part: other, level: on },
          ];
          bestGain = both;
          break;
        }
      }
    }
  }
  return best;
}

function lossOf(losses: readonly (readonly number[])[], levels: readonly number[]): number {
  return levels.reduce((sum, level, part) => sum + (losses[part]?.[level] ?? 0), 0);
}
