import { attributeText } from './attributes.ts';
import { blocksOf } from './blocks.ts';
import { countedInference } from './counted-inference.ts';
import { type InputDims, dimsAtSize } from './counted-size.ts';
import { costOfNodes, type NodeCost, weightsOf } from './cost.ts';
import { headOfNodes } from './exit-heads.ts';
import { foldConstants } from './fold.ts';
import { frontiersOf } from './frontiers.ts';
import { type GraphIndex, indexGraph } from './graph-index.ts';
import type { EdgeView, ExitView, GraphView, NodeView, ValueView } from './graph-view.ts';
import { isHollow } from './hollow.ts';
import type { Graph, Model, Node, ValueInfo, ValueName } from './model.ts';
import { hasSubgraph, type Inference, shapeText } from './shape-inference.ts';
import { nodeTitle } from './shapes/facts.ts';
import { operatorKey } from './shapes/operator-table.ts';
import { skippableRuns } from './skippable-blocks.ts';
import { dataTypeName, elementCount, tensorByteLength } from './tensor.ts';
import { valueView } from './value-view.ts';

/** Attribute texts are for reading, not for keeping. */
const maxAttributeText = 200;
/** A broken file can contradict itself at every node; nobody reads a thousand warnings. */
const maxWarnings = 30;
/** Each exit is a walk over the nodes it needs. */
const maxExitWork = 4_000_000;

/**
 * Everything the page needs of a model, computed from its display model. No weight is read.
 * @param model as parsed, or refilled
 * @param dimsOf what inputs are counted with where they are open
 * @throws InputError if the graph is not one (cycles, values without a producer)
 */
export function buildGraphView(
  model: Model,
  meta: { readonly modelId: string; readonly fileName: string; readonly fileBytes: number },
  dimsOf: InputDims = dimsAtSize({}),
): GraphView {
  const folded = foldConstants(model);
  const { model: display, foldedNodes, inference } = folded;
  const counted = countedInference(folded, dimsOf);
  const { graph } = display;
  const index = indexGraph(graph);
  const costs = costOfNodes(graph, index, counted.facts);
  const unknown = new Set(inference.unknownOperators);
  const nodes = index.order.map((position, at) =>
    nodeView(at, graph.nodes[position] as Node, index, position, costs[position] as NodeCost, unknown),
  );
  const others = otherTypes(graph);
  const values = valueViews(graph, nodes, inference, counted, others);
  const inputs = graph.inputs.map(({ name }) => name);
  const outputs = graph.outputs.map(({ name }) => name);
  const firstReads = weightsByFirstReader(graph, index);
  const frontiers = frontiersOf({
    nodes,
    graphInputs: inputs,
    values,
    newWeightBytes: firstReads.map(({ bytes }) => bytes),
    canCross: (name) => !others.has(name),
  });
  const edges = edgesOf(nodes, inputs, outputs);
  const exits = exitsOf(graph, index, nodes, outputs);
  const missingFiles = missingFilesOf(model);
  return {
    ...meta,
    irVersion: model.irVersion,
    opsets: model.opsetImports.map(({ domain, version }) => ({ domain, version })),
    producer: [model.producerName, model.producerVersion].filter((part) => part !== '').join(' '),
    metadata: model.metadata,
    values,
    inputs,
    outputs,
    nodes,
    edges,
    blocks: blocksOf(nodes, frontiers, headOfNodes({ nodes, edges, exits })),
    frontiers,
    exits,
    skippable: skippableRuns(nodes, frontiers, values),
    totals: {
      params: sumOf(firstReads, ({ params }) => params),
      nonZeroParams: null,
      macs: sumOf(nodes, ({ macs }) => macs),
      weightBytes: sumOf(firstReads, ({ bytes }) => bytes),
      activationBytes: sumOf(nodes, ({ activationBytes }) => activationBytes),
      foldedNodes,
      fileNodes: model.graph.nodes.length,
    },
    hollow: isHollow(model),
    missingFiles,
    warnings: warningsOf(missingFiles, display, inference, counted, nodes),
  };
}

