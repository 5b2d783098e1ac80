import { defined } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import type { GraphIndex } from '../onnx/graph-index.ts';
import type { Graph, Model, Node, Shape, Tensor, ValueInfo, ValueName } from '../onnx/model.ts';

/** A graph with what is known about its values. */
export interface IndexedModel {
  readonly model: Model;
  readonly index: GraphIndex;
  readonly shapes: ReadonlyMap<ValueName, { readonly dataType: number; readonly shape: Shape }>;
}

/**
 * The nodes that `outputs` need when `given` values are fed: walks back from the outputs and stops at the given
 * values. What `onnx.utils.extract_model` keeps.
 * @returns node indices
 */
export function nodesBetween(
  index: GraphIndex,
  given: ReadonlySet<ValueName>,
  outputs: Iterable<ValueName>,
): Set<number> {
  const needed = new Set<number>();
  const pending: ValueName[] = [...outputs];
  for (let value = pending.pop(); value !== undefined; value = pending.pop()) {
    if (given.has(value)) continue;
    const producer = index.producer.get(value);
    if (producer === undefined || needed.has(producer)) continue;
    needed.add(producer);
    for (const input of index.inputsOf(producer)) pending.push(input);
  }
  return needed;
}

/**
 * The sub-model between two sets of values. Weights stay where they are: the result refers to the same ranges.
 * @throws InputError `extract-incomplete` if the outputs also need model inputs that are not among `inputs`
 */
export function extractBetween(
  source: IndexedModel,
  inputs: readonly ValueName[],
  outputs: readonly ValueName[],
): Model {
  const { index } = source;
  const given = new Set(inputs);
  const nodes = nodesBetween(index, given, outputs);
  for (const node of nodes) {
    for (const value of index.inputsOf(node)) {
      if (given.has(value) || index.producer.has(value) || index.isConstant(value)) continue;
      throw new InputError({
        code: 'extract-incomplete',
        message: `"${value}" is also needed to compute ${outputs.map((name) => JSON.stringify(name)).join(', ')}`,
        where: value,
      });
    }
  }
  return subModel(source, nodes, inputs, outputs);
}

/**
 * The model made of some nodes of another, with everything else of it (opsets, local functions, metadata) kept.
 * Initializers that no node uses are left out, and weights that old files list as inputs stay weights only.
 * @throws InputError `value-type` if a boundary value is not a tensor of known type
 */
export function subModel(
  { model, index, shapes }: IndexedModel,
  nodes: ReadonlySet<number>,
  inputs: readonly ValueName[],
  outputs: readonly ValueName[],
): Model {
  const { graph } = model;
  const declared = new Map<ValueName, ValueInfo>();
  for (const info of [...graph.valueInfos, ...graph.inputs, ...graph.outputs]) declared.set(info.name, info);
  const boundary = (name: ValueName): ValueInfo => boundaryInfo(name, declared.get(name), shapes.get(name));

  const ordered = index.order.filter((node) => nodes.has(node));
  const used = new Set<string>(outputs);
  const made = new Set<ValueName>();
  for (const node of ordered) {
    for (const name of index.inputsOf(node)) used.add(name);
    for (const name of nodeAt(graph, node).outputs) made.add(name);
  }
  const outer = new Set<ValueName>([...inputs, ...outputs]);
  return {
    ...model,
    // Version 3 wanted every initializer listed as an input.
    irVersion: Math.max(model.irVersion, 4),
    graph: {
      ...graph,
      nodes: ordered.map((node) => nodeAt(graph, node)),
      initializers: graph.initializers.filter(({ name }: Tensor) => used.has(name)),
      inputs: inputs.map(boundary),
      outputs: outputs.map(boundary),
      valueInfos: graph.valueInfos.filter(({ name }) => made.has(name) && !outer.has(name)),
    },
  };
}

function nodeAt(graph: Graph, index: number): Node {
  return defined(graph.nodes[index], `node ${index}`);
}

/** The type a boundary value is declared with: the file's own declaration, completed by inference. */
function boundaryInfo(
  name: ValueName,
  declared: ValueInfo | undefined,
  inferred: { readonly dataType: number; readonly shape: Shape } | undefined,
): ValueInfo {
  if (declared?.type.kind === 'tensor' && (declared.type.shape !== null || !inferred?.shape)) return declared;
  if (declared?.type.kind === 'other') {
    throw new InputError({
      code: 'value-type',
      message: `"${name}" is a ${declared.type.description}, only tensors can cross between segments`,
      where: name,
    });
  }
  if (inferred === undefined || inferred.dataType === 0) {
    throw new InputError({
      code: 'value-type',
      message: `the type of "${name}" is not known, so it cannot cross between segments`,
      where: name,
      hint: 'Cut elsewhere, or add types to the file with onnx.shape_inference.',
    });
  }
  return {
    name,
    type: { kind: 'tensor', dataType: inferred.dataType, shape: inferred.shape },
    docString: '',
    unknown: [],
  };
}
