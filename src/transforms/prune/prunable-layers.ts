import { InputError } from '../../base/result.ts';
import { intAttribute } from '../../onnx/attributes.ts';
import { DataType, type Graph, type Node, type Tensor } from '../../onnx/model.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { PRUNED_OPERATORS } from './pruned-operators.ts';

/** A weight tensor with the nodes that multiply by it, at least one. */
export interface PrunableLayer {
  readonly weight: Tensor;
  readonly nodes: readonly [Node, ...Node[]];
}

/** Row-major weights as [outer, channels, inner], with the input channels that are summed over in the middle. */
export interface ChannelLayout {
  readonly outer: number;
  readonly channels: number;
  readonly inner: number;
}

const FLOATS = new Set<number>([DataType.float, DataType.float16, DataType.bfloat16, DataType.double]);

/** The weight tensors that can be pruned, each once however many nodes share it, in the file's order. Reads no weights. */
export function prunableLayers(graph: Graph): PrunableLayer[] {
  const users = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of factorsOf(node)) {
      const others = users.get(name);
      if (others === undefined) users.set(name, [node]);
      else others.push(node);
    }
  }
  return graph.initializers.flatMap((weight) => {
    const [first, ...others] = users.get(weight.name) ?? [];
    const isWeight = weight.dims.length >= 2 && FLOATS.has(weight.dataType);
    return first === undefined || !isWeight ? [] : [{ weight, nodes: [first, ...others] as const }];
  });
}

/** The inputs of a node that may be its weights: of matrix products either factor. */
function factorsOf({ opType, inputs }: Node): ReadonlySet<string> {
  if (!PRUNED_OPERATORS.has(opType)) return new Set();
  return new Set(opType.includes('Conv') ? inputs.slice(1, 2) : inputs.slice(0, 2));
}

/** How a layer's input channels lie in its weights; where nodes share them and differ, as the first has it. */
export function inputChannelsOf({ weight: { name, dims }, nodes: [node] }: PrunableLayer): ChannelLayout {
  const isTransposed = (attribute: string): boolean => (intAttribute(node, attribute) ?? 0) !== 0;
  const isFirst = node.inputs[0] === name;
  switch (node.opType) {
    case 'Conv':
    case 'FusedConv':
      return aroundAxis(dims, 1);
    case 'ConvTranspose': {
      // The channels of different groups are never summed.
      const outer = intAttribute(node, 'group') ?? 1;
      const [channels = 1] = dims;
      return { outer, channels: channels / outer, inner: elementCount(dims.slice(1)) };
    }
    default: {
      // A [.., M, K] x B [.., K, N].
      const isLastSummed = isFirst !== isTransposed(isFirst ? 'transA' : 'transB');
      return aroundAxis(dims, dims.length - (isLastSummed ? 1 : 2));
    }
  }
}

function aroundAxis(dims: readonly number[], axis: number): ChannelLayout {
  return {
    outer: elementCount(dims.slice(0, axis)),
    channels: dims[axis] ?? 1,
    inner: elementCount(dims.slice(axis + 1)),
  };
}

export function nothingToPrune(): InputError {
  return new InputError({
    code: 'nothing-to-prune',
    message:
      'prune: found no convolution or matrix multiplication with constant floating-point weights, wanted at least one',
    hint: 'Models that are already quantized cannot be pruned here: prune the float model, then quantize it.',
  });
}
