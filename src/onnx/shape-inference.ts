import { graphAttributes } from './attributes.ts';
import { type GraphIndex, indexGraph } from './graph-index.ts';
import type { Dim, Graph, Model, Node, Shape, ValueInfo, ValueName } from './model.ts';
import { valueName } from './model.ts';
import { type ElementBudget, maxElements, tensorElements, withinBudget } from './shapes/elements.ts';
import { withElements } from './shapes/evaluate.ts';
import {
  type Facts,
  maxRank,
  mergeShapes,
  nothingKnown,
  type ShapeContext,
  ShapeError,
} from './shapes/facts.ts';
import { isStandardDomain, operatorKey, shapeFunctionOf } from './shapes/operator-table.ts';
import { elementCount } from './tensor.ts';

/** What inference found out about a model. */
export interface Inference {
  /** Every value of the main graph, initializers included. */
  readonly facts: ReadonlyMap<ValueName, Facts>;
  /** Contradictions, each in one sentence naming its node or value. */
  readonly warnings: readonly string[];
  /** Keys of operators without a shape function, e.g. `my.domain:MyOp`. */
  readonly unknownOperators: readonly string[];
}

/**
 * Types and shapes of all values. Symbolic dimensions keep their names; where a shape is computed by the graph
 * itself (Shape, Gather, Concat into Reshape) the computation is followed. An operator that is not known, or a
 * node that breaks its operator's rules, leaves its outputs with what the file declares about them.
 * @throws InputError if the graph is not one (cycles, values without a producer)
 * @source ONNX operator specification, opsets 7 to 23; where versions of the reference differ, what ONNX Runtime does
 */
export function inferShapes(model: Model): ReadonlyMap<ValueName, { dataType: number; shape: Shape }> {
  return inferFacts(model).facts;
}

/** Shapes together with the elements of small constant values, and what was found wrong on the way. */
export function inferFacts(model: Model, index: GraphIndex = indexGraph(model.graph)): Inference {
  const run: Run = {
    opsets: new Map(
      model.opsetImports.map(({ domain, version }) => [isStandardDomain(domain) ? '' : domain, version]),
    ),
    localFunctions: new Set(model.functions.map(({ domain, name }) => operatorKey({ domain, opType: name }))),
    budget: { remaining: maxElementsOfModel },
    warnings: [],
    unknownOperators: new Set(),
  };
  const facts = inferGraph(model.graph, index.order, [], () => undefined, run);
  return { facts, warnings: run.warnings, unknownOperators: [...run.unknownOperators] };
}

interface Run {
  readonly opsets: ReadonlyMap<string, number>;
  readonly localFunctions: ReadonlySet<string>;
  readonly budget: ElementBudget;
  readonly warnings: string[];
  readonly unknownOperators: Set<string>;
}

/** All elements of small constants together: enough for the clutter of any exporter, 32 MB at most. */
const maxElementsOfModel = 4_000_000;

type Lookup = (name: ValueName) => Facts | undefined;

function inferGraph(
  graph: Graph,
  order: readonly number[],
  inputs: readonly Facts[],
  outer: Lookup,
  run: Run,
): Map<ValueName, Facts> {
  const facts = new Map<ValueName, Facts>();
  const declared = declaredValues(graph);
  for (const [position, input] of graph.inputs.entries()) {
    facts.set(input.name, inputs[position] ?? declaredFacts(declared.get(input.name)));
  }
  // After the inputs: old files list initializers among them.
  for (const tensor of graph.initializers) {
    const size = elementCount(tensor.dims);
    const elements =
      size <= maxElements ? withinBudget(size, run.budget, () => tensorElements(tensor)) : null;
    facts.set(valueName(tensor.name), { dataType: tensor.dataType, shape: tensor.dims, elements });
  }
  const lookup: Lookup = (name) => facts.get(name) ?? outer(name);
  for (const position of order) {
    const node = graph.nodes[position] as Node;
    const outputs = inferNode(node, lookup, run);
    for (const [at, name] of node.outputs.entries()) {
      if (name !== '')
        facts.set(name, withDeclared(name, outputs[at] ?? nothingKnown, declared.get(name), run));
    }
  }
  return facts;
}

function inferNode(node: Node, lookup: Lookup, run: Run): readonly Facts[] {
  const key = operatorKey(node);
  const shapeFunction = run.localFunctions.has(key) ? undefined : shapeFunctionOf(node);
  if (!shapeFunction) {
    run.unknownOperators.add(key);
    return [];
  }
  const context: ShapeContext = {
    node,
    opset: run.opsets.get(isStandardDomain(node.domain) ? '' : node.domain) ?? 1,
    inputs: node.inputs.map((name) => (name === '' ? null : plausible(lookup(name)))),
    inferSubgraph: (graph, inputs) => {
      const order = graph.nodes.map((_, position) => position);
      const facts = inferGraph(graph, order, inputs, lookup, run);
      return graph.outputs.map(({ name }) => facts.get(name) ?? lookup(name) ?? nothingKnown);
    },
  };
  try {
    const outputs = shapeFunction(context);
    for (const { shape } of outputs) checkSizes(node, shape);
    return withElements(key, context, outputs, run.budget);
  } catch (thrown) {
    if (!(thrown instanceof ShapeError)) throw thrown;
    run.warnings.push(thrown.message);
    return [];
  }
}

/** A tensor of more dimensions than any framework makes is not worth computing with. */
function plausible(facts: Facts | undefined): Facts {
  if (!facts || (facts.shape && facts.shape.length > maxRank)) return nothingKnown;
  return facts;
}

function checkSizes(node: Node, shape: Shape): void {
  const bad = shape?.find((dim) => typeof dim === 'number' && (dim < 0 || !Number.isSafeInteger(dim)));
  if (bad !== undefined) throw new ShapeError(node, `its output would have the size ${bad}`);
}

function declaredValues(graph: Graph): ReadonlyMap<ValueName, ValueInfo> {
  const declared = new Map<ValueName, ValueInfo>();
  for (const info of [...graph.valueInfos, ...graph.outputs, ...graph.inputs]) declared.set(info.name, info);
  return declared;
}

function declaredFacts(info: ValueInfo | undefined): Facts {
  if (info?.type.kind !== 'tensor') return nothingKnown;
  return { dataType: info.type.dataType, shape: info.type.shape, elements: null };
}

/** Fills what inference left open from the file's declaration; where they contradict, inference is believed. */
function withDeclared(name: ValueName, inferred: Facts, info: ValueInfo | undefined, run: Run): Facts {
  const declared = declaredFacts(info);
  const dataType = inferred.dataType || declared.dataType;
  if (!inferred.shape || !declared.shape) {
    return { ...inferred, dataType, shape: inferred.shape ?? declared.shape };
  }
  const merged = mergeShapes(inferred.shape, declared.shape);
  if (!merged) {
    run.warnings.push(
      `${name}: the file declares ${shapeText(declared.shape)}, its operators give ${shapeText(inferred.shape)}`,
    );
  }
  return { ...inferred, dataType, shape: merged ?? inferred.shape };
}

/** A shape for people: `[1, 64, ?, width]`. */
export function shapeText(shape: Shape): string {
  return shape ? `[${shape.map((dim: Dim) => dim ?? '?').join(', ')}]` : 'an unknown shape';
}

/** Whether a node contains subgraphs (If, Loop, Scan). */
export function hasSubgraph(node: Node): boolean {
  return graphAttributes(node).length > 0;
}
