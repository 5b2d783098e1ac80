import { intAttribute, stringAttribute } from './attributes.ts';
import type { GraphIndex } from './graph-index.ts';
import {
  DataType,
  type Dim,
  type Graph,
  type Node,
  type Shape,
  type Tensor,
  type ValueName,
} from './model.ts';
import { einsumTerms } from './shapes/matrix.ts';
import { operatorKey } from './shapes/operator-table.ts';
import { bitsPerElement, elementCount, tensorByteLength } from './tensor.ts';

/** What one inference of a node costs, at batch 1; sizes that are still open count as 1, see `counted-size.ts`. */
export interface NodeCost {
  /**
   * Multiply-accumulates of convolutions, matrix products, recurrent layers and attention. Additions of a bias,
   * normalisations, activations, poolings and resizing count nothing, as in the usual tables of networks.
   */
  readonly macs: number;
  /**
   * Numbers the node has learned: weights, biases, normalisation scales, offsets and running statistics. Not
   * counted: shapes, indices, clip bounds, quantization scales and zero points, and single constants in
   * arithmetic (the 2 of a Pow).
   */
  readonly params: number;
  /** Bytes of all initializers the node reads. */
  readonly weightBytes: number;
  /** Bytes of the node's outputs. */
  readonly activationBytes: number;
}

export type ShapesByValue = ReadonlyMap<ValueName, { readonly dataType: number; readonly shape: Shape }>;

/** The cost of every node, in the graph's order of nodes. Shared initializers count at each reader. */
export function costOfNodes(graph: Graph, index: GraphIndex, shapes: ShapesByValue): readonly NodeCost[] {
  return graph.nodes.map((node) => {
    let params = 0;
    let weightBytes = 0;
    for (const { tensor, isParameter } of weightsOf(node, index)) {
      weightBytes += tensorByteLength(tensor);
      if (isParameter) params += elementCount(tensor.dims);
    }
    let activationBytes = 0;
    for (const name of node.outputs) activationBytes += valueBytes(shapes.get(name)) ?? 0;
    return { macs: macsOf(node, shapes), params, weightBytes, activationBytes };
  });
}

/** Bytes of a value at batch 1; null if its type or rank is unknown. */
export function valueBytes(
  value: { readonly dataType: number; readonly shape: Shape } | undefined,
): number | null {
  if (!value?.shape || value.dataType === 0 || bitsPerElement(value.dataType) === 0) return null;
  if (value.shape.includes(null)) return null;
  return Math.ceil((sizeAtBatchOne(value.shape) * bitsPerElement(value.dataType)) / 8);
}

/** The initializers a node reads, and whether each is something learned; each once. */
export function weightsOf(
  node: Node,
  index: GraphIndex,
): readonly { readonly tensor: Tensor; readonly isParameter: boolean }[] {
  const seen = new Set<string>();
  const weights: { tensor: Tensor; isParameter: boolean }[] = [];
  for (const [position, name] of node.inputs.entries()) {
    const tensor = index.initializers.get(name);
    if (!tensor || seen.has(name)) continue;
    seen.add(name);
    weights.push({ tensor, isParameter: isParameter(node, position, tensor) });
  }
  return weights;
}

/** Inputs that hold learned numbers whatever their size and type. */
const parameterInputs: ReadonlyMap<string, readonly number[]> = new Map([
  ['Conv', [1, 2]],
  ['ConvTranspose', [1, 2]],
  ['ConvInteger', [1]],
  ['QLinearConv', [3, 8]],
  ['DeformConv', [1, 3]],
  ['Gemm', [0, 1, 2]],
  ['MatMul', [0, 1]],
  ['MatMulInteger', [0, 1]],
  ['QLinearMatMul', [0, 3]],
  ['BatchNormalization', [1, 2, 3, 4]],
  ['InstanceNormalization', [1, 2]],
  ['GroupNormalization', [1, 2]],
  ['LayerNormalization', [1, 2]],
  ['RMSNormalization', [1]],
  ['PRelu', [1]],
  ['LSTM', [1, 2, 3, 7]],
  ['GRU', [1, 2, 3]],
  ['RNN', [1, 2, 3]],
  ['DequantizeLinear', [0]],
  ['com.microsoft:FusedConv', [1, 2]],
  ['com.microsoft:FusedGemm', [0, 1, 2]],
  ['com.microsoft:FusedMatMul', [0, 1]],
  ['com.microsoft:QGemm', [0, 3, 6]],
  ['com.microsoft:MatMulIntegerToFloat', [0, 1, 6]],
  ['com.microsoft:DynamicQuantizeMatMul', [1, 4]],
]);

/** Operators whose constants only say what to do. */
const operatorsWithoutParameters: ReadonlySet<string> = new Set(
  'Clip Pad Resize Upsample Dropout QuantizeLinear Range OneHot TopK NonMaxSuppression'.split(' '),
);

const floatTypes: ReadonlySet<number> = new Set([
  DataType.float,
  DataType.float16,
  DataType.bfloat16,
  DataType.double,
]);

