import { intAttribute, intsAttribute } from '../attributes.ts';
import type { Dim, Graph, Node, Shape } from '../model.ts';

/** The elements of a small tensor in row-major order: numbers, symbols such as `batch`, or unknown (`null`). */
export type Elements = readonly Dim[];

/** What is known about a value before anything runs. */
export interface Facts {
  /** A value of `DataType`; 0 if unknown. */
  readonly dataType: number;
  readonly shape: Shape;
  /** Its elements if it is small and depends on constants and shapes only; called when needed, since it may read the file. */
  readonly elements: (() => Elements | null) | null;
}

export const nothingKnown: Facts = { dataType: 0, shape: null, elements: null };

/** What a shape function sees of its node. */
export interface ShapeContext {
  readonly node: Node;
  /** Version of the node's operator set. */
  readonly opset: number;
  /** `null`: an optional input left out. */
  readonly inputs: readonly (Facts | null)[];
  /** Facts of a subgraph's outputs, seen from this node. */
  readonly inferSubgraph: (graph: Graph, inputs: readonly Facts[]) => readonly Facts[];
}

/** Facts of a node's outputs, in order; fewer than the node has means nothing is known about the rest. */
export type ShapeFunction = (context: ShapeContext) => readonly Facts[];

/** A node that its operator does not allow. The message begins with the node's name. */
export class ShapeError extends Error {
  constructor(node: Node, problem: string) {
    super(`${nodeTitle(node)}: ${problem}`);
    this.name = 'ShapeError';
  }
}

/** A name for people: the node's own, or its operator and first output. */
export function nodeTitle(node: Node): string {
  return node.name || `${node.opType} → ${node.outputs.find((name) => name !== '') ?? 'nothing'}`;
}

/** Facts without elements. */
export function typed(dataType: number, shape: Shape): Facts {
  return { dataType, shape, elements: null };
}

/** Input `position`, which the operator demands. */
export function required(context: ShapeContext, position: number): Facts {
  const facts = context.inputs[position];
  if (!facts) throw new ShapeError(context.node, `input ${position} is missing`);
  return facts;
}

/** Input `position` with its rank checked (unknown ranks pass). */
export function requiredRank(
  context: ShapeContext,
  position: number,
  rank: { readonly atLeast: number } | { readonly exactly: number },
  role: string,
): Facts {
  const facts = required(context, position);
  const found = facts.shape?.length;
  if (found === undefined) return facts;
  const { node } = context;
  if ('exactly' in rank && found !== rank.exactly) {
    throw new ShapeError(node, `${role} has ${found} dims, ${node.opType} needs ${rank.exactly}`);
  }
  if ('atLeast' in rank && found < rank.atLeast) {
    throw new ShapeError(node, `${role} has ${found} dims, ${node.opType} needs at least ${rank.atLeast}`);
  }
  return facts;
}

/** The input's elements, if they are known. */
export function elementsOf(context: ShapeContext, position: number): Elements | null {
  return context.inputs[position]?.elements?.() ?? null;
}

/** No framework makes tensors of more dimensions; a file that claims so must not cost time or memory. */
export const maxRank = 64;

/**
 * The elements of an input that lists something for each dimension.
 * @throws ShapeError if it lists more than any tensor has
 */
export function perDimension(context: ShapeContext, position: number): Elements | null {
  const count = context.inputs[position]?.shape?.[0];
  if (typeof count === 'number' && count > maxRank) {
    throw new ShapeError(context.node, `input ${position} lists ${count} dims, more than ${maxRank}`);
  }
  return elementsOf(context, position);
}

/** `count` times the same. */
export function repeated<T>(value: T, count: number): T[] {
  return Array.from({ length: count }, () => value);
}

/** A list of integers given as an attribute in older operator sets and as an input in newer ones. `undefined`: not given. `null`: given, but not known. */
export function intsFromEither(
  context: ShapeContext,
  attribute: string,
  position: number,
): readonly number[] | null | undefined {
  const fromAttribute = intsAttribute(context.node, attribute);
  if (fromAttribute) return fromAttribute;
  if (!context.inputs[position]) return undefined;
  return knownNumbers(perDimension(context, position));
}

/** The elements as numbers, or null if any is a symbol or unknown. */
export function knownNumbers(elements: Elements | null): readonly number[] | null {
  return elements?.every((element) => typeof element === 'number') ? (elements as readonly number[]) : null;
}

/** An integer attribute with the operator's default. */
export function intOr(context: ShapeContext, name: string, fallback: number): number {
  return intAttribute(context.node, name) ?? fallback;
}

/**
 * An axis in [0, rank) from one that may count from the end.
 * @throws ShapeError if it is outside [-rank, rank)
 */
export function normalAxis(context: ShapeContext, axis: number, rank: number): number {
  if (axis < -rank || axis >= rank) {
    throw new ShapeError(context.node, `axis ${axis} is outside a tensor of ${rank} dims`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** Product of the dimensions; null unless all are numbers. */
export function productOf(dims: readonly Dim[]): number | null {
  let product = 1;
  for (const dim of dims) {
    if (typeof dim !== 'number') return null;
    product *= dim;
  }
  return product;
}

/**
 * Multidirectional (numpy) broadcasting.
 * @throws ShapeError if two sizes differ and neither is 1
 */
export function broadcast(node: Node, shapes: readonly Shape[]): Shape {
  const known: (readonly Dim[])[] = [];
  for (const shape of shapes) {
    if (!shape) return null;
    known.push(shape);
  }
  const rank = Math.max(0, ...known.map((shape) => shape.length));
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let merged: Dim = 1;
    for (const shape of known) {
      const position = axis - (rank - shape.length);
      if (position >= 0) merged = broadcastDim(node, merged, shape[position] as Dim);
    }
    result.push(merged);
  }
  return result;
}

function broadcastDim(node: Node, a: Dim, b: Dim): Dim {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number' && typeof b === 'number') {
    throw new ShapeError(node, `sizes ${a} and ${b} cannot be broadcast together`);
  }
  // A symbol against a number above 1 must be that number (or 1) at run time.
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return null;
}

/** Combines two shapes of the same value: numbers win over symbols, symbols over unknown. Null if their ranks or sizes contradict. */
export function mergeShapes(a: readonly Dim[], b: readonly Dim[]): readonly Dim[] | null {
  if (a.length !== b.length) return null;
  const merged: Dim[] = [];
  for (let axis = 0; axis < a.length; axis++) {
    const left = a[axis] as Dim;
    const right = b[axis] as Dim;
    if (typeof left === 'number' && typeof right === 'number' && left !== right) return null;
    merged.push(typeof left === 'number' ? left : typeof right === 'number' ? right : (left ?? right));
  }
  return merged;
}
