import { floatAttribute, intAttribute } from '../../onnx/attributes.ts';
import { DataType, type Node, type Tensor } from '../../onnx/model.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { isStandardDomain } from '../graph-names.ts';
import type { ChannelAxis } from './quantize-weights.ts';

/**
 * A channel with fewer weights than this gains little from 4 bits, since it has a scale besides, and loses most: a
 * depthwise kernel has nine, each of which all of its channel depends on.
 */
export const SHORT_CHANNEL = 32;

/** A constant factor of a node, as a matrix [rows, columns] with its output channels along `axis`. */
export interface ProductWeight {
  readonly kind: 'weight';
  readonly weight: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly axis: ChannelAxis;
  /** Set if the node is activations times this matrix, plus a bias at most: what MatMulNBits computes. */
  readonly isProduct: boolean;
  readonly isGrouped: boolean;
  readonly isConvolution: boolean;
}

/** A node's weights, or why they cannot be found. */
export type WeightFinding = ProductWeight | { readonly kind: 'none'; readonly reason: string };

/** What a node's weights are; null: not a node that carries weights. */
export function productWeightOf(node: Node, tensors: ReadonlyMap<string, Tensor>): WeightFinding | null {
  if (!isStandardDomain(node)) return null;
  const { opType, inputs } = node;
  if (!['Conv', 'ConvTranspose', 'Gemm', 'MatMul'].includes(opType)) return null;
  const none = (reason: string) => ({ kind: 'none' as const, reason });
  const weight = tensors.get(inputs[1] ?? '');
  if (weight === undefined) return none('its second factor is computed at run time');
  if (weight.dataType !== DataType.float) return none(`weights "${weight.name}" are not float32`);
  if (tensors.has(inputs[0] ?? '')) return none('both factors are constant');
  const { dims } = weight;
  const [rows = 1] = dims;
  const isConvolution = opType === 'Conv' || opType === 'ConvTranspose';
  if (isConvolution ? dims.length < 3 : dims.length !== 2) {
    return none(`weights "${weight.name}" have ${dims.length} dims`);
  }
  const isRows = opType === 'Conv' || (opType === 'Gemm' && (intAttribute(node, 'transB') ?? 0) !== 0);
  return {
    kind: 'weight',
    weight,
    rows,
    columns: elementCount(dims.slice(1)),
    axis: isRows ? 'rows' : 'columns',
    isProduct: isPlainProduct(node),
    isConvolution,
    isGrouped: isConvolution && (intAttribute(node, 'group') ?? 1) > 1,
  };
}

function isPlainProduct(node: Node): boolean {
  if (node.opType === 'MatMul') return true;
  if (node.opType !== 'Gemm' || (intAttribute(node, 'transA') ?? 0) !== 0) return false;
  return (floatAttribute(node, 'alpha') ?? 1) === 1 && (floatAttribute(node, 'beta') ?? 1) === 1;
}
