import { intAttribute, intsAttribute, tensorAttribute } from './attributes.ts';
import { type GraphIndex, indexGraph } from './graph-index.ts';
import {
  DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from './model.ts';
import { hasSubgraph, type Inference, inferFacts } from './shape-inference.ts';
import { maxElements, tensorElements } from './shapes/elements.ts';
import { type Elements, type Facts, nothingKnown, productOf } from './shapes/facts.ts';
import { operatorKey } from './shapes/operator-table.ts';
import { bytesTensor, floatTensor, int64Tensor } from './tensor.ts';

/** A model without its exporter's clutter. */
export interface FoldedModel {
  readonly model: Model;
  /** How many nodes of the file are gone. */
  readonly foldedNodes: number;
  /** Facts of the values of the original, and of copies; those that remain are the same in the folded model. */
  readonly inference: Inference;
}

/**
 * The *display model*: constants and shape arithmetic become initializers, nodes that pass their input through
 * (Identity, inference-time Dropout, Cast to the same type, padding by nothing) are bypassed, and what only fed
 * those is dropped. It computes the same outputs; values that remain keep their names, so that cuts and exits
 * found here are cuts and exits of the file. Nodes come in topological order, those that depend on constants
 * only right before their first use. Initializers are no longer listed as inputs.
 * @throws InputError as `indexGraph`
 */
export function foldConstants(model: Model): FoldedModel {
  const known = foldings.get(model);
  if (known !== undefined) return known;
  const folded = folding(model);
  foldings.set(model, folded);
  return folded;
}

/** What is shown, checked and cut is the same display model, made once. */
const foldings = new WeakMap<Model, FoldedModel>();

function folding(model: Model): FoldedModel {
  const { graph } = model;
  const index = indexGraph(graph);
  const inference = inferFacts(model, index);
  const walk = new Folding(model, index, inference);
  const folded = walk.graph();
  return {
    // Since IR version 4 initializers need not be listed as inputs.
    model: { ...model, irVersion: Math.max(4, model.irVersion), graph: folded },
    foldedNodes: Math.max(0, graph.nodes.length - folded.nodes.length),
    inference: { ...inference, facts: new Map([...inference.facts, ...walk.factsOfCopies]) },
  };
}

const randomOperators: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Bernoulli',
  'Multinomial',
]);

/** Replaced values while the nodes are walked in order. */
class Folding {
  private readonly original: Graph;
  private readonly index: GraphIndex;
  private readonly facts: ReadonlyMap<ValueName, Facts>;
  private readonly opset: number;
  private readonly outputs: ReadonlySet<ValueName>;
  private readonly captured: ReadonlySet<ValueName>;
  /** Values that became constants. */
  private readonly constants = new Map<ValueName, Tensor>();
  /** Values that are another value under a new name. */
  private readonly aliases = new Map<ValueName, ValueName>();
  /** How many nodes were copied. */
  private copies = 0;
  readonly factsOfCopies = new Map<ValueName, Facts>();

  constructor(model: Model, index: GraphIndex, inference: Inference) {
    this.original = model.graph;
    this.index = index;
    this.facts = inference.facts;
    this.opset = model.opsetImports.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 1;
    this.outputs = new Set(model.graph.outputs.map(({ name }) => name));
    this.captured = capturedBySubgraphs(model.graph, index);
  }

  graph(): Graph {
    const kept: Node[] = [];
    for (const position of this.index.order) {
      const node = this.original.nodes[position] as Node;
      if (this.becameConstant(node) || this.isBypassed(node)) continue;
      kept.push(this.rewired(node));
    }
    const nodes = constantsLast(this.alive(kept), this.original, this.captured, (node) => this.copied(node));
    const used = new Set<ValueName>([...this.outputs, ...this.captured]);
    for (const node of nodes) for (const name of node.inputs) used.add(name);
    const unusedBefore = (name: ValueName) => !this.index.consumers.has(name);
    const initializers = this.original.initializers.filter(
      ({ name }) => used.has(valueName(name)) || unusedBefore(valueName(name)),
    );
    for (const [name, tensor] of this.constants) if (used.has(name)) initializers.push(tensor);
    const made = new Set(nodes.flatMap((node) => node.outputs));
    return {
      ...this.original,
      nodes,
      initializers,
      inputs: this.original.inputs.filter(({ name }) => !this.index.isConstant(name)),
      valueInfos: this.original.valueInfos.filter(({ name }) => made.has(name)),
    };
  }

  /** Outputs of the graph keep their node, and so does what a subgraph sees by name. */
  private mayVanish(name: ValueName): boolean {
    return !this.outputs.has(name) && !this.captured.has(name);
  }

