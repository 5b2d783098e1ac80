import { costOfNodes, type NodeCost } from '../onnx/cost.ts';
import { foldConstants } from '../onnx/fold.ts';
import { indexGraph } from '../onnx/graph-index.ts';
import type { Model, ValueName } from '../onnx/model.ts';
import { type IndexedModel, nodesBetween } from './extract.ts';

/** One of the model's outputs, seen as an exit. */
export interface ModelExit {
  /** As in `GraphView.exits`; stays the same when other exits are dropped. */
  readonly index: number;
  readonly output: ValueName;
  readonly scores: 'logits' | 'probabilities';
}

/** A model without exporter's clutter, and what transforms ask of it. */
export interface AnalysedModel extends IndexedModel {
  readonly costs: readonly NodeCost[];
  /** Inputs without the initializers that old exporters list as inputs. */
  readonly inputs: readonly ValueName[];
  /** In order of work; the last is the final one. */
  readonly exits: readonly ModelExit[];
}

/** Checks run while a cut is dragged, so a model is folded and indexed once. */
const analyses = new WeakMap<Model, AnalysedModel>();

/**
 * The display model (constants folded, value names unchanged) with its index, shapes and costs. Kept for as long
 * as the model is.
 */
export function analyseModel(model: Model): AnalysedModel {
  const known = analyses.get(model);
  if (known !== undefined) return known;
  const { model: folded, inference } = foldConstants(model);
  const index = indexGraph(folded.graph);
  const shapes = inference.facts;
  const costs = costOfNodes(folded.graph, index, shapes);
  const analysed: AnalysedModel = {
    model: folded,
    index,
    shapes,
    costs,
    inputs: inputsOf(folded),
    exits: exitsOf({ model: folded, index, shapes }, costs),
  };
  analyses.set(model, analysed);
  return analysed;
}

/** The same for a model made from an analysed one; its values have the same names and shapes. */
export function analyseEdited(
  original: AnalysedModel,
  model: Model,
  exits: readonly ModelExit[],
): AnalysedModel {
  const index = indexGraph(model.graph);
  const { shapes } = original;
  return {
    model,
    index,
    shapes,
    costs: costOfNodes(model.graph, index, shapes),
    inputs: inputsOf(model),
    exits,
  };
}

function inputsOf({ graph }: Model): ValueName[] {
  const initializers = new Set<string>(graph.initializers.map(({ name }) => name));
  return graph.inputs.map(({ name }) => name).filter((name) => !initializers.has(name));
}

function exitsOf({ model, index }: IndexedModel, costs: readonly NodeCost[]): ModelExit[] {
  const outputs = model.graph.outputs.map(({ name }) => {
    const nodes = nodesBetween(index, new Set(), [name]);
    let macs = 0;
    for (const node of nodes) macs += costs[node]?.macs ?? 0;
    const producer = index.producer.get(name);
    const maker = producer === undefined ? undefined : model.graph.nodes[producer];
    return { output: name, macs, nodes: nodes.size, isSoftmax: maker?.opType === 'Softmax' };
  });
  outputs.sort((a, b) => a.macs - b.macs || a.nodes - b.nodes);
  return outputs.map(({ output, isSoftmax }, at) => ({
    index: at,
    output,
    scores: isSoftmax ? 'probabilities' : 'logits',
  }));
}