function isParameter(node: Node, position: number, tensor: Tensor): boolean {
  const key = operatorKey(node);
  const listed = parameterInputs.get(key);
  if (listed) return listed.includes(position);
  if (operatorsWithoutParameters.has(key)) return false;
  return floatTypes.has(tensor.dataType) && elementCount(tensor.dims) > 1;
}

function sizeAtBatchOne(dims: readonly Dim[]): number {
  let size = 1;
  for (const dim of dims) if (typeof dim === 'number') size *= dim;
  return size;
}

/** Where each product's weight or right-hand matrix is. */
const convolutionWeights: ReadonlyMap<string, number> = new Map([
  ['Conv', 1],
  ['ConvInteger', 1],
  ['DeformConv', 1],
  ['QLinearConv', 3],
  ['com.microsoft:FusedConv', 1],
]);

const matrixProducts: ReadonlySet<string> = new Set([
  'MatMul',
  'MatMulInteger',
  'QLinearMatMul',
  'com.microsoft:MatMulIntegerToFloat',
  'com.microsoft:DynamicQuantizeMatMul',
]);

const transposableProducts: ReadonlySet<string> = new Set([
  'Gemm',
  'com.microsoft:FusedGemm',
  'com.microsoft:QGemm',
  'com.microsoft:FusedMatMul',
]);

function macsOf(node: Node, shapes: ShapesByValue): number {
  const key = operatorKey(node);
  const input = (position: number): Shape => {
    const name = node.inputs[position];
    return (name && shapes.get(name)?.shape) || null;
  };
  const output = (node.outputs[0] && shapes.get(node.outputs[0])?.shape) || null;
  const inner = (shape: Shape): number => sizeAtBatchOne(shape ? shape.slice(1) : [0]);

  const weightAt = convolutionWeights.get(key);
  if (weightAt !== undefined) return output ? sizeAtBatchOne(output) * inner(input(weightAt)) : 0;
  if (matrixProducts.has(key)) {
    const depth = input(0)?.at(-1);
    return output && depth !== undefined ? sizeAtBatchOne(output) * sizeAtBatchOne([depth]) : 0;
  }
  if (transposableProducts.has(key)) {
    const depth = input(0)?.at(intAttribute(node, 'transA') === 1 ? -2 : -1);
    return output && depth !== undefined ? sizeAtBatchOne(output) * sizeAtBatchOne([depth]) : 0;
  }
  switch (key) {
    case 'ConvTranspose': {
      const data = input(0);
      return data ? sizeAtBatchOne(data) * inner(input(1)) : 0;
    }
    case 'Einsum':
      return einsumMacs(node, input);
    case 'LSTM':
    case 'GRU':
    case 'RNN': {
      const data = input(0);
      const [forward, back] = [input(1), input(2)];
      if (!data || !forward || !back) return 0;
      return sizeAtBatchOne(data.slice(0, 2)) * (sizeAtBatchOne(forward) + sizeAtBatchOne(back));
    }
    case 'Attention':
      return attentionMacs(input(0), input(1), output);
    case 'com.microsoft:MultiHeadAttention':
      return attentionMacs(input(0), input(1) ?? input(0), output);
    case 'com.microsoft:Attention': {
      const data = input(0);
      const weight = input(1);
      if (!data || !weight) return 0;
      const rows = sizeAtBatchOne(data.slice(0, 2));
      const sequence = sizeAtBatchOne(data.slice(1, 2));
      const projection = rows * sizeAtBatchOne(weight);
      // Queries times keys, then scores times values: each a third of the projected width.
      return projection + (2 * rows * sequence * sizeAtBatchOne(weight.slice(1))) / 3;
    }
    case 'com.microsoft:MatMulNBits':
      return output ? sizeAtBatchOne(output) * (intAttribute(node, 'K') ?? 0) : 0;
    default:
      return 0;
  }
}

/** Queries times keys and scores times values; rank 4 has the heads as axis 1, rank 3 has them in the width. */
function attentionMacs(query: Shape, key: Shape, output: Shape): number {
  if (!query || !key || !output) return 0;
  const keys = sizeAtBatchOne([key[query.length === 4 ? 2 : 1] ?? 1]);
  return keys * (sizeAtBatchOne(query) + sizeAtBatchOne(output));
}

/** Two operands with a contracted letter: one multiply-accumulate for each combination of all letters. */
function einsumMacs(node: Node, input: (position: number) => Shape): number {
  const terms = einsumTerms(
    stringAttribute(node, 'equation') ?? '',
    node.inputs.map((_, position) => input(position)?.length ?? null),
  );
  if (terms?.inputs.length !== 2) return 0;
  const sizes = new Map<string, number>();
  for (const [position, term] of terms.inputs.entries()) {
    for (const [axis, letter] of term.entries()) {
      const size = sizeAtBatchOne([input(position)?.[axis] ?? 1]);
      sizes.set(letter, Math.max(size, sizes.get(letter) ?? 1));
    }
  }
  const contracts = [...sizes.keys()].some((letter) => !terms.output.includes(letter));
  return contracts ? [...sizes.values()].reduce((product, size) => product * size, 1) : 0;
}
