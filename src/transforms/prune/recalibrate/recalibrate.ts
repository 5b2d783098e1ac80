import { defined } from '../../../base/assert.ts';
import { type Model, type Node, valueName } from '../../../onnx/model.ts';
import { floatTensor, tensorFloats } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { LayerGraph, layerOf, scaledWeights } from '../../prepare/layers.ts';
import type { Recalibration } from '../prune-operator.ts';
import type { ChannelMoments, ChannelStatistics } from '../statistics/channel-statistics.ts';
import {
  type ChannelTargets,
  type RecalibrationPoint,
  recalibrationPoints,
  targetsAt,
  variancesOf,
} from './recalibration-points.ts';

/**
 * Brings the channels of a pruned model back to the means, and variances, of the unpruned one: batch normalizations
 * get the statistics that were seen, other layers other weights and biases. Shapes and names stay.
 * @param seen what recalibrating saw, see `ChannelStatistics.kind`
 * @param unpruned what the channels that stay hold in the unpruned model, by value
 * @returns also what to know about it, in sentences
 */
export function recalibrated(
  pruned: AnalysedModel,
  wanted: readonly Recalibration[],
  seen: ChannelStatistics,
  unpruned: (value: string) => ChannelMoments | null,
): { readonly model: Model; readonly notes: readonly string[] } {
  const layers = new LayerGraph(pruned.model, new Set());
  const points = recalibrationPoints(pruned, wanted);
  const positions = new Map(pruned.model.graph.nodes.map((node, position) => [node, position]));
  const left: string[] = [];
  for (const point of points) {
    const moments = seen.values.get(point.observed.key);
    const position = defined(positions.get(point.node), 'a node of the model');
    const target = targetsAt(pruned, point, unpruned);
    if (moments === undefined || target === null || moments.mean.length !== point.observed.channels) {
      left.push(point.observed.key);
      continue;
    }
    const changed =
      point.kind === 'normalization'
        ? withStatistics(layers, point, moments)
        : corrected(layers, point, correctionOf(target, point.matchesVariance, moments));
    layers.nodes[position] = changed;
  }
  const done = points.length - left.length;
  const [first = ''] = left;
  return {
    model: done === 0 ? pruned.model : layers.result(),
    notes: [
      `prune: recalibrated ${done} ${done === 1 ? 'layer' : 'layers'} on ${seen.images === 1 ? 'one image' : `${seen.images} images`}, ${(seen.elapsedMs / 1000).toFixed(1)} s.`,
      ...(left.length === 0
        ? []
        : [
            `prune: ${left.length} of ${points.length} layers were not recalibrated, "${first}" the first: no finite statistics are known of them.`,
          ]),
      ...seen.warnings,
    ],
  };
}

/** A batch normalization with what it saw; its variance stays where only means are wanted. */
function withStatistics(
  layers: LayerGraph,
  { node, matchesVariance }: RecalibrationPoint,
  moments: ChannelMoments,
): Node {
  const inputs = [...node.inputs];
  const replace = (at: number, values: Float32Array): void => {
    const tensor = defined(layers.tensors.get(inputs[at] ?? ''), 'a statistic');
    const name = layers.nameFor(tensor);
    layers.tensors.set(name, floatTensor(name, tensor.dims, values));
    inputs[at] = valueName(name);
  };
  replace(3, moments.mean);
  if (matchesVariance) replace(4, variancesOf(moments));
  return { ...node, inputs };
}

/** A layer, or the Add of its bias, that computes what the correction would make of its output. */
function corrected(
  layers: LayerGraph,
  { node, kind, matchesVariance }: RecalibrationPoint,
  line: Correction,
) {
  const { scale, shift } = line;
  if (kind === 'added-bias') {
    const at = node.inputs.findIndex((name) => layers.tensors.has(name));
    const tensor = defined(layers.tensors.get(node.inputs[at] ?? ''), 'a bias');
    const values = tensorFloats(tensor);
    const name = layers.nameFor(tensor);
    const sums = Float32Array.from(shift, (each, channel) => each + (values[channel] as number));
    layers.tensors.set(name, floatTensor(name, tensor.dims, sums));
    return { ...node, inputs: node.inputs.with(at, valueName(name)) };
  }
  const layer = layerOf(node, layers.tensors);
  if (typeof layer === 'string') return node;
  const weight = matchesVariance
    ? scaledWeights(layer, 'output', scale, layers.nameFor(layer.weight))
    : layer.weight;
  const bias = layer.bias === null ? null : tensorFloats(layer.bias);
  const newBias = shift.map((each, channel) => each + (scale[channel] as number) * (bias?.[channel] ?? 0));
  return layers.withTensors(layer, weight, newBias);
}

/** A line for each channel that brings it back to what it is to be: y = scale * x + shift. */
interface Correction {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** Gives channels the mean that they are to have, and, where it is to match, the variance. */
function correctionOf(target: ChannelTargets, matchesVariance: boolean, found: ChannelMoments): Correction {
  const { epsilon } = target;
  const variance = variancesOf(found);
  const scale = Float64Array.from(target.mean, (_, at) =>
    matchesVariance
      ? Math.sqrt(((target.variance[at] as number) + epsilon) / ((variance[at] as number) + epsilon))
      : 1,
  );
  const shift = scale.map((factor, at) => (target.mean[at] as number) - factor * (found.mean[at] as number));
  return { scale, shift };
}