  private becameConstant(node: Node): boolean {
    const names = node.outputs.filter((name) => name !== '');
    if (names.length === 0 || hasSubgraph(node) || names.some((name) => this.outputs.has(name))) return false;
    const key = operatorKey(node);
    const value = key === 'Constant' ? tensorAttribute(node, 'value') : undefined;
    if (value) {
      this.constants.set(names[0] as ValueName, { ...value, name: names[0] as ValueName });
      return true;
    }
    const filled = key === 'ConstantOfShape' ? filledTensor(node, names[0] as ValueName, this.facts) : null;
    const tensors = filled ? [filled] : names.map((name) => constantTensor(name, this.facts.get(name)));
    if (tensors.some((tensor) => tensor === null)) return false;
    for (const tensor of tensors) if (tensor) this.constants.set(valueName(tensor.name), tensor);
    return true;
  }

  private isBypassed(node: Node): boolean {
    const [input] = node.inputs;
    const [output, ...others] = node.outputs;
    if (!input || !output || !this.mayVanish(output)) return false;
    if (others.some((name) => name !== '' && (this.index.consumers.has(name) || this.outputs.has(name))))
      return false;
    if (!this.passesThrough(node)) return false;
    this.aliases.set(output, this.aliases.get(input) ?? input);
    return true;
  }

  private passesThrough(node: Node): boolean {
    switch (operatorKey(node)) {
      case 'Identity':
        return true;
      case 'Dropout':
        // Before opset 12 it only ever ran in inference; then a third input may ask for training.
        return this.opset < 7 ? intAttribute(node, 'is_test') === 1 : !node.inputs[2];
      case 'Cast':
        return this.sameFacts(node) && this.facts.get(node.inputs[0] as ValueName)?.dataType !== 0;
      case 'Expand':
      case 'Reshape':
        return this.sameFacts(node);
      case 'Pad':
        return this.padsNothing(node);
      case 'Concat':
        return node.inputs.length === 1;
      default:
        return false;
    }
  }

  private sameFacts(node: Node): boolean {
    const before = this.facts.get(node.inputs[0] as ValueName);
    const after = this.facts.get(node.outputs[0] as ValueName);
    if (!before || !after || before.dataType !== after.dataType) return false;
    if (node.opType === 'Cast') return true;
    if (!before.shape || before.shape.length !== after.shape?.length) return false;
    // Unknown sizes may differ; an unknown one beside numbers is what the numbers leave.
    return before.shape.every((dim, axis) => dim !== null && dim === after.shape?.[axis]);
  }

  private padsNothing(node: Node): boolean {
    const attribute = intsAttribute(node, 'pads') ?? intsAttribute(node, 'paddings');
    const given = node.inputs[1] ? this.facts.get(node.inputs[1])?.elements?.() : undefined;
    const pads = attribute ?? given;
    return pads?.every((amount) => amount === 0) ?? false;
  }

  private rewired(node: Node): Node {
    const reshaped = this.withConstantShape(node);
    if (!reshaped.inputs.some((name) => this.aliases.has(name))) return reshaped;
    return { ...reshaped, inputs: reshaped.inputs.map((name) => this.aliases.get(name) ?? name) };
  }

  /**
   * A Reshape whose target has one size that only the batch decides: with -1 in its place the target is constant
   * and the arithmetic behind it falls away.
   */
  private withConstantShape(node: Node): Node {
    const target = node.inputs[1];
    if (
      operatorKey(node) !== 'Reshape' ||
      !target ||
      this.constants.has(target) ||
      this.index.isConstant(target)
    ) {
      return node;
    }
    const elements = this.facts.get(target)?.elements?.();
    const open = elements?.filter((element) => typeof element !== 'number') ?? [];
    const plain = elements?.every((element) => typeof element !== 'number' || element > 0) ?? false;
    if (!elements || open.length !== 1 || !plain) return node;
    const name = valueName(`${node.outputs[0]}/shape`);
    if (this.facts.has(name)) return node;
    const sizes = elements.map((element) => (typeof element === 'number' ? element : -1));
    this.constants.set(name, int64Tensor(name, [sizes.length], sizes));
    return { ...node, inputs: node.inputs.with(1, name) };
  }

  /**
   * A node that depends on constants only, once more under new names; null where that would cost memory, give other
   * numbers (random ones), or go on without end.
   */
  private copied(node: Node): Node | null {
    const [output, ...others] = node.outputs;
    if (!output || others.length > 0 || this.copies >= this.original.nodes.length) return null;
    const facts = this.facts.get(output) ?? nothingKnown;
    const size = facts.shape && productOf(facts.shape);
    const isSmall = size !== null && size <= maxElements;
    if (!(isSmall || node.opType === 'DequantizeLinear') || randomOperators.has(node.opType)) return null;
    this.copies += 1;
    const name = valueName(`${output}/copy_${this.copies}`);
    if (this.facts.has(name)) return null;
    this.factsOfCopies.set(name, facts);
    return { ...node, name: node.name && `${node.name}/copy_${this.copies}`, outputs: [name] };
  }

