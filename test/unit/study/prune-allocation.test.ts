import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { allocate, type JointCosts } from '../../../src/study/prune-allocation.ts';

const LEVELS = 5;

/** Layers in a row: each costs the product of what is left of the parts on both of its sides. */
function rowOfLayers(widths: readonly number[], left: readonly number[]): JointCosts {
  const total = (levels: readonly number[]): number => {
    const sizes = [1, ...levels.map((level, part) => (widths[part] as number) * (left[level] as number)), 1];
    return sizes.slice(1).reduce((sum, size, at) => sum + size * (sizes[at] as number), 0);
  };
  return {
    total,
    change: (levels, part, level) => total(levels.with(part, level)) - total(levels),
    neighbours: (part) => [part - 1, part, part + 1].filter((each) => each >= 0 && each < widths.length),
  };
}

function sumOfParts(widths: readonly number[], left: readonly number[]): JointCosts {
  const total = (levels: readonly number[]): number =>
    levels.reduce((sum, level, part) => sum + (widths[part] as number) * (left[level] as number), 0);
  return {
    total,
    change: (levels, part, level) => total(levels.with(part, level)) - total(levels),
    neighbours: (part) => [part],
  };
}

/** Each level of each part, all combinations. */
function leastLoss(losses: readonly (readonly number[])[], costs: JointCosts, target: number): number {
  let least = Infinity;
  const levels = losses.map(() => 0);
  for (let code = 0; code < LEVELS ** losses.length; code++) {
    let [rest, loss] = [code, 0];
    for (let part = 0; part < losses.length; part++) {
      levels[part] = rest % LEVELS;
      rest = Math.floor(rest / LEVELS);
      loss += losses[part]?.[levels[part] as number] as number;
    }
    if (loss < least && costs.total(levels) <= target) least = loss;
  }
  return least;
}

const LEFT = [1, 0.8, 0.6, 0.4, 0.2];
const PARTS = 5;

describe('ratios for a target', () => {
  it.each([
    ['costs that add up', sumOfParts],
    ['costs that multiply', rowOfLayers],
  ])('%s: within the target, and hardly worse than the best of all combinations', (_, costsOf) => {
    const excesses: number[] = [];
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const draw = (): readonly number[] => Array.from({ length: PARTS }, () => 0.2 + random());
      const costs = costsOf(draw(), LEFT);
      const losses = draw().map((scale, part) =>
        LEFT.map((left) => scale * (1 - left) ** (1 + (part % 3)) * (1 + 0.2 * random())),
      );
      const target = costs.total(losses.map(() => 0)) * (0.3 + 0.5 * random());
      const found = allocate(losses, costs, target);
      expect(found.isReached).toBe(true);
      expect(found.cost).toBe(costs.total(found.levels));
      expect(found.cost).toBeLessThanOrEqual(target);
      const best = leastLoss(losses, costs, target);
      expect(found.loss).toBeGreaterThanOrEqual(best - 1e-12);
      excesses.push(found.loss / best - 1);
    }
    expect(Math.max(...excesses)).toBeLessThan(0.15);
    expect(excesses.reduce((sum, excess) => sum + excess, 0) / excesses.length).toBeLessThan(0.01);
  });

  it('passes a level that costs much for one behind it that costs little more', () => {
    const losses = [
      [0, 5, 5.1],
      [0, 3, 7],
    ];
    const found = allocate(losses, sumOfParts([1, 1], [1, 0.6, 0.2]), 1.2);
    expect(found.levels).toEqual([2, 0]);
  });

  it('stops where no part has a level left, and says so', () => {
    const found = allocate([[0, 1], [0], [0, 2]], sumOfParts([1, 1, 1], [1, 0.5]), 1);
    expect(found).toEqual({ levels: [1, 0, 1], loss: 3, cost: 2, isReached: false });
  });

  it('takes nothing where nothing has to go', () => {
    const found = allocate([[0, 1]], sumOfParts([1], [1, 0.5]), 1);
    expect(found).toEqual({ levels: [0], loss: 0, cost: 1, isReached: true });
  });
});
