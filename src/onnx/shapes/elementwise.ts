import { intAttribute } from '../attributes.ts';
import { DataType } from '../model.ts';
import {
  broadcast,
  type Facts,
  required,
  requiredRank,
  ShapeError,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

/** Output 0 is like input 0. */
export function likeInput(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  return [typed(dataType, shape)];
}

/** All inputs broadcast together; the type is the first input's. */
export function broadcastAll(context: ShapeContext): readonly Facts[] {
  return [typed(required(context, 0).dataType, broadcastInputs(context, 0))];
}

function broadcastInputs(context: ShapeContext, from: number) {
  const shapes = context.inputs.slice(from).map((input) => (input ? input.shape : null));
  const axis = intAttribute(context.node, 'axis');
  // Before opset 7 the second operand could be aligned at `axis`; the result was the first one's shape.
  if (context.opset < 7 && (axis !== undefined || intAttribute(context.node, 'broadcast') === 1)) {
    return shapes[0] ?? null;
  }
  return broadcast(context.node, shapes);
}

function comparison(context: ShapeContext): readonly Facts[] {
  required(context, 0);
  return [typed(DataType.bool, broadcastInputs(context, 0))];
}

function likeInputOfType(dataType: number): ShapeFunction {
  return (context) => [typed(dataType, required(context, 0).shape)];
}

function where(context: ShapeContext): readonly Facts[] {
  required(context, 0);
  return [typed(required(context, 1).dataType, broadcastInputs(context, 0))];
}

function cast(context: ShapeContext): readonly Facts[] {
  const to = intAttribute(context.node, 'to');
  return [typed(to ?? DataType.undefined, required(context, 0).shape)];
}

function castLike(context: ShapeContext): readonly Facts[] {
  return [typed(required(context, 1).dataType, required(context, 0).shape)];
}

function dropout(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  return [typed(dataType, shape), typed(context.opset >= 10 ? DataType.bool : dataType, shape)];
}

function batchNormalization(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const channels = shape?.[1];
  for (let position = 1; position <= 4; position++) {
    const role = ['scale', 'bias', 'mean', 'variance'][position - 1] as string;
    const found = requiredRank(context, position, { exactly: 1 }, role).shape?.[0];
    if (typeof channels === 'number' && typeof found === 'number' && channels !== found) {
      throw new ShapeError(context.node, `${role} has ${found} elements for ${channels} channels`);
    }
  }
  const mean = required(context, 3);
  const statistics = typed(mean.dataType, mean.shape);
  return [typed(dataType, shape), statistics, statistics, statistics, statistics];
}

/** Mean and inverse deviation keep the leading dimensions; those from `axis` on become 1. */
function layerNormalization(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null)];
  const given = intAttribute(context.node, 'axis') ?? -1;
  const axis = given < 0 ? given + shape.length : given;
  const statistics = typed(
    DataType.float,
    shape.map((dim, position) => (position < axis ? dim : 1)),
  );
  return [typed(dataType, shape), statistics, statistics];
}

/** Skip normalisations of ONNX Runtime: the fourth output is the sum before normalising. */
function skipLayerNormalization(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const statistics = typed(DataType.float, shape ? [...shape.slice(0, -1), 1] : null);
  return [typed(dataType, shape), statistics, statistics, typed(dataType, shape)];
}

function table(names: string, shapeFunction: ShapeFunction): [string, ShapeFunction][] {
  return names.split(' ').map((name) => [name, shapeFunction]);
}

/** Operators that work on each element, and the normalisations, which keep shapes too. */
export const elementwiseShapes: readonly (readonly [string, ShapeFunction])[] = [
  ...table(
    'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Clip Cos Cosh CumSum Elu Erf Exp Floor Gelu ' +
      'HardSigmoid HardSwish PRelu Hardmax Identity LRN LeakyRelu Log LogSoftmax LpNormalization ' +
      'MeanVarianceNormalization Mish Neg Not Reciprocal Relu Round ScaledTanh Selu Shrink Sigmoid Sign Sin Sinh ' +
      'Softmax Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu Affine ImageScaler ParametricSoftplus ' +
      'InstanceNormalization GroupNormalization RMSNormalization ReverseSequence Trilu Bernoulli ' +
      'ScatterElements ScatterND Scatter TensorScatter RotaryEmbedding',
    likeInput,
  ),
  ...table('Add Sub Mul Div Pow Mod BitShift BitwiseAnd BitwiseOr BitwiseXor', broadcastAll),
  ...table('Sum Max Min Mean', broadcastAll),
  ...table('And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual', comparison),
  ...table('IsNaN IsInf', likeInputOfType(DataType.bool)),
  ['Where', where],
  ['Cast', cast],
  ['CastLike', castLike],
  ['Dropout', dropout],
  ['BatchNormalization', batchNormalization],
  ['SpatialBN', batchNormalization],
  ['LayerNormalization', layerNormalization],
  ...table(
    'com.microsoft:Gelu com.microsoft:FastGelu com.microsoft:QuickGelu com.microsoft:BiasGelu ' +
      'com.microsoft:QLinearLeakyRelu com.microsoft:QLinearSigmoid com.microsoft:QLinearSoftmax ' +
      'com.microsoft:GroupNorm com.microsoft:RotaryEmbedding',
    likeInput,
  ),
  ...table(
    'com.microsoft:SkipLayerNormalization com.microsoft:SkipSimplifiedLayerNormalization',
    skipLayerNormalization,
  ),
  ['com.microsoft:SimplifiedLayerNormalization', layerNormalization],
  ['SimplifiedLayerNormalization', layerNormalization],
  ['com.microsoft:QLinearAdd', qlinearBinary],
  ['com.microsoft:QLinearMul', qlinearBinary],
];

function qlinearBinary(context: ShapeContext): readonly Facts[] {
  const left = required(context, 0);
  const right = required(context, 3);
  return [typed(left.dataType, broadcast(context.node, [left.shape, right.shape]))];
}
