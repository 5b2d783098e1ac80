import { intAttribute } from '../attributes.ts';
import { DataType, type Dim } from '../model.ts';
import {
  type Facts,
  intOr,
  intsFromEither,
  knownNumbers,
  elementsOf,
  normalAxis,
  required,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

/** Reduce*: axes are an attribute in older operator sets, an input in newer ones. */
function reduction(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const axes = intsFromEither(context, 'axes', 1);
  const keepDims = intOr(context, 'keepdims', 1) === 1;
  if (!shape) return [typed(dataType, null)];
  // Which axes vanish is known only when the program runs.
  if (axes === null) return [typed(dataType, keepDims ? shape.map(() => null) : null)];
  if (axes === undefined || axes.length === 0) {
    if (intAttribute(context.node, 'noop_with_empty_axes') === 1) return [typed(dataType, shape)];
    return [typed(dataType, keepDims ? shape.map(() => 1) : [])];
  }
  const reduced = new Set(axes.map((axis) => normalAxis(context, axis, shape.length)));
  return [typed(dataType, withoutAxes(shape, reduced, keepDims))];
}

function withoutAxes(shape: readonly Dim[], reduced: ReadonlySet<number>, keepDims: boolean): readonly Dim[] {
  if (keepDims) return shape.map((dim, axis) => (reduced.has(axis) ? 1 : dim));
  return shape.filter((_, axis) => !reduced.has(axis));
}

function argReduction(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  if (!shape) return [typed(DataType.int64, null)];
  const axis = normalAxis(context, intOr(context, 'axis', 0), shape.length);
  return [typed(DataType.int64, withoutAxes(shape, new Set([axis]), intOr(context, 'keepdims', 1) === 1))];
}

function topK(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null), typed(DataType.int64, null)];
  const axis = normalAxis(context, intOr(context, 'axis', -1), shape.length);
  const k = intAttribute(context.node, 'k') ?? knownNumbers(elementsOf(context, 1))?.[0] ?? null;
  const output = shape.map((dim, position) => (position === axis ? k : dim));
  return [typed(dataType, output), typed(DataType.int64, output)];
}

/** Reductions along axes, and the operators that choose along one. */
export const reductionShapes: readonly (readonly [string, ShapeFunction])[] = [
  ...'L1 L2 LogSum LogSumExp Max Mean Min Prod Sum SumSquare'
    .split(' ')
    .map((kind): [string, ShapeFunction] => [`Reduce${kind}`, reduction]),
  ['ArgMax', argReduction],
  ['ArgMin', argReduction],
  ['TopK', topK],
];
