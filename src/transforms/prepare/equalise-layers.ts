import { defined } from '../../base/assert.ts';
import { type GraphIndex, indexGraph } from '../../onnx/graph-index.ts';
import type { Model, Node } from '../../onnx/model.ts';
import { nodeTitle } from '../../onnx/shapes/facts.ts';
import { tensorFloats } from '../../onnx/tensor.ts';
import { isStandardDomain } from '../graph-names.ts';
import { channelsOf, type Layer, LayerGraph, layerOf, scaledWeights, type Side } from './layers.ts';
import type { Prepared } from './prepared.ts';

export interface Equalised extends Prepared {
  /**
   * How well the ranges of channels fit the one range of their layer: between two layers, the share of its layer's
   * largest weight that a channel reaches before, times that behind; the mean over all equalised channels. This is
   * what equalisation makes as large as it can be: at 1 one scale serves all channels.
   */
  readonly evenness: { readonly before: number; readonly after: number };
}

/** Operators that a positive factor for a channel passes through; pools keep channels apart. */
const ANY_LAYER = new Set(['Relu', 'LeakyRelu', 'Identity', 'Dropout']);
const CONVOLUTIONS = new Set([
  ...ANY_LAYER,
  'PRelu',
  'MaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'GlobalMaxPool',
]);

/** Once no channel changes by more than this share, the ranges are as even as they get. */
const SETTLED = 0.01;
const MOST_SWEEPS = 20;

/**
 * Cross-layer equalisation: what one layer's output channel is divided by, the next layer's input channel is
 * multiplied with, so that both have the same range of weights; the answers stay what they were up to rounding.
 * Layers with nothing between them but what lets a factor pass (Relu, not Clip at 6) are taken, depthwise ones too.
 * Biases are divided with their channels; high ones are not moved on to the next layer (that needs activations'
 * ranges). Weights are made when they are read.
 * @param kept values that must stay as they are, so that exits and cuts can use them
 * @throws InputError as `indexGraph`
 * @source Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, ICCV 2019, 4.1
 */
export function equaliseLayers(model: Model, kept: ReadonlySet<string> = new Set()): Equalised {
  const index = indexGraph(model.graph);
  const layers = new LayerGraph(model, kept);
  const { chains, left } = chainsOf(layers, index);
  let pairs = 0;
  const [before, after]: [number[], number[]] = [[], []];
  for (const chain of chains) {
    const members = chain.map(({ layer }) => new ChainLayer(layer));
    const unusable = members.findIndex(({ isFinite }) => !isFinite);
    if (unusable >= 0) {
      const node = nodeTitle(defined(chain[unusable], 'layer').layer.node);
      left.push({ node, reason: 'its weights are not all finite' });
      continue;
    }
    before.push(...fits(members));
    settle(members);
    after.push(...fits(members));
    pairs += members.length - 1;
    chain.forEach(({ position, layer }, at) => {
      layers.nodes[position] = rescaled(layers, layer, defined(members[at], 'layer'));
    });
  }
  const evenness = { before: meanOf(before), after: meanOf(after) };
  return { model: pairs === 0 ? model : layers.result(), changed: pairs, left, evenness };
}

interface Place {
  readonly position: number;
  readonly layer: Layer;
}

/** Layers that feed each other in a row. */
function chainsOf(
  layers: LayerGraph,
  index: GraphIndex,
): { chains: Place[][]; left: { node: string; reason: string }[] } {
  const chains: Place[][] = [];
  const left: { node: string; reason: string }[] = [];
  const chainOfLast = new Map<number, Place[]>();
  for (const position of index.order) {
    const node = defined(layers.nodes[position], `node ${position}`);
    const layer = equalisable(node, layers);
    if (typeof layer === 'string') continue;
    const found = layerBefore(layers, index, node);
    if (typeof found === 'string') {
      if (found !== '') left.push({ node: nodeTitle(node), reason: found });
      continue;
    }
    const first = defined(layers.nodes[found], `node ${found}`);
    const previous = equalisable(first, layers);
    if (typeof previous === 'string' || channelsOf(previous, 'output') !== channelsOf(layer, 'input')) {
      left.push({
        node: nodeTitle(node),
        reason: `${nodeTitle(first)} before it cannot be scaled by channels`,
      });
      continue;
    }
    const chain = chainOfLast.get(found) ?? [{ position: found, layer: previous }];
    if (chain.length === 1) chains.push(chain);
    chain.push({ position, layer });
    chainOfLast.set(position, chain);
  }
  return { chains, left };
}

/** Dense and depthwise convolutions and matrix products whose weights nobody else uses. */
function equalisable(node: Node, layers: LayerGraph): Layer | string {
  const layer = layerOf(node, layers.tensors);
  if (typeof layer === 'string') return layer;
  const { weight, bias } = layer;
  const isShared = !layers.isPrivate(weight.name) || (bias !== null && !layers.isPrivate(bias.name));
  return isShared ? 'its weights are shared' : layer;
}

