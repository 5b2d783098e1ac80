import { costOfNodes, type NodeCost } from '../../../onnx/cost.ts';
import type { GraphIndex } from '../../../onnx/graph-index.ts';
import type { Graph, Tensor, ValueInfo } from '../../../onnx/model.ts';
import { type AnalysedModel, analyseEdited } from '../../analyse-model.ts';
import { namesRead } from '../../graph-names.ts';
import type { ChannelGroups } from './channel-group.ts';
import { dimsLeft, keptAxes, type KeptAxes, shapesLeft } from './kept-axes.ts';
import { rewriteSizes } from './rewrite-sizes.ts';
import { sliceTensor } from './slice-tensor.ts';

/**
 * The model without some of its channels, heads or features, and without all that depends on them. Values keep
 * their names. Weights are cut when they are read, so memory is that of the largest tensor; the original stays.
 * @param kept 1 for each unit that stays, in the order of `ChannelGroups`; units of groups that are kept must stay
 * @returns the same object if nothing goes
 */
export function removeChannels(
  analysed: AnalysedModel,
  { places }: Pick<ChannelGroups, 'places'>,
  kept: Uint8Array,
): AnalysedModel {
  const axes = keptAxes(places, kept);
  if (axes.weights.size === 0 && axes.values.size === 0) return analysed;
  const { model } = analysed;
  const { nodes, tensors } = rewriteSizes(analysed, axes);
  const graph: Graph = {
    ...model.graph,
    nodes,
    initializers: initializersLeft(model.graph, nodes, tensors, axes),
    valueInfos: model.graph.valueInfos.map((info) => infoLeft(info, axes)),
  };
  const shapes = shapesLeft(analysed.shapes, axes);
  const counted = analysed.counted === analysed.shapes ? shapes : shapesLeft(analysed.counted, axes);
  return analyseEdited({ ...analysed, shapes, counted }, { ...model, graph }, analysed.exits);
}

/**
 * What each node will cost, in the order of `graph.nodes`, told from the groups alone: nothing is cut, and no weight
 * is read.
 */
export function costsWithout(
  { model, index, counted }: AnalysedModel,
  { places }: Pick<ChannelGroups, 'places'>,
  kept: Uint8Array,
): readonly NodeCost[] {
  const axes = keptAxes(places, kept);
  const initializers = new Map(
    [...index.initializers].map(([name, tensor]) => [name, withDimsLeft(tensor, axes)]),
  );
  const left: GraphIndex = { ...index, initializers };
  return costOfNodes(model.graph, left, shapesLeft(counted, axes));
}

function withDimsLeft(tensor: Tensor, { weights }: KeptAxes): Tensor {
  const axes = weights.get(tensor.name);
  return axes === undefined ? tensor : { ...tensor, dims: dimsLeft(tensor.dims, axes) };
}

function initializersLeft(
  graph: Graph,
  nodes: Graph['nodes'],
  rewritten: readonly Tensor[],
  { weights }: KeptAxes,
): readonly Tensor[] {
  const changed = new Map(rewritten.map((tensor) => [tensor.name, tensor]));
  const [before, after] = [namesRead(graph.nodes), namesRead(nodes)];
  const outputs = new Set<string>(graph.outputs.map(({ name }) => name));
  const isLeft = (name: string): boolean => after.has(name) || !before.has(name) || outputs.has(name);
  const kept = graph.initializers.flatMap((tensor) => {
    const { name } = tensor;
    if (!isLeft(name)) return [];
    const other = changed.get(name);
    if (changed.delete(name) && other !== undefined) return [other];
    const axes = weights.get(name);
    return [axes === undefined ? tensor : sliceTensor(tensor, axes)];
  });
  return [...kept, ...changed.values()];
}

function infoLeft(info: ValueInfo, { values }: KeptAxes): ValueInfo {
  const axes = values.get(info.name);
  const { type } = info;
  if (axes === undefined || type.kind !== 'tensor' || type.shape === null) return info;
  return { ...info, type: { ...type, shape: dimsLeft(type.shape, axes) } };
}
