import type { Graph } from '../model.ts';
import { type Facts, nothingKnown, type ShapeContext, type ShapeFunction, typed } from './facts.ts';

function subgraph(context: ShapeContext, name: string): Graph | null {
  const value = context.node.attributes.find((attribute) => attribute.name === name)?.value;
  return value?.kind === 'graph' ? value.value : null;
}

/** What both branches agree on. */
function ifShapes(context: ShapeContext): readonly Facts[] {
  const thenBranch = subgraph(context, 'then_branch');
  const elseBranch = subgraph(context, 'else_branch');
  if (!thenBranch || !elseBranch) return [];
  const thenFacts = context.inferSubgraph(thenBranch, []);
  const elseFacts = context.inferSubgraph(elseBranch, []);
  return thenFacts.map((facts, position) => agreed(facts, elseFacts[position] ?? nothingKnown));
}

function agreed(a: Facts, b: Facts): Facts {
  const dataType = a.dataType === b.dataType ? a.dataType : 0;
  if (!a.shape || !b.shape || a.shape.length !== b.shape.length) return typed(dataType, null);
  return typed(
    dataType,
    a.shape.map((dim, axis) => (dim === b.shape?.[axis] ? dim : null)),
  );
}

/**
 * Loop: final values of what is carried, then what each iteration emits, stacked along a new first axis.
 * A carried value may change its shape from one iteration to the next, so only its type is certain.
 */
function loopShapes(context: ShapeContext): readonly Facts[] {
  const body = subgraph(context, 'body');
  if (!body) return [];
  const carried = context.inputs.slice(2).map((input) => typed(input?.dataType ?? 0, null));
  const outputs = context.inferSubgraph(body, [nothingKnown, nothingKnown, ...carried]).slice(1);
  return outputs.map((facts, position) =>
    position < carried.length ? facts : typed(facts.dataType, facts.shape && [null, ...facts.shape]),
  );
}

/** Operators with subgraphs. */
export const controlFlowShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['If', ifShapes],
  ['Loop', loopShapes],
];
