import { graphAttributes } from '../../../onnx/attributes.ts';
import { capturedValues, type GraphIndex, indexGraph } from '../../../onnx/graph-index.ts';
import { DataType, type Model, type Node, type Tensor, type ValueName } from '../../../onnx/model.ts';
import { inferFacts } from '../../../onnx/shape-inference.ts';
import { isStandardDomain, standardOpset } from '../../graph-names.ts';
import { matchNodes } from '../../match-nodes.ts';
import { type Affine, affineOver } from '../affine.ts';
import type { Ranges } from '../quantization.ts';
import type { StaticForm } from './static-form.ts';

/** What both ways of writing integers ask of a model. */
export interface StaticGraph {
  readonly model: Model;
  readonly form: StaticForm;
  readonly index: GraphIndex;
  readonly opset: number;
  /** Patterns of `exclude` that mean no node. */
  readonly unmatched: readonly string[];
  isExcluded(node: Node): boolean;
  isFloat(name: ValueName): boolean;
  /** Whether nothing tells of what type it is. */
  isUntyped(name: ValueName): boolean;
  isInput(name: ValueName): boolean;
  /** Whether something that nodes are not told anew sees it by its name: who runs the model, or a subgraph. */
  isSeenByName(name: ValueName): boolean;
  /** Whether the file holds it as float32 of already quantized values. */
  isDequantized(name: ValueName): boolean;
  constant(name: ValueName | undefined): Tensor | null;
  /** The one number that a value holds whatever the input; null if there is no such number. */
  numberIn(name: ValueName): number | null;
  /** How many inputs of nodes read it; a subgraph counts as one. */
  readersOf(name: ValueName): number;
  /** The value whose range counts: that of an activation, for what nobody but the activation reads. */
  rangeSource(name: ValueName): ValueName;
  /** Scale and zero point of a value; null if its range is not known. */
  affineOf(name: ValueName): Affine | null;
}

/** Looks a model over before it is quantized. Reads no weights, and only the ranges that are asked for. */
export function staticGraph(model: Model, form: StaticForm, ranges: Pick<Ranges, 'get'>): StaticGraph {
  const { graph } = model;
  const index = indexGraph(graph);
  const { facts } = inferFacts(model, index);
  const excluded = matchNodes(graph.nodes, form.exclude);
  const inputs = new Set(graph.inputs.map(({ name }) => name));
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const captured = new Set(
    graph.nodes.flatMap((node) => graphAttributes(node).flatMap((inner) => [...capturedValues(inner)])),
  );
  const readers = countReaders(graph.nodes, index);
  const madeBy = (name: ValueName): Node | undefined => graph.nodes[index.producer.get(name) ?? -1];
  const sources = new Map<ValueName, ValueName>();
  const activations = index.order.map((position) => graph.nodes[position] as Node).filter(isActivation);
  // From the end, so that of several activations in a row the last one's range counts.
  for (const node of activations.toReversed()) {
    const [input, output] = [node.inputs[0], node.outputs[0]];
    if (input === undefined || output === undefined || excluded.matches(node)) continue;
    if (readers.get(input) !== 1 || outputs.has(input) || inputs.has(input)) continue;
    sources.set(input, sources.get(output) ?? output);
  }
  const rangeSource = (name: ValueName): ValueName => sources.get(name) ?? name;
  return {
    model,
    form,
    index,
    opset: standardOpset(model),
    unmatched: excluded.unmatched,
    isExcluded: excluded.matches,
    isFloat: (name) => facts.get(name)?.dataType === DataType.float,
    isUntyped: (name) => (facts.get(name)?.dataType ?? DataType.undefined) === DataType.undefined,
    isInput: (name) => inputs.has(name) && !index.isConstant(name),
    isSeenByName: (name) => outputs.has(name) || captured.has(name),
    isDequantized: (name) => madeBy(name)?.opType === 'DequantizeLinear',
    constant: (name) => index.initializers.get(name ?? '') ?? null,
    numberIn: (name) => {
      const elements = facts.get(name)?.elements?.() ?? [];
      return elements.length === 1 && typeof elements[0] === 'number' ? elements[0] : null;
    },
    readersOf: (name) => readers.get(name) ?? 0,
    rangeSource,
    affineOf: (name) => affineFrom(rangeSource(name), madeBy(rangeSource(name)), form, ranges),
  };
}

/** Relu and Clip: the range of their output is all that a quantized input need hold. */
function isActivation(node: Node): boolean {
  return isStandardDomain(node) && (node.opType === 'Relu' || node.opType === 'Clip');
}

function affineFrom(
  name: ValueName,
  maker: Node | undefined,
  { activations, symmetric }: StaticForm,
  ranges: Pick<Ranges, 'get'>,
): Affine | null {
  const spread = { type: activations, isSymmetric: symmetric, isReduced: false } as const;
  if (maker?.opType === 'Softmax' && isStandardDomain(maker)) return affineOver(0, 1, spread);
  const range = ranges.get(name);
  if (range === undefined || !Number.isFinite(range.low) || !Number.isFinite(range.high)) return null;
  // What a Relu is folded into must not let negative values through, whatever was calibrated.
  const isRelu = maker?.opType === 'Relu' && isStandardDomain(maker);
  return affineOver(isRelu ? 0 : range.low, range.high, spread);
}

function countReaders(nodes: readonly Node[], index: GraphIndex): Map<ValueName, number> {
  const readers = new Map<ValueName, number>();
  nodes.forEach(({ inputs }, position) => {
    const captured = index.inputsOf(position).filter((name) => !inputs.includes(name));
    for (const name of [...inputs, ...captured]) readers.set(name, (readers.get(name) ?? 0) + 1);
  });
  return readers;
}
