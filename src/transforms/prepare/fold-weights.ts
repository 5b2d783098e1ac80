import { intsAttribute } from '../../onnx/attributes.ts';
import { foldConstants } from '../../onnx/fold.ts';
import { indexGraph } from '../../onnx/graph-index.ts';
import { tensorMadeWhenRead } from '../../onnx/made-when-read.ts';
import { DataType, type Model, type Node, type Tensor, valueName } from '../../onnx/model.ts';
import { numericDims } from '../../onnx/shapes/elements.ts';
import { tensorFloats, tensorRange } from '../../onnx/tensor.ts';
import { isStandardDomain, namesRead } from '../graph-names.ts';
import type { Prepared } from './prepared.ts';

/** Operators that only give a constant other dims. */
const RESHAPING = new Set(['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Identity']);

/**
 * Constants and arithmetic on sizes become initializers, as `foldConstants` does, and so do weights of any size that
 * the graph only reshapes or transposes, so that they can be quantized. Reshaped weights stay where they are in the
 * file; transposed ones are made when they are read.
 * @throws InputError as `indexGraph`
 */
export function foldWeights(original: Model): Prepared {
  const { model, foldedNodes, inference } = foldConstants(original);
  const { graph } = model;
  const outputs = new Set<string>(graph.outputs.map(({ name }) => name));
  const tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const gone = new Set<Node>();
  for (const position of indexGraph(graph).order) {
    const node = graph.nodes[position] as Node;
    const [name = valueName('')] = node.outputs;
    const tensor = tensors.get(node.inputs[0] ?? '');
    const dims = numericDims(inference.facts.get(name));
    if (tensor === undefined || dims === null || outputs.has(name) || !isStandardDomain(node)) continue;
    const folded = layoutOf(node, tensor, name, dims);
    if (folded === null) continue;
    tensors.set(name, folded);
    gone.add(node);
  }
  if (gone.size === 0) return { model, changed: foldedNodes, left: [] };
  const nodes = graph.nodes.filter((node) => !gone.has(node));
  const used = namesRead(nodes);
  return {
    model: {
      ...model,
      graph: {
        ...graph,
        nodes,
        initializers: [...tensors.values()].filter(({ name }) => used.has(name) || outputs.has(name)),
        valueInfos: graph.valueInfos.filter(({ name }) => !tensors.has(name)),
      },
    },
    changed: foldedNodes + gone.size,
    left: [],
  };
}

/** The constant that a node makes of another; null if it does more than lay it out anew. */
function layoutOf(node: Node, tensor: Tensor, name: string, dims: readonly number[]): Tensor | null {
  if (RESHAPING.has(node.opType)) {
    // Noise depends on the tensor's name: its bytes are taken as they are.
    const range = tensor.data.kind === 'hollow' ? tensorRange(tensor) : null;
    return { ...tensor, name, dims, data: range === null ? tensor.data : { kind: 'raw', range } };
  }
  if (node.opType !== 'Transpose' || tensor.dataType !== DataType.float) return null;
  const order = intsAttribute(node, 'perm') ?? tensor.dims.map((_, axis) => axis).toReversed();
  return tensorMadeWhenRead({ ...tensor, name, dims }, () => transposedBytes(tensor, order));
}

/** @param order the input's axis for each axis of the result */
function transposedBytes(tensor: Tensor, order: readonly number[]): Uint8Array {
  const values = tensorFloats(tensor);
  const strides = tensor.dims.map((_, axis) =>
    tensor.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1),
  );
  const dims = order.map((axis) => tensor.dims[axis] ?? 1);
  const steps = order.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(values.length);
  const position = dims.map(() => 0);
  for (let at = 0, from = 0; at < result.length; at++) {
    result[at] = values[from] as number;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const next = (position[axis] as number) + 1;
      from += steps[axis] as number;
      if (next < (dims[axis] as number)) {
        position[axis] = next;
        break;
      }
      from -= next * (steps[axis] as number);
      position[axis] = 0;
    }
  }
  return new Uint8Array(result.buffer);
}
