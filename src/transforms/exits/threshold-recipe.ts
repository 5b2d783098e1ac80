import type { ConfidenceMeasure } from './confidence.ts';
import type { EarlyExitOperator, ExitForm, Recipe } from '../recipe.ts';
import type { VariantPlan } from '../variant.ts';

/** An exit as a built plan knows it. */
export interface PlannedExit {
  /** In `GraphView.exits` of the model with all its exits. */
  readonly index: number;
  readonly output: string;
}

/** How the thresholds of a recipe decide. */
export interface DecisionChoice {
  readonly confidence: ConfidenceMeasure;
  readonly form: ExitForm;
}

/**
 * The recipe with all exits it can have, none chosen yet: what is passed over to learn thresholds from.
 * A recipe without an early-exit operator gets one for the exits that the model has.
 */
export function allExits(recipe: Recipe): Recipe {
  const found = recipe.find(isStopping);
  const all: EarlyExitOperator =
    found?.kind === 'trained'
      ? {
          op: 'early-exit',
          kind: 'trained',
          at: found.at,
          ...(found.seed !== undefined && { seed: found.seed }),
          threshold: 1,
        }
      : { op: 'early-exit', kind: 'existing', threshold: 1 };
  return found === undefined
    ? [all, ...recipe.filter(({ op }) => op !== 'identity')]
    : recipe.map((operator) => (operator === found ? all : operator));
}

/**
 * The recipe that stops by these thresholds. Exits that nothing leaves at are left out, and where none is left
 * inference always goes to the end.
 * @param recipe as `allExits` gives it
 * @param exits of its plan, in order of work, the final one last
 * @param thresholds one for each exit but the last; infinite: nothing leaves there
 */
export function withThresholds(
  recipe: Recipe,
  exits: readonly PlannedExit[],
  thresholds: readonly number[],
  { confidence, form }: DecisionChoice,
): Recipe {
  const open = exits
    .slice(0, -1)
    .map((exit, at) => ({ ...exit, threshold: thresholds[at] ?? Number.POSITIVE_INFINITY }))
    .filter(({ threshold }) => Number.isFinite(threshold));
  const last = exits.at(-1);
  return recipe.flatMap((operator): Recipe => {
    if (!isStopping(operator)) return [operator];
    if (operator.kind === 'trained') {
      const thresholdOf = new Map(open.map(({ output, threshold }) => [output, threshold]));
      const stops = operator.at.flatMap((value) => {
        const threshold = thresholdOf.get(`exit_${value}`);
        return threshold === undefined ? [] : [{ value, threshold }];
      });
      if (stops.length === 0) return [];
      return [
        {
          ...operator,
          at: stops.map(({ value }) => value),
          threshold: stops.map(({ threshold }) => threshold),
          confidence,
          form,
        },
      ];
    }
    if (open.length === 0) {
      return last === undefined ? [] : [{ op: 'early-exit', kind: 'existing', exit: last.index }];
    }
    return [
      {
        op: 'early-exit',
        kind: 'existing',
        threshold: open.map(({ threshold }) => threshold),
        ...(open.length < exits.length - 1 && {
          exits: [...open, ...(last ? [last] : [])].map(({ index }) => index),
        }),
        confidence,
        form,
      },
    ];
  });
}

/** The plan with every exit passed by but the last. */
export function neverStopping(plan: VariantPlan): VariantPlan {
  return {
    ...plan,
    segments: plan.segments.map((segment, at) =>
      segment.exit === null || at === plan.segments.length - 1
        ? segment
        : { ...segment, exit: { ...segment.exit, threshold: Number.POSITIVE_INFINITY } },
    ),
  };
}

function isStopping(
  operator: Recipe[number],
): operator is Exclude<EarlyExitOperator, { readonly kind: 'skip' }> {
  return operator.op === 'early-exit' && operator.kind !== 'skip';
}