/** Where the layer is that this one's input comes from; else why there is none ('': it reads the model's input). */
function layerBefore(layers: LayerGraph, index: GraphIndex, node: Node): number | string {
  const passes = node.opType === 'Gemm' ? ANY_LAYER : CONVOLUTIONS;
  let name = node.inputs[0];
  for (;;) {
    const position = name === undefined ? undefined : index.producer.get(name);
    if (name === undefined || position === undefined) return '';
    if (!layers.isPrivate(name)) return `"${name}" is used elsewhere, too`;
    const producer = defined(layers.nodes[position], `node ${position}`);
    const isLayer = ['Conv', 'ConvTranspose', 'Gemm'].includes(producer.opType);
    if (isLayer && isStandardDomain(producer)) {
      return (producer.opType === 'Gemm') === (node.opType === 'Gemm')
        ? position
        : `${nodeTitle(producer)} is before it`;
    }
    if (!isStandardDomain(producer) || !passes.has(producer.opType)) {
      return `a factor does not pass through ${nodeTitle(producer)} (${producer.opType}) before it`;
    }
    name = producer.inputs[0];
  }
}

/** Balances neighbours until nothing changes any more. */
function settle(chain: readonly ChainLayer[]): void {
  for (let sweep = 0; sweep < MOST_SWEEPS; sweep++) {
    let largest = 0;
    for (let at = 0; at + 1 < chain.length; at++) {
      const [first, second] = [defined(chain[at], 'layer'), defined(chain[at + 1], 'layer')];
      const [out, into] = [first.ranges('output'), second.ranges('input')];
      for (let channel = 0; channel < out.length; channel++) {
        const [a, b] = [out[channel] as number, into[channel] as number];
        // A channel of zeros on either side has no range to balance.
        if (a === 0 || b === 0) continue;
        const divisor = Math.sqrt(a / b);
        first.outputFactors[channel] = (first.outputFactors[channel] as number) / divisor;
        second.inputFactors[channel] = (second.inputFactors[channel] as number) * divisor;
        largest = Math.max(largest, Math.abs(Math.log(divisor)));
      }
    }
    if (largest < SETTLED) return;
  }
}

/** For each channel between two layers, how much of their ranges it takes. */
function fits(chain: readonly ChainLayer[]): number[] {
  return chain.slice(1).flatMap((second, at) => {
    const [out, into] = [defined(chain[at], 'layer').ranges('output'), second.ranges('input')];
    const product = largestOf(out) * largestOf(into);
    return product === 0
      ? []
      : Array.from(out, (range, channel) => (range * (into[channel] as number)) / product);
  });
}

function largestOf(ranges: Float64Array): number {
  return ranges.reduce((most, range) => Math.max(most, range), 0);
}

/** A layer while its chain is balanced: the largest weight of each pair of channels, and factors so far. */
class ChainLayer {
  readonly outputFactors: Float64Array;
  readonly inputFactors: Float64Array;
  readonly isFinite: boolean;
  private readonly layer: Layer;
  /** [rows, columns] */
  private readonly magnitudes: Float32Array;

  constructor(layer: Layer) {
    this.layer = layer;
    this.outputFactors = new Float64Array(channelsOf(layer, 'output')).fill(1);
    this.inputFactors = new Float64Array(channelsOf(layer, 'input')).fill(1);
    const { rows, columns, run } = layer;
    const values = tensorFloats(layer.weight);
    this.magnitudes = new Float32Array(rows * columns);
    let notFinite = 0;
    for (let at = 0, start = 0; at < this.magnitudes.length; at++, start += run) {
      let largest = 0;
      for (let i = start; i < start + run; i++) {
        const magnitude = Math.abs(values[i] as number);
        // Infinity - Infinity and anything with NaN is NaN, which then stays.
        notFinite += magnitude - magnitude;
        if (magnitude > largest) largest = magnitude;
      }
      this.magnitudes[at] = largest;
    }
    this.isFinite = notFinite === 0;
  }

  /** The largest weight of each channel of a side. */
  ranges(side: Side): Float64Array {
    const { rows, columns, rowsAre, groupRows } = this.layer;
    const [rowFactors, columnFactors] =
      rowsAre === 'output'
        ? [this.outputFactors, this.inputFactors]
        : [this.inputFactors, this.outputFactors];
    const ofRows = side === rowsAre;
    const ranges = new Float64Array(channelsOf(this.layer, side));
    for (let row = 0, at = 0; row < rows; row++) {
      const base = Math.floor(row / groupRows) * columns;
      const rowFactor = rowFactors[row] as number;
      for (let column = base; column < base + columns; column++, at++) {
        const magnitude = (this.magnitudes[at] as number) * rowFactor * (columnFactors[column] as number);
        const channel = ofRows ? row : column;
        if (magnitude > (ranges[channel] as number)) ranges[channel] = magnitude;
      }
    }
    return ranges;
  }
}

function rescaled(layers: LayerGraph, layer: Layer, { outputFactors, inputFactors }: ChainLayer): Node {
  const { weight, bias } = layer;
  const asRead = { ...layer, weight: scaledWeights(layer, 'input', inputFactors, weight.name) };
  const scaled = scaledWeights(asRead, 'output', outputFactors, weight.name);
  if (bias === null) return layers.withTensors(layer, scaled, null);
  const values = tensorFloats(bias);
  return layers.withTensors(
    layer,
    scaled,
    outputFactors.map((factor, at) => factor * (values[at] as number)),
  );
}

function meanOf(numbers: readonly number[]): number {
  let sum = 0;
  for (const number of numbers) sum += number;
  return numbers.length === 0 ? 1 : sum / numbers.length;
}
