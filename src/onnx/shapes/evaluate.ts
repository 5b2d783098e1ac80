import { intAttribute } from '../attributes.ts';
import { arithmeticEvaluators } from './element-arithmetic.ts';
import { movementEvaluators } from './element-movement.ts';
import { type ElementBudget, type Evaluator, maxElements, withinBudget } from './elements.ts';
import { type Facts, productOf, type ShapeContext } from './facts.ts';

const evaluators: ReadonlyMap<string, Evaluator> = new Map([...movementEvaluators, ...arithmeticEvaluators]);

/**
 * Adds to each output how its elements follow from the inputs' elements, where they do. Nothing is read or
 * computed before somebody asks for them.
 */
export function withElements(
  key: string,
  context: ShapeContext,
  outputs: readonly Facts[],
  budget: ElementBudget,
): readonly Facts[] {
  const evaluator = evaluators.get(key);
  // Operator sets before 7 aligned the second operand of arithmetic in a way of their own.
  if (!evaluator || intAttribute(context.node, 'broadcast') === 1) return outputs;
  // The shape of Shape's output is known even where the input's elements are not.
  const fromShapeOnly = key === 'Shape' || key === 'Size';
  if (!fromShapeOnly && context.inputs.some((input) => input !== null && input.elements === null))
    return outputs;
  let size = 0;
  for (const { shape } of outputs) size += (shape && productOf(shape)) ?? Number.POSITIVE_INFINITY;
  if (size > maxElements) return outputs;
  const compute = withinBudget(size, budget, () => evaluator(context, outputs));
  return outputs.map((facts, position) => ({ ...facts, elements: () => compute()?.[position] ?? null }));
}
