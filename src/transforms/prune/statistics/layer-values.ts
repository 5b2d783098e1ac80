import { intAttribute } from '../../../onnx/attributes.ts';
import { DataType, type Node, valueName } from '../../../onnx/model.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { isStandardDomain } from '../../graph-names.ts';
import { PRUNED_OPERATORS } from '../pruned-operators.ts';
import type { ObservedValue } from './observed-model.ts';

/** What a layer with constant weights reads and makes. */
export interface LayerValues {
  /** Position in `graph.nodes`. */
  readonly position: number;
  readonly node: Node;
  /** Null where its size is not known. */
  readonly input: ObservedValue | null;
  /** Of a product with a bias added behind it, with the bias. */
  readonly output: ObservedValue | null;
  /** The Add of that bias. */
  readonly addsBias: Node | null;
}

/** The layers of a model in order of work, with their values along the channels. Reads no weights. */
export function layerValues({ model, index, counted }: AnalysedModel): readonly LayerValues[] {
  const { nodes } = model.graph;
  const along = (value: string, axisOf: (rank: number) => number): ObservedValue | null => {
    const facts = counted.get(valueName(value));
    const shape = facts?.shape;
    if (!facts || !shape || !FLOATS.has(facts.dataType)) return null;
    const axis = axisOf(shape.length);
    const channels = shape[axis];
    if (typeof channels !== 'number' || channels === 0) return null;
    return { key: value, value, axis, rank: shape.length, channels, dataType: facts.dataType };
  };
  return index.order.flatMap((position): LayerValues[] => {
    const node = nodes[position] as Node;
    const [first = '', second = ''] = node.inputs;
    if (!PRUNED_OPERATORS.has(node.opType)) return [];
    const isSecondConstant = index.isConstant(second);
    if (isSecondConstant === index.isConstant(first)) return [];
    const [output = ''] = node.outputs;
    if (node.opType.includes('Conv')) {
      if (!isSecondConstant) return [];
      const at = () => 1;
      return [{ position, node, input: along(first, at), output: along(output, at), addsBias: null }];
    }
    const addsBias = isStandardDomain(node) && node.opType === 'MatMul' ? biasBehind(output) : null;
    const made = addsBias?.outputs[0] ?? output;
    const isLast = isSecondConstant !== isTransposed(node, isSecondConstant);
    const inputAxis = (rank: number) => rank - (isLast ? 1 : 2);
    const outputAxis = (rank: number) => rank - (isSecondConstant ? 1 : 2);
    const input = along(isSecondConstant ? first : second, inputAxis);
    return [{ position, node, input, output: along(made, outputAxis), addsBias }];
  });

  /** An Add of a constant that alone reads the value. */
  function biasBehind(value: string): Node | null {
    const [only, ...others] = index.consumers.get(valueName(value)) ?? [];
    const node = only === undefined || others.length > 0 ? undefined : nodes[only];
    if (node?.opType !== 'Add' || !isStandardDomain(node)) return null;
    if (model.graph.outputs.some(({ name }) => name === value)) return null;
    return node.inputs.some((name) => index.initializers.has(name)) ? node : null;
  }
}

const FLOATS = new Set<number>([DataType.float, DataType.float16]);

/** Whether a Gemm's factor that is no weight is transposed. */
function isTransposed(node: Node, isFirst: boolean): boolean {
  return (intAttribute(node, isFirst ? 'transA' : 'transB') ?? 0) !== 0;
}
