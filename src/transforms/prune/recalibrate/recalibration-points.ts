import { floatAttribute, intAttribute } from '../../../onnx/attributes.ts';
import { DataType, type Node, valueName } from '../../../onnx/model.ts';
import { elementCount, tensorFloats } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { isStandardDomain } from '../../graph-names.ts';
import { layerOf } from '../../prepare/layers.ts';
import type { Recalibration } from '../prune-operator.ts';
import type { ChannelMoments } from '../statistics/channel-statistics.ts';
import { layerValues } from '../statistics/layer-values.ts';
import type { ObservedValue } from '../statistics/observed-model.ts';

/** A place of a model where what pruning changed of each channel's mean, and of its variance, is made up for. */
export interface RecalibrationPoint {
  /** What is looked at and corrected: what a normalization reads, or what a layer makes. */
  readonly observed: ObservedValue;
  /** Takes the correction: a batch normalization, a layer with weights and bias, or the Add of a bias. */
  readonly node: Node;
  readonly kind: 'normalization' | 'layer' | 'added-bias';
  readonly matchesVariance: boolean;
}

/** What channels are to be like. */
export interface ChannelTargets {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
  /** Added to variances before they are compared. */
  readonly epsilon: number;
}

/** As batch normalizations have it by default. */
const EPSILON = 1e-5;

/**
 * Where a model can be recalibrated: at its batch normalizations; at convolutions whose values no batch normalization
 * reads (it may be folded into them); with `bias` also at other layers that have or can get one. Variances are matched
 * for `batch-norm` after convolutions with more than one place an image (one place has no variance of its own). What
 * a batch normalization reads needs no correction before.
 */
export function recalibrationPoints(
  analysed: AnalysedModel,
  wanted: readonly Recalibration[],
): readonly RecalibrationPoint[] {
  const { model, index, counted } = analysed;
  const { nodes, outputs } = model.graph;
  const matchesAll = wanted.includes('batch-norm');
  const isBias = wanted.includes('bias');
  const normalizations = new Map<Node, RecalibrationPoint>();
  for (const node of nodes) {
    const point = normalizationPoint(analysed, node, matchesAll);
    if (point !== null) normalizations.set(node, point);
  }
  const isNormalized = (value: string): boolean => {
    const readers = index.consumers.get(valueName(value)) ?? [];
    const isOutput = outputs.some(({ name }) => name === value);
    return !isOutput && readers.length > 0 && readers.every((at) => normalizations.has(nodes[at] as Node));
  };
  const layers = layerValues(analysed).flatMap(({ node, output, addsBias }): RecalibrationPoint[] => {
    if (output?.dataType !== DataType.float || isNormalized(output.value)) return [];
    const isConvolution = node.opType.includes('Conv');
    if (!isConvolution && !isBias) return [];
    const shape = counted.get(valueName(output.value))?.shape ?? [];
    const places = shape.slice(2).reduce<number>((all, dim) => all * (typeof dim === 'number' ? dim : 2), 1);
    const matchesVariance = matchesAll && isConvolution && places > 1;
    const observed = { ...output, key: output.value };
    if (typeof layerOf(node, index.initializers) !== 'string')
      return [{ observed, node, kind: 'layer', matchesVariance }];
    const bias = addsBias?.inputs.map((name) => index.initializers.get(name)).find((each) => each);
    const isWhole = bias?.dataType === DataType.float && elementCount(bias.dims) === output.channels;
    return addsBias === null || !isWhole
      ? []
      : [{ observed, node: addsBias, kind: 'added-bias', matchesVariance: false }];
  });
  const all = [...normalizations.values(), ...layers];
  const rank = new Map(index.order.map((position, at) => [nodes[position], at]));
  return all.toSorted((a, b) => (rank.get(a.node) ?? 0) - (rank.get(b.node) ?? 0));
}

/** A batch normalization as inference has it, with constant float32 statistics. */
function normalizationPoint(
  { index, counted }: AnalysedModel,
  node: Node,
  matchesVariance: boolean,
): RecalibrationPoint | null {
  if (node.opType !== 'BatchNormalization' || !isStandardDomain(node)) return null;
  if (intAttribute(node, 'training_mode') === 1 || intAttribute(node, 'spatial') === 0) return null;
  const [value = valueName(''), , , mean = '', variance = ''] = node.inputs;
  const statistics = [mean, variance].map((name) => index.initializers.get(name));
  const [channels = 0] = statistics[0]?.dims ?? [];
  const facts = counted.get(value);
  if (channels === 0 || !facts?.shape || facts.dataType !== DataType.float) return null;
  if (statistics.some((tensor) => tensor?.dataType !== DataType.float)) return null;
  const { dataType, shape } = facts;
  const key = node.outputs[0] ?? '';
  return {
    observed: { key, value, axis: 1, rank: shape.length, channels, dataType },
    node,
    kind: 'normalization',
    matchesVariance,
  };
}

/**
 * What the channels at a point are to be like: as a batch normalization was trained to see them, or as the unpruned
 * model has them on the same images.
 * @param unpruned what the channels that stay hold in the unpruned model, by value
 * @returns null where that is not known
 */
export function targetsAt(
  { index }: Pick<AnalysedModel, 'index'>,
  { kind, node, observed }: RecalibrationPoint,
  unpruned: (value: string) => ChannelMoments | null,
): ChannelTargets | null {
  if (kind === 'normalization') {
    const [mean, variance] = node.inputs.slice(3).map((name) => index.initializers.get(name));
    if (mean === undefined || variance === undefined) return null;
    return {
      mean: tensorFloats(mean),
      variance: tensorFloats(variance),
      epsilon: floatAttribute(node, 'epsilon') ?? EPSILON,
    };
  }
  const moments = unpruned(observed.value);
  if (moments === null || moments.mean.length !== observed.channels) return null;
  return { mean: moments.mean, variance: variancesOf(moments), epsilon: EPSILON };
}

/** Mean square less the square of the mean; never negative. */
export function variancesOf({ mean, square }: Pick<ChannelMoments, 'mean' | 'square'>): Float32Array {
  return square.map((each, at) => Math.max(0, each - (mean[at] as number) ** 2));
}
