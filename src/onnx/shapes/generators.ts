import { intAttribute, intsAttribute, tensorAttribute } from '../attributes.ts';
import { DataType, type Dim } from '../model.ts';
import {
  elementsOf,
  type Facts,
  intOr,
  knownNumbers,
  perDimension,
  repeated,
  required,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

function constant(context: ShapeContext): readonly Facts[] {
  const { node } = context;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return [typed(tensor.dataType, tensor.dims)];
  for (const { name, value } of node.attributes) {
    switch (name) {
      case 'value_float':
        return [typed(DataType.float, [])];
      case 'value_int':
        return [typed(DataType.int64, [])];
      case 'value_string':
        return [typed(DataType.string, [])];
      case 'value_floats':
        return [typed(DataType.float, [value.kind === 'floats' ? value.value.length : null])];
      case 'value_ints':
        return [typed(DataType.int64, [value.kind === 'ints' ? value.value.length : null])];
      case 'value_strings':
        return [typed(DataType.string, [value.kind === 'strings' ? value.value.length : null])];
    }
  }
  return [];
}

function constantOfShape(context: ShapeContext): readonly Facts[] {
  const dataType = tensorAttribute(context.node, 'value')?.dataType ?? DataType.float;
  const dims = perDimension(context, 0);
  if (dims) return [typed(dataType, dims)];
  const rank = required(context, 0).shape?.[0];
  return [typed(dataType, typeof rank === 'number' ? repeated<Dim>(null, rank) : null)];
}

function shapeOfInput(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  return [typed(DataType.int64, [shape ? shapeWindow(context, shape).length : null])];
}

/** The dimensions a Shape node gives: all, or from `start` to `end` since opset 15. */
export function shapeWindow(context: ShapeContext, shape: readonly Dim[]): readonly Dim[] {
  return shape.slice(intOr(context, 'start', 0), intAttribute(context.node, 'end') ?? shape.length);
}

function range(context: ShapeContext): readonly Facts[] {
  const { dataType } = required(context, 0);
  const bounds = [0, 1, 2].map((position) => knownNumbers(elementsOf(context, position))?.[0]);
  const [start, limit, delta] = bounds;
  if (start === undefined || limit === undefined || delta === undefined) return [typed(dataType, [null])];
  return [typed(dataType, [Math.max(0, Math.ceil((limit - start) / delta))])];
}

function randomOfShape(context: ShapeContext): readonly Facts[] {
  return [typed(intOr(context, 'dtype', DataType.float), intsAttribute(context.node, 'shape') ?? null)];
}

function randomLike(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  return [typed(intOr(context, 'dtype', dataType), shape)];
}

function multinomial(context: ShapeContext): readonly Facts[] {
  const batch = required(context, 0).shape?.[0] ?? null;
  return [typed(intOr(context, 'dtype', DataType.int32), [batch, intOr(context, 'sample_size', 1)])];
}

function nonMaxSuppression(): readonly Facts[] {
  return [typed(DataType.int64, [null, 3])];
}

/** Operators that make values from shapes, attributes or chance. */
export const generatorShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Shape', shapeOfInput],
  ['Size', () => [typed(DataType.int64, [])]],
  ['Range', range],
  ['RandomNormal', randomOfShape],
  ['RandomUniform', randomOfShape],
  ['RandomNormalLike', randomLike],
  ['RandomUniformLike', randomLike],
  ['EyeLike', randomLike],
  ['Multinomial', multinomial],
  ['NonMaxSuppression', nonMaxSuppression],
];