  /** Without the nodes whose results nobody needs any more; what nobody needed in the file stays. */
  private alive(nodes: readonly Node[]): readonly Node[] {
    const needed = new Set<ValueName>([...this.outputs, ...this.captured]);
    const kept = nodes.toReversed().filter((node) => {
      const wasIdle = node.outputs.every((name) => !this.index.consumers.has(name));
      if (!wasIdle && !node.outputs.some((name) => needed.has(name))) return false;
      for (const name of node.inputs) needed.add(name);
      return true;
    });
    return kept.reverse();
  }
}

function capturedBySubgraphs(graph: Graph, index: GraphIndex): ReadonlySet<ValueName> {
  const captured = new Set<ValueName>();
  for (const [position, node] of graph.nodes.entries()) {
    if (!hasSubgraph(node)) continue;
    for (const name of index.inputsOf(position)) if (!node.inputs.includes(name)) captured.add(name);
  }
  return captured;
}

/** The value as an initializer, if it is small and fully known; null otherwise. */
function constantTensor(name: ValueName, facts: Facts | undefined): Tensor | null {
  const size = facts?.shape && productOf(facts.shape);
  if (!facts?.elements || size === null || size === undefined || size > maxElements) return null;
  const elements = facts.elements();
  if (!elements || elements.length !== size) return null;
  const dims = facts.shape as readonly number[];
  return elements.every((element) => typeof element === 'number')
    ? encoded(name, dims, facts.dataType, elements as Elements as readonly number[])
    : null;
}

function encoded(
  name: string,
  dims: readonly number[],
  dataType: number,
  values: readonly number[],
): Tensor | null {
  const bytesOf = (array: { readonly buffer: ArrayBuffer }) =>
    bytesTensor(name, dims, dataType, new Uint8Array(array.buffer));
  switch (dataType) {
    case DataType.float:
      return floatTensor(name, dims, Float32Array.from(values));
    case DataType.double:
      return bytesOf(Float64Array.from(values));
    case DataType.int64:
      // The infinite ones stand for integers that a number cannot hold.
      return values.every(Number.isSafeInteger) ? int64Tensor(name, dims, values) : null;
    case DataType.int32:
      return bytesOf(Int32Array.from(values));
    case DataType.uint8:
    case DataType.bool:
      return bytesOf(Uint8Array.from(values));
    case DataType.int8:
      return bytesOf(Int8Array.from(values));
    default:
      return null;
  }
}

/** A large float32 ConstantOfShape: noise without spread is its value everywhere, made only when it is read. */
function filledTensor(node: Node, name: ValueName, facts: ReadonlyMap<ValueName, Facts>): Tensor | null {
  const { dataType, shape } = facts.get(name) ?? nothingKnown;
  const size = shape && productOf(shape);
  if (dataType !== DataType.float || size === null || size <= 64 || !Number.isSafeInteger(size)) return null;
  const value = tensorAttribute(node, 'value');
  const filler = value ? tensorElements(value)?.[0] : 0;
  if (typeof filler !== 'number') return null;
  const dims = shape as readonly number[];
  return { name, dims, dataType, data: { kind: 'hollow', mean: filler, std: 0 }, docString: '', unknown: [] };
}

/**
 * Moves nodes that no input of the graph reaches to right before their first use, so that they cross no cut. Later
 * uses get copies of their own: quantized weights are shared in files, and dequantized for each use by the runtime.
 * @param copied the node under new names, or null where it must stay the only one
 */
function constantsLast(
  nodes: readonly Node[],
  graph: Graph,
  captured: ReadonlySet<ValueName>,
  copied: (node: Node) => Node | null,
): readonly Node[] {
  const reached = new Set<ValueName>(graph.inputs.map(({ name }) => name));
  for (const { name } of graph.initializers) reached.delete(valueName(name));
  const waiting = new Map<ValueName, Node>();
  const placed = new Set<Node>();
  const ordered: Node[] = [];
  const place = (node: Node) => {
    if (placed.has(node)) return;
    placed.add(node);
    ordered.push(withOwnInputs(node));
  };
  const withOwnInputs = (node: Node): Node => {
    const own = new Map<ValueName, ValueName>();
    for (const name of node.inputs) {
      const source = waiting.get(name);
      if (!source || own.has(name)) continue;
      const copy = placed.has(source) ? copied(source) : null;
      if (copy === null) place(source);
      else ordered.push(withOwnInputs(copy));
      own.set(name, copy?.outputs[source.outputs.indexOf(name)] ?? name);
    }
    const isChanged = [...own].some(([name, other]) => name !== other);
    return isChanged ? { ...node, inputs: node.inputs.map((name) => own.get(name) ?? name) } : node;
  };
  for (const node of nodes) {
    const stays = hasSubgraph(node) || node.outputs.some((name) => captured.has(name));
    if (stays || node.inputs.some((name) => reached.has(name))) {
      for (const name of node.outputs) reached.add(name);
      place(node);
    } else {
      for (const name of node.outputs) waiting.set(name, node);
    }
  }
  // Outputs of the graph, or results nobody uses.
  for (const node of nodes) place(node);
  return ordered;
}
