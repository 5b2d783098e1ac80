import { intAttribute, makeInt } from '../../onnx/attributes.ts';
import { DataType, type Graph, type Model, type Node, type Tensor } from '../../onnx/model.ts';
import { floatTensor, tensorBytes } from '../../onnx/tensor.ts';

/** The least float32 of full precision: what stands for a positive number below it. */
const LEAST_FLOAT32 = 2 ** -126;

/**
 * A file that decides by itself (see `nestSegments`), deciding in float32 instead of float64, which GPUs lack. Its
 * decisions differ only where a confidence is within rounding, about a millionth, of the threshold.
 */
export function decidingInSinglePrecision(model: Model): Model {
  return { ...model, graph: singlePrecision(model.graph) };
}

function singlePrecision(graph: Graph): Graph {
  const limits = new Set<string>();
  for (const { opType, inputs } of graph.nodes) if (opType === 'Greater' && inputs[1]) limits.add(inputs[1]);
  return {
    ...graph,
    initializers: graph.initializers.map((tensor) =>
      tensor.dataType === DataType.double ? toFloat32(tensor, limits.has(tensor.name)) : tensor,
    ),
    nodes: graph.nodes.map(singlePrecisionNode),
  };
}

function singlePrecisionNode(node: Node): Node {
  const isToDouble = node.opType === 'Cast' && intAttribute(node, 'to') === DataType.double;
  if (isToDouble) return { ...node, attributes: [makeInt('to', DataType.float)] };
  if (node.opType !== 'If') return node;
  return {
    ...node,
    attributes: node.attributes.map((attribute) =>
      attribute.value.kind === 'graph'
        ? { ...attribute, value: { kind: 'graph', value: singlePrecision(attribute.value.value) } }
        : attribute,
    ),
  };
}

/** @param isLimit whatever float32 is more than the number must be more than the result, and the reverse */
function toFloat32(tensor: Tensor, isLimit: boolean): Tensor {
  const values = new Float64Array(tensorBytes(tensor).slice().buffer);
  return floatTensor(
    tensor.name,
    tensor.dims,
    Float32Array.from(values, (value) => {
      if (isLimit) return float32NotAbove(value);
      return value > 0 && value < LEAST_FLOAT32 ? LEAST_FLOAT32 : value;
    }),
  );
}

function float32NotAbove(value: number): number {
  const nearest = Math.fround(value);
  if (nearest <= value) return nearest;
  const bits = new Uint32Array(Float32Array.of(nearest).buffer);
  return new Float32Array(Uint32Array.of((bits[0] as number) + (nearest > 0 ? -1 : 1)).buffer)[0] as number;
}
