import { unreachable } from '../base/assert.ts';
import { InputError, type Remedy } from '../base/result.ts';
import { automaticCutOf } from './cuts/resolve-cut.ts';
import type { EarlyExitOperator, Operator, PartitionOperator, Recipe } from './recipe.ts';

/**
 * Refuses sequences of operators that make no sense whatever the model is.
 * @param path where the recipe stands, for the message: `recipe`, `recipes[3]`
 * @throws InputError `recipe-sequence` naming the operators that do not go together, why, and the nearest recipe
 * whose operators do
 */
export function checkSequence(recipe: Recipe, path = 'recipe'): void {
  const problem = problemOf(recipe, path);
  if (problem === null) return;
  const where = `${path}[${problem.at}]`;
  throw new InputError({
    code: 'recipe-sequence',
    message: `${where}: ${problem.message}`,
    where,
    hint: problem.hint,
    remedy: settled(problem.instead),
  });
}

/** What a recipe may have once: leaving blocks out is another thing than stopping at an output. */
export type Step = Operator['op'] | 'skip';

/** The step that an operator is. */
export function stepOf(operator: Operator): Step {
  return operator.op === 'early-exit' && operator.kind === 'skip' ? 'skip' : operator.op;
}

interface Instead extends Remedy {
  readonly recipe: Recipe;
}

interface Problem {
  /** Position of the operator that does not fit what stands before it. */
  readonly at: number;
  readonly message: string;
  readonly hint: string;
  readonly instead: Instead;
}

/** Goes on until nothing is wrong: each step has an operator less, or one in its right place. */
function settled(instead: Instead): Remedy {
  const problem = problemOf(instead.recipe, 'recipe');
  if (problem === null) return instead;
  const { label, recipe } = settled(problem.instead);
  return { label: `${instead.label}; ${label.charAt(0).toLowerCase()}${label.slice(1)}`, recipe };
}

function problemOf(recipe: Recipe, path: string): Problem | null {
  const firstIndexOf = new Map<Step, number>();
  for (const [at, operator] of recipe.entries()) {
    const problem = problemAfter(operator, firstIndexOf, path);
    if (problem !== null) return { at, ...problem, instead: withoutProblem(recipe, at, firstIndexOf) };
    const step = stepOf(operator);
    if (!firstIndexOf.has(step)) firstIndexOf.set(step, at);
  }
  const cut = firstIndexOf.get('partition');
  const nested = recipe.findIndex((operator) => operator.op === 'early-exit' && isNested(operator));
  const deciding = recipe[nested];
  if (cut === undefined || deciding?.op !== 'early-exit' || deciding.kind === 'skip') return null;
  return {
    at: cut,
    message: `partition with ${path}[${nested}] early-exit "form": "if": the one file that decides inside cannot be divided`,
    hint: 'Use "form": "segments" to run the parts on different tiers.',
    instead: {
      label: 'Decide between several files',
      recipe: recipe.with(nested, { ...deciding, form: 'segments' }),
    },
  };
}

function isNested(operator: EarlyExitOperator): boolean {
  return operator.kind !== 'skip' && operator.form === 'if';
}

function problemAfter(
  operator: Operator,
  firstIndexOf: ReadonlyMap<Step, number>,
  path: string,
): { message: string; hint: string } | null {
  const earlier = firstIndexOf.get(stepOf(operator));
  switch (operator.op) {
    case 'identity':
      return null;
    case 'prune': {
      const quantized = firstIndexOf.get('quantize');
      // Leaving blocks out reads no weights.
      if (quantized === undefined || operator.kind === 'block') return null;
      return {
        message: `prune after ${path}[${quantized}] quantize: the weights are rounded by then, and their magnitudes are ranked before`,
        hint: 'Move prune before quantize; zeros stay exactly zero when they are quantized.',
      };
    }
    case 'prepare': {
      const quantized = firstIndexOf.get('quantize');
      if (quantized === undefined) return null;
      return {
        message: `prepare after ${path}[${quantized}] quantize: it rewrites float layers, which are integers by then`,
        hint: 'Move prepare before quantize.',
      };
    }
    case 'quantize':
      if (earlier === undefined) return null;
      return {
        message: `quantize again after ${path}[${earlier}]: the weights are integers already`,
        hint: 'Keep one quantize operator.',
      };
    case 'early-exit':
      if (earlier === undefined) return null;
      if (operator.kind === 'skip') {
        return {
          message: `early-exit "skip" again after ${path}[${earlier}]: one operator says which blocks are left out`,
          hint: 'Keep one; its "bypass" can name several places.',
        };
      }
      return {
        message: `early-exit again after ${path}[${earlier}]: one operator says where inference may stop`,
        hint: 'Keep one; its "exits" and "threshold" can name several exits.',
      };
    case 'partition':
      if (earlier === undefined) return null;
      return {
        message: `partition again after ${path}[${earlier}]: one operator says where the model is cut`,
        hint: 'Keep one; its "cuts" can name two places, for three tiers.',
      };
    default:
      return unreachable(operator);
  }
}

/** The recipe with the operator in its right place, joined with the earlier one, or left out. */
function withoutProblem(recipe: Recipe, at: number, firstIndexOf: ReadonlyMap<Step, number>): Instead {
  const operator = recipe[at] as Operator;
  const rest = recipe.toSpliced(at, 1);
  const isRewriting = operator.op === 'prune' || operator.op === 'prepare';
  const before = firstIndexOf.get(isRewriting ? 'quantize' : stepOf(operator)) ?? 0;
  switch (operator.op) {
    case 'prune':
      return { label: 'Prune before quantizing', recipe: rest.toSpliced(before, 0, operator) };
    case 'prepare':
      return { label: 'Prepare before quantizing', recipe: rest.toSpliced(before, 0, operator) };
    case 'partition': {
      const first = recipe[before] as PartitionOperator;
      const { cut, ...other } = first;
      const isNamed = automaticCutOf(first) === null && automaticCutOf(operator) === null;
      if (!isNamed || cut === undefined || operator.cut === undefined)
        return { label: 'Keep the first cut only', recipe: rest };
      return {
        label: 'Cut at both places',
        recipe: rest.with(before, { ...other, cuts: [cut, operator.cut] }),
      };
    }
    case 'early-exit':
      return { label: 'Keep the first early exit only', recipe: rest };
    case 'quantize':
      return { label: 'Quantize once', recipe: rest };
    case 'identity':
      return { label: 'Leave it out', recipe: rest };
    default:
      return unreachable(operator);
  }
}
