import { InputError } from '../../../base/result.ts';
import { operatorKey } from '../../../onnx/shapes/operator-table.ts';
import { ShapeError } from '../../../onnx/shapes/facts.ts';
import { hasSubgraph } from '../../../onnx/shape-inference.ts';
import { CannotFollow } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';
import {
  elementwise,
  expand,
  globalPool,
  pool,
  positions,
  reduce,
  resize,
  sample,
  shares,
  tellsSizes,
  unary,
} from './elementwise-rules.ts';
import {
  channelNormalization,
  convolution,
  einsum,
  gemm,
  groupNormalization,
  layerNormalization,
  matMul,
  transposedConvolution,
} from './layer-rules.ts';
import { concat, gather, pad, slice, split, tile, transpose } from './movement-rules.ts';
import { depthToSpace, reshape, spaceToDepth } from './regroup-rules.ts';

/** Says what the axes of a node's outputs hold, and what that ties together. */
type Rule = (walk: NodeWalk) => void;

function all(rule: Rule, operators: string): (readonly [string, Rule])[] {
  return operators.split(/\s+/).map((operator) => [operator, rule]);
}

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ...all(convolution, 'Conv com.microsoft:FusedConv'),
  ['ConvTranspose', transposedConvolution],
  ['MatMul', matMul],
  ['Gemm', gemm],
  ['Einsum', einsum],
  ...all(channelNormalization, 'BatchNormalization InstanceNormalization'),
  ...all(layerNormalization, 'LayerNormalization RMSNormalization SimplifiedLayerNormalization'),
  ['GroupNormalization', groupNormalization],
  ...all(reshape, 'Reshape Flatten Squeeze Unsqueeze'),
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['Pad', pad],
  ['Tile', tile],
  ['Expand', expand],
  ...all(
    elementwise,
    'Add Sub Mul Div Pow Mod Min Max Sum Mean PRelu Where And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual com.microsoft:BiasGelu',
  ),
  // Of normalisations over neighbouring channels (LRN) those that are left are neighbours.
  ...all(
    unary,
    `Abs Acos Acosh Asin Asinh Atan Atanh Cast CastLike Ceil Celu Clip Cos Cosh Dropout Elu Erf Exp Floor Gelu
     HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log LRN MeanVarianceNormalization Mish Neg Not Reciprocal Relu
     Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu
     com.microsoft:Gelu com.microsoft:QuickGelu`,
  ),
  ...all(
    reduce,
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
  ),
  ...all(positions, 'ArgMax ArgMin'),
  ...all(shares, 'Softmax LogSoftmax Hardmax LpNormalization'),
  ...all(pool, 'MaxPool AveragePool LpPool'),
  ...all(globalPool, 'GlobalAveragePool GlobalMaxPool GlobalLpPool'),
  ...all(resize, 'Resize Upsample'),
  ...all(sample, 'GridSample RoiAlign MaxRoiPool'),
  ...all(tellsSizes, 'Shape Size ConstantOfShape Constant Range'),
]);

/** Follows the channels through one node; where that fails, all that it touches stays whole, with the reason. */
export function followNode(walk: NodeWalk): void {
  try {
    ruleOf(walk)(walk);
  } catch (thrown) {
    const isMistake = thrown instanceof ShapeError || thrown instanceof InputError;
    if (!(thrown instanceof CannotFollow) && !isMistake) throw thrown;
    const code = thrown instanceof CannotFollow ? thrown.code : 'operator';
    walk.keepAll(code, thrown.message);
    const axis = channelAxisOf(walk.node.opType);
    if (axis !== null) walk.makeKept(axis, code, thrown.message);
  }
}

function ruleOf(walk: NodeWalk): Rule {
  const { node, title } = walk;
  const key = operatorKey(node);
  if (isQuantized(key)) {
    throw new CannotFollow('quantized', `${title} computes with quantized numbers: prune before quantizing`);
  }
  if (hasSubgraph(node)) {
    throw new CannotFollow('subgraph', `${title} has a graph of its own, which is not followed`);
  }
  const rule = rules.get(key);
  if (rule === undefined) throw new CannotFollow('operator', `${title} is an operator that is not followed`);
  return rule;
}

function isQuantized(key: string): boolean {
  return /Quantize|QLinear|Integer|^com\.microsoft:(Q[A-Z]|MatMulNBits|MatMulBnb4)/.test(key);
}

/** Where the output of a layer holds the channels that it makes; null: the operator is no layer. */
function channelAxisOf(opType: string): number | null {
  if (opType.includes('Conv')) return 1;
  return /MatMul|Gemm/.test(opType) ? -1 : null;
}