function sumOf<T>(items: readonly T[], quantity: (item: T) => number): number {
  return items.reduce((sum, item) => sum + quantity(item), 0);
}

function nodeView(
  at: number,
  node: Node,
  index: GraphIndex,
  position: number,
  cost: NodeCost,
  unknown: ReadonlySet<string>,
): NodeView {
  return {
    index: at,
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    known: !unknown.has(operatorKey(node)),
    attributes: node.attributes.map((attribute) => ({
      name: attribute.name,
      text: shortened(attributeText(attribute)),
    })),
    weights: weightsOf(node, index).map(({ tensor }) => ({
      name: tensor.name,
      dataType: dataTypeName(tensor.dataType),
      dims: tensor.dims,
    })),
    inputs: index.inputsOf(position).filter((name) => !index.isConstant(name)),
    outputs: node.outputs.filter((name) => name !== ''),
    ...cost,
  };
}

function shortened(text: string): string {
  return text.length <= maxAttributeText ? text : `${text.slice(0, maxAttributeText - 1)}…`;
}

/** Declared values that are not tensors: sequences, maps, optionals. */
function otherTypes(graph: Graph): ReadonlyMap<ValueName, string> {
  const others = new Map<ValueName, string>();
  for (const { name, type } of [...graph.inputs, ...graph.valueInfos, ...graph.outputs]) {
    if (type.kind === 'other') others.set(name, type.description);
  }
  return others;
}

function valueViews(
  graph: Graph,
  nodes: readonly NodeView[],
  inference: Inference,
  counted: Inference,
  others: ReadonlyMap<ValueName, string>,
): ReadonlyMap<ValueName, ValueView> {
  const names = new Set<ValueName>(graph.inputs.map((info: ValueInfo) => info.name));
  for (const node of nodes) for (const name of node.outputs) names.add(name);
  for (const { name } of graph.outputs) names.add(name);
  const values = new Map<ValueName, ValueView>();
  for (const name of names) {
    const value = valueView(name, inference.facts, counted.facts);
    const dataType = others.get(name);
    values.set(name, dataType === undefined ? value : { ...value, dataType });
  }
  return values;
}

/** Weights counted where they are first read, so that shared ones count once. By topological position. */
function weightsByFirstReader(graph: Graph, index: GraphIndex): readonly { params: number; bytes: number }[] {
  const bytesSeen = new Set<string>();
  const paramsSeen = new Set<string>();
  return index.order.map((position) => {
    let [params, bytes] = [0, 0];
    for (const { tensor, isParameter } of weightsOf(graph.nodes[position] as Node, index)) {
      if (!bytesSeen.has(tensor.name)) bytes += tensorByteLength(tensor);
      bytesSeen.add(tensor.name);
      if (!isParameter || paramsSeen.has(tensor.name)) continue;
      params += elementCount(tensor.dims);
      paramsSeen.add(tensor.name);
    }
    return { params, bytes };
  });
}

function edgesOf(
  nodes: readonly NodeView[],
  inputs: readonly ValueName[],
  outputs: readonly ValueName[],
): readonly EdgeView[] {
  const producer = new Map<ValueName, number>(inputs.map((name) => [name, -1]));
  for (const node of nodes) for (const name of node.outputs) producer.set(name, node.index);
  const edges: EdgeView[] = [];
  const add = (value: ValueName, to: number) => {
    const from = producer.get(value);
    if (from !== undefined) edges.push({ from, to, value });
  };
  for (const node of nodes) for (const name of node.inputs) add(name, node.index);
  for (const name of outputs) add(name, -1);
  return edges;
}

/**
 * Outputs by the work of everything they need; those of equal work in the file's order. A model with absurdly many
 * outputs has no exits but its last.
 */
