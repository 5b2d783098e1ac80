import { defined } from '../../base/assert.ts';
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../../onnx/attributes.ts';
import { indexGraph } from '../../onnx/graph-index.ts';
import { type Model, type Node, type Tensor, valueName } from '../../onnx/model.ts';
import { nodeTitle } from '../../onnx/shapes/facts.ts';
import { tensorFloats } from '../../onnx/tensor.ts';
import { isStandardDomain } from '../graph-names.ts';
import { channelsOf, type Layer, LayerGraph, layerOf, scaledWeights } from './layers.ts';
import type { Prepared } from './prepared.ts';

/** What a batch normalization does in inference: y = factor * x + shift, for each channel. */
interface ChannelLine {
  readonly factors: Float64Array;
  readonly shifts: Float64Array;
}

/**
 * Batch normalizations become part of the weights and bias of the Conv, ConvTranspose or Gemm before them, or of
 * the Conv or Gemm behind them if no padding lies between. Computed in double precision and rounded once; weights
 * are made when they are read. The value between the two nodes is gone; all others keep their names.
 * @param kept values that must stay, so that exits and cuts can name them
 * @throws InputError as `indexGraph`
 */
export function foldBatchNorm(model: Model, kept: ReadonlySet<string> = new Set()): Prepared {
  const index = indexGraph(model.graph);
  const layers = new LayerGraph(model, kept);
  const producer = new Map(index.producer);
  const left: { node: string; reason: string }[] = [];
  let changed = 0;
  for (const position of index.order) {
    const node = defined(model.graph.nodes[position], `node ${position}`);
    if (node.opType !== 'BatchNormalization' || !isStandardDomain(node)) continue;
    const [input = valueName('')] = node.inputs;
    const [output = valueName('')] = node.outputs;
    const before = producer.get(input);
    const after = index.consumers.get(output)?.[0];
    const line = lineOf(node, layers);
    const backward = typeof line === 'string' ? line : foldInto(layers, before, position, line);
    const reason =
      backward === null || typeof line === 'string'
        ? backward
        : foldBehind(layers, position, after, line, backward);
    if (reason === null) {
      changed++;
      if (backward === null && before !== undefined) producer.set(output, before);
    } else left.push({ node: nodeTitle(node), reason });
  }
  return changed === 0 ? { model, changed, left } : { model: layers.result(), changed, left };
}

function lineOf(node: Node, layers: LayerGraph): ChannelLine | string {
  if (intAttribute(node, 'training_mode') === 1) return 'it is in training mode';
  if (intAttribute(node, 'spatial') === 0) return 'it normalizes each position on its own';
  if (node.outputs.slice(1).some((name) => layers.isUsed(name))) return 'its statistics are used';
  const constants = node.inputs.slice(1, 5).map((name) => layers.tensors.get(name));
  if (constants.length < 4 || constants.some((tensor) => tensor === undefined))
    return 'its statistics are not constant';
  const [scale, bias, mean, variance] = constants.map((tensor) => tensorFloats(tensor as Tensor)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const epsilon = floatAttribute(node, 'epsilon') ?? Math.fround(1e-5);
  const factors = Float64Array.from(
    scale,
    (value, at) => value / Math.sqrt((variance[at] as number) + epsilon),
  );
  const shifts = factors.map((factor, at) => (bias[at] as number) - (mean[at] as number) * factor);
  return [...factors, ...shifts].every(Number.isFinite)
    ? { factors, shifts }
    : 'its statistics are not all finite';
}

/** Into the layer that feeds it. Null if that was done, else why not. */
function foldInto(
  layers: LayerGraph,
  before: number | undefined,
  position: number,
  { factors, shifts }: ChannelLine,
): string | null {
  const producer = before === undefined ? null : layers.nodes[before];
  const normalization = layers.nodes[position];
  if (before === undefined || !producer || !normalization) return 'no layer is in front of it';
  const layer = layerOf(producer, layers.tensors);
  if (typeof layer === 'string') return `${nodeTitle(producer)} is in front of it: ${layer}`;
  const [between = ''] = producer.outputs;
  if (!layers.isPrivate(between)) return `"${between}" is used elsewhere, too`;
  if (channelsOf(layer, 'output') !== factors.length)
    return `${nodeTitle(producer)} has another number of channels`;
  const bias = layer.bias === null ? null : tensorFloats(layer.bias);
  const newBias = shifts.map((shift, at) => shift + (bias?.[at] ?? 0) * (factors[at] as number));
  const weight = scaledWeights(layer, 'output', factors, layers.nameFor(layer.weight));
  const folded = layers.withTensors(layer, weight, newBias);
  layers.nodes[before] = { ...folded, outputs: normalization.outputs.slice(0, 1) };
  layers.nodes[position] = null;
  return null;
}

/** Into the layer that reads it. */
function foldBehind(
  layers: LayerGraph,
  position: number,
  after: number | undefined,
  { factors, shifts }: ChannelLine,
  otherwise: string,
): string | null {
  const consumer = after === undefined ? null : layers.nodes[after];
  const normalization = layers.nodes[position];
  const [between = ''] = normalization?.outputs ?? [];
  if (after === undefined || !consumer || !normalization || !layers.isPrivate(between)) return otherwise;
  if (consumer.inputs[0] !== between || consumer.opType === 'ConvTranspose') return otherwise;
  const layer = layerOf(consumer, layers.tensors);
  if (typeof layer === 'string' || channelsOf(layer, 'input') !== factors.length) return otherwise;
  if (isPadded(consumer)) return `${otherwise}; ${nodeTitle(consumer)} behind it pads with zeros`;
  const newBias = biasBehind(layer, shifts);
  if (newBias === null)
    return `${otherwise}; the weights of ${nodeTitle(consumer)} behind it are not all finite`;
  const weight = scaledWeights(layer, 'input', factors, layers.nameFor(layer.weight));
  const folded = layers.withTensors(layer, weight, newBias);
  layers.nodes[after] = {
    ...folded,
    inputs: folded.inputs.with(0, normalization.inputs[0] ?? valueName('')),
  };
  layers.nodes[position] = null;
  return null;
}

/** What the shifts of its inputs add to each of a layer's outputs, and its own bias; null if that is not finite. */
function biasBehind(layer: Layer, shifts: Float64Array): Float64Array | null {
  const { node, weight, bias, rows, columns, run, rowsAre, groupRows } = layer;
  const values = tensorFloats(weight);
  const sums = new Float64Array(channelsOf(layer, 'output'));
  for (let row = 0, at = 0; row < rows; row++) {
    const base = Math.floor(row / groupRows) * columns;
    for (let column = base; column < base + columns; column++) {
      const [output, input] = rowsAre === 'output' ? [row, column] : [column, row];
      let sum = 0;
      for (const end = at + run; at < end; at++) sum += values[at] as number;
      sums[output] = (sums[output] as number) + sum * (shifts[input] as number);
    }
  }
  const alpha = node.opType === 'Gemm' ? (floatAttribute(node, 'alpha') ?? 1) : 1;
  const own = bias === null ? null : tensorFloats(bias);
  const total = sums.map((sum, at) => alpha * sum + (own?.[at] ?? 0));
  return total.every(Number.isFinite) ? total : null;
}

function isPadded(node: Node): boolean {
  const automatic = stringAttribute(node, 'auto_pad') ?? 'NOTSET';
  if (automatic.startsWith('SAME')) return true;
  return (intsAttribute(node, 'pads') ?? []).some((pad) => pad !== 0);
}
