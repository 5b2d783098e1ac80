import { isIdentity } from '../../transforms/recipe.ts';
import type { Strategy } from '../trial.ts';

/**
 * Strategies in the order in which they are expected to tell most, so that a study that ends early has told most of
 * what it could:
 *
 * 1. The unchanged model, once of each model: what all others are compared with.
 * 2. Then always the one that is farthest from all before it, times 1 to 2 for how much faster than its unchanged
 *    model it is expected to be (twice as fast or more counts 2), because those are likely on the front.
 *
 * Distance counts what is different: 2 for an operator that only one of both has and for another model, 1 for an
 * operator with other settings, another placement, provider or size, 1/2 for another number of threads. Of equal ones
 * the first listed comes first. Takes time as the square of their number.
 * @param msOf what an inference is expected to take
 */
export function inInformationOrder(
  strategies: readonly Strategy[],
  msOf: (strategy: Strategy) => number,
): readonly Strategy[] {
  const wholes = new Map<string, Strategy>();
  for (const strategy of strategies)
    if (isIdentity(strategy.recipe) && !wholes.has(strategy.modelId)) wholes.set(strategy.modelId, strategy);
  const ordered = [...wholes.values()];
  const first = new Set(ordered);
  const rest = strategies
    .filter((strategy) => !first.has(strategy))
    .map((strategy) => ({
      strategy,
      traits: traitsOf(strategy),
      gain: gainOf(strategy),
      distance: Infinity,
    }));

  function gainOf(strategy: Strategy): number {
    const whole = wholes.get(strategy.modelId);
    if (whole === undefined) return 1;
    const ratio = Math.log2(msOf(whole) / msOf(strategy));
    return Number.isFinite(ratio) ? 1 + Math.min(1, Math.max(0, ratio)) : 1;
  }

  const near = (added: Strategy): void => {
    const traits = traitsOf(added);
    for (const each of rest) each.distance = Math.min(each.distance, distanceOf(each.traits, traits));
  };
  for (const whole of ordered) near(whole);
  while (rest.length > 0) {
    const best = rest.reduce((a, b) => (b.distance * b.gain > a.distance * a.gain ? b : a));
    rest.splice(rest.indexOf(best), 1);
    ordered.push(best.strategy);
    near(best.strategy);
  }
  return ordered;
}

interface Traits {
  /** Settings by operator and kind. */
  readonly operators: ReadonlyMap<string, string>;
  readonly axes: readonly { readonly value: string; readonly weight: number }[];
}

function traitsOf({ modelId, recipe, provider, threads, placement, inputSize }: Strategy): Traits {
  const operators = new Map<string, string>();
  for (const operator of recipe)
    if (operator.op !== 'identity') operators.set(operator.op, JSON.stringify(operator));
  return {
    operators,
    axes: [
      { value: modelId, weight: 2 },
      { value: provider, weight: 1 },
      { value: placement?.name ?? '', weight: 1 },
      { value: JSON.stringify(inputSize ?? null), weight: 1 },
      { value: String(threads), weight: 0.5 },
    ],
  };
}

function distanceOf(a: Traits, b: Traits): number {
  let distance = 0;
  for (const [op, settings] of a.operators) {
    const other = b.operators.get(op);
    if (other === undefined) distance += 2;
    else if (other !== settings) distance += 1;
  }
  for (const op of b.operators.keys()) if (!a.operators.has(op)) distance += 2;
  a.axes.forEach(({ value, weight }, index) => {
    if (value !== b.axes[index]?.value) distance += weight;
  });
  return distance;
}