function exitsOf(
  graph: Graph,
  index: GraphIndex,
  nodes: readonly NodeView[],
  outputs: readonly ValueName[],
): readonly ExitView[] {
  const producer = new Map<ValueName, number>();
  for (const node of nodes) for (const name of node.outputs) producer.set(name, node.index);
  const considered = outputs.length * nodes.length <= maxExitWork ? outputs : outputs.slice(-1);
  const exits = considered.map((output) => {
    const needed = ancestorsOf(output, nodes, producer);
    const params = new Map<string, number>();
    for (const node of needed) {
      for (const { tensor, isParameter } of weightsOf(
        graph.nodes[index.order[node] as number] as Node,
        index,
      )) {
        if (isParameter) params.set(tensor.name, elementCount(tensor.dims));
      }
    }
    return {
      output,
      node: producer.get(output) ?? -1,
      macs: sumOf([...needed], (node) => (nodes[node] as NodeView).macs),
      params: sumOf([...params.values()], (count) => count),
      scores: scoresOf(output, nodes, producer),
    };
  });
  return exits.toSorted((a, b) => a.macs - b.macs).map((exit, at) => ({ index: at, ...exit }));
}

function ancestorsOf(
  output: ValueName,
  nodes: readonly NodeView[],
  producer: ReadonlyMap<ValueName, number>,
): ReadonlySet<number> {
  const found = new Set<number>();
  const open = [output];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producer.get(name);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    open.push(...(nodes[node] as NodeView).inputs);
  }
  return found;
}

const reshaping: ReadonlySet<string> = new Set(['Identity', 'Cast', 'Reshape', 'Flatten', 'Squeeze']);

function scoresOf(
  output: ValueName,
  nodes: readonly NodeView[],
  producer: ReadonlyMap<ValueName, number>,
): ExitView['scores'] {
  let node = nodes[producer.get(output) ?? -1];
  while (node && reshaping.has(node.opType)) {
    const [input] = node.inputs;
    node = input === undefined ? undefined : nodes[producer.get(input) ?? -1];
  }
  return node?.opType === 'Softmax' ? 'probabilities' : 'logits';
}

function missingFilesOf(model: Model): readonly string[] {
  const missing = new Set<string>();
  for (const { data } of model.graph.initializers) {
    if (data.kind === 'external' && data.source === null) missing.add(data.location);
  }
  return [...missing];
}

function warningsOf(
  missingFiles: readonly string[],
  display: Model,
  inference: Inference,
  counted: Inference,
  nodes: readonly NodeView[],
): readonly string[] {
  const warnings: string[] = [];
  const unknown = [...new Set(nodes.filter((node) => !node.known).map((node) => operatorKey(node)))];
  if (unknown.length > 0) {
    warnings.push(`operators this lab does not know, passed through as they are: ${unknown.join(', ')}`);
  }
  const open: string[] = [];
  for (const input of display.graph.inputs) {
    const shape = input.type.kind === 'tensor' ? input.type.shape : null;
    if (input.type.kind !== 'other' && !shape?.slice(1).every((dim) => typeof dim === 'number')) {
      const atSize = counted.facts.get(input.name)?.shape ?? null;
      open.push(`${input.name} ${shapeText(shape)} is counted as ${shapeText(atSize)}`);
    }
    if (input.type.kind === 'other')
      warnings.push(`input ${input.name} is no tensor: ${input.type.description}`);
  }
  if (open.length > 0) {
    warnings.push(`sizes are open; for MACs and bytes ${open.join('; ')}`);
    const contradiction = counted.warnings.find((warning) => !inference.warnings.includes(warning));
    if (contradiction !== undefined) warnings.push(`at this size the model does not fit: ${contradiction}`);
  }
  for (const node of display.graph.nodes) {
    if (hasSubgraph(node)) warnings.push(`${nodeTitle(node)}: the work of its subgraph is not counted`);
  }
  if (missingFiles.length > 0) {
    warnings.push(`weights are in files that were not given: ${missingFiles.join(', ')}`);
  }
  warnings.push(...inference.warnings);
  if (warnings.length <= maxWarnings) return warnings;
  return [...warnings.slice(0, maxWarnings), `and ${warnings.length - maxWarnings} more`];
}
