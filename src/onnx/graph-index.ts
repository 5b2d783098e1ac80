import { InputError } from '../base/result.ts';
import { graphAttributes } from './attributes.ts';
import type { Graph, Node, Tensor, ValueName } from './model.ts';
import { sparseInitializerNames } from './sparse-initializers.ts';

/** Who makes and who uses each value of a graph, and an order in which its nodes can run. */
export interface GraphIndex {
  /** The node (position in `graph.nodes`) that makes a value; inputs and initializers have none. */
  readonly producer: ReadonlyMap<ValueName, number>;
  /** The nodes that use a value, each once, in file order; use inside a node's subgraphs counts as its use. */
  readonly consumers: ReadonlyMap<ValueName, readonly number[]>;
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** All nodes, each after those it needs; the file's own order where that is possible. */
  readonly order: readonly number[];
  /** What a node needs, each value once: its inputs in order, then what its subgraphs capture. */
  inputsOf(nodeIndex: number): readonly ValueName[];
  /** Whether the value is an initializer, dense or sparse. */
  isConstant(name: string): boolean;
}

/**
 * @param outerNames values of the enclosing graphs, if `graph` is a subgraph
 * @throws InputError `onnx-duplicate-value`, `onnx-undefined-value`, `onnx-cycle`
 */
export function indexGraph(graph: Graph, outerNames: ReadonlySet<string> = new Set()): GraphIndex {
  const initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const sparse = new Set(sparseInitializerNames(graph));
  const isConstant = (name: string): boolean => initializers.has(name) || sparse.has(name);
  const inputNames = new Set<string>();
  for (const { name } of graph.inputs) {
    if (inputNames.has(name)) throw duplicateError(name, 'two inputs of the graph have this name');
    inputNames.add(name);
  }

  const producer = new Map<ValueName, number>();
  graph.nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (output === '') continue;
      const earlier = producer.get(output);
      const other = earlier === undefined ? undefined : graph.nodes[earlier];
      if (other !== undefined) {
        throw duplicateError(output, `${nodeText(other, earlier)} and ${nodeText(node, i)} both make it`);
      }
      if (inputNames.has(output) || isConstant(output)) {
        const kind = inputNames.has(output) ? 'an input of the graph' : 'an initializer';
        throw duplicateError(output, `${nodeText(node, i)} makes it, but it is ${kind} too`);
      }
      producer.set(output, i);
    }
  });

  const isDefined = (name: ValueName): boolean =>
    producer.has(name) || inputNames.has(name) || isConstant(name) || outerNames.has(name);
  const needs = graph.nodes.map((node) => neededValues(node));
  const consumers = new Map<ValueName, number[]>();
  needs.forEach((names, i) => {
    for (const name of names) {
      if (!isDefined(name)) throw undefinedError(name, nodeText(graph.nodes[i] as Node, i));
      const users = consumers.get(name);
      if (users === undefined) consumers.set(name, [i]);
      else users.push(i);
    }
  });
  for (const { name } of graph.outputs) {
    if (!isDefined(name)) throw undefinedError(name, 'an output of the graph');
  }

  return {
    producer,
    consumers,
    initializers,
    order: topologicalOrder(graph, needs, producer),
    inputsOf: (nodeIndex) => needs[nodeIndex] ?? [],
    isConstant,
  };
}

/** The values a node needs, captured ones included, each once. */
function neededValues(node: Node): readonly ValueName[] {
  const names = new Set(node.inputs);
  for (const graph of graphAttributes(node)) for (const name of capturedValues(graph)) names.add(name);
  names.delete('' as ValueName);
  return [...names];
}

/** The values a subgraph takes from the graphs around it. */
export function capturedValues(graph: Graph): ReadonlySet<ValueName> {
  const own = new Set<string>(graph.initializers.map((tensor) => tensor.name));
  for (const name of sparseInitializerNames(graph)) own.add(name);
  for (const { name } of graph.inputs) own.add(name);
  for (const node of graph.nodes) for (const output of node.outputs) own.add(output);
  const captured = new Set<ValueName>();
  for (const node of graph.nodes) {
    for (const name of neededValues(node)) if (!own.has(name)) captured.add(name);
  }
  for (const { name } of graph.outputs) if (!own.has(name)) captured.add(name);
  return captured;
}

/** Depth first from the file's order, so that a sorted file keeps its order; linear time, no recursion. */
function topologicalOrder(
  graph: Graph,
  needs: readonly (readonly ValueName[])[],
  producer: ReadonlyMap<ValueName, number>,
): readonly number[] {
  const order: number[] = [];
  const state = new Uint8Array(graph.nodes.length);
  const [isOpen, isDone] = [1, 2];
  for (let root = 0; root < graph.nodes.length; root++) {
    if (state[root] === isDone) continue;
    const path = [{ node: root, nextInput: 0 }];
    state[root] = isOpen;
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const name = needs[top.node]?.[top.nextInput++];
      if (name === undefined) {
        state[top.node] = isDone;
        order.push(top.node);
        path.pop();
        continue;
      }
      const source = producer.get(name);
      if (source === undefined || state[source] === isDone) continue;
      if (state[source] === isOpen) {
        const start = path.findIndex((step) => step.node === source);
        throw cycleError(
          graph,
          path.slice(start).map((step) => step.node),
        );
      }
      state[source] = isOpen;
      path.push({ node: source, nextInput: 0 });
    }
  }
  return order;
}

function nodeText(node: Node, index: number | undefined): string {
  return node.name === '' ? `node ${index} (${node.opType})` : `node "${node.name}" (${node.opType})`;
}

function duplicateError(name: string, reason: string): InputError {
  return new InputError({
    code: 'onnx-duplicate-value',
    message: `The value "${name}" is defined twice: ${reason}.`,
    where: name,
    hint: 'Each value needs one source: export the model again.',
  });
}

function undefinedError(name: string, user: string): InputError {
  return new InputError({
    code: 'onnx-undefined-value',
    message: `The value "${name}" is used by ${user}, but nothing makes it.`,
    where: name,
    hint: 'A part of the graph is missing: export the model again.',
  });
}

function cycleError(graph: Graph, nodes: readonly number[]): InputError {
  const names = nodes.slice(0, 6).map((index) => nodeText(graph.nodes[index] as Node, index));
  const more = nodes.length > 6 ? ` and ${nodes.length - 6} more` : '';
  return new InputError({
    code: 'onnx-cycle',
    message: `The graph runs in a circle: ${names.join(', ')}${more} need each other's results.`,
    where: names[0] ?? '',
    hint: 'No order of running exists: export the model again.',
  });
}
