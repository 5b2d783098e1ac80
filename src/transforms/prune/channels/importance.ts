import { seededRandom } from '../../../base/random.ts';
import { unreachable } from '../../../base/assert.ts';
import { DataType, type Node, type Tensor } from '../../../onnx/model.ts';
import { elementCount, tensorBytes, tensorFloats } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import type { ChannelImportance } from '../prune-operator.ts';
import { PRUNED_OPERATORS } from '../pruned-operators.ts';
import type { ChannelGroup, ChannelGroups, ChannelPlace } from './channel-group.ts';
import { imageSums } from '../statistics/image-importance.ts';
import type { ChannelMoments } from '../statistics/channel-statistics.ts';
import { distancesToOthers } from './filter-distances.ts';
import { sumsOfMagnitudes, sumsOfSquares } from './sums-along.ts';

/** Importances that weights alone tell. */
export type WeightImportance = Exclude<ChannelImportance, 'activation' | 'wanda'>;

type RankedImportance = Exclude<WeightImportance, 'random'>;

export interface UnitScores {
  /**
   * How much each unit is worth, in the order of `ChannelGroups`; the mean of each group is 1, so that groups can be
   * compared. 0 for units of groups that are kept.
   */
  readonly scores: Float64Array;
  /** Groups that were ranked by absolute weights since what was asked for says nothing of them. */
  readonly without: readonly ChannelGroup[];
}

/**
 * How much each channel is worth: for each place that holds its weights the sum of |w| (`l1`) or w² (`l2`) over the
 * filters that make it, the inputs of layers that read it and the scales of normalizations, and of these places the
 * mean. Biases, depthwise filters and other factors do not count. `batch-norm`: |scale| of its normalizations alone.
 * `geometric-median`: how far its filters are from all others of their layer, summed. Each weight is read once.
 * `activation` and `wanda`: see `imageSums`.
 * @param seed for `random`
 * @param moments what layers read on images, by value, for `activation` and `wanda`
 * @source Torch-Pruning 1.6.1, GroupMagnitudeImportance (group_reduction "mean", normalizer "mean", bias False) and
 *   BNScaleImportance; He et al. 2019, "Filter Pruning via Geometric Median" (Torch-Pruning's squares the weights
 *   before and counts inputs, too)
 */
export function unitImportance(
  analysed: AnalysedModel,
  groups: ChannelGroups,
  importance: ChannelImportance,
  seed: number,
  moments: (value: string) => ChannelMoments | null = () => null,
): UnitScores {
  if (importance === 'random') {
    const random = seededRandom(seed);
    const scores = Float64Array.from({ length: groups.unitCount }, () => random());
    normaliseGroups(scores, groups.groups);
    return { scores, without: [] };
  }
  const open = groups.groups.filter(({ kept }) => kept === null);
  const isOnImages = importance === 'activation' || importance === 'wanda';
  const own = isOnImages
    ? imageSums(analysed, groups, importance, moments)
    : summed(analysed, groups, open, importance);
  const without = open.filter(({ firstUnit }) => own.placesOf[firstUnit] === 0);
  if (without.length > 0 && importance !== 'l1') {
    const others = summed(analysed, groups, without, 'l1');
    for (const { firstUnit, unitCount: count } of without)
      own.scores.set(others.scores.subarray(firstUnit, firstUnit + count), firstUnit);
  }
  normaliseGroups(own.scores, groups.groups);
  return { scores: own.scores, without: importance === 'l1' ? [] : without };
}

interface Sums {
  /** How many weights told of each unit. */
  readonly placesOf: Uint32Array;
  /** The mean of what they told. */
  readonly scores: Float64Array;
}

/** For the units of some groups, by unit. */
function summed(
  { model, index }: AnalysedModel,
  { places, unitCount }: ChannelGroups,
  groups: readonly ChannelGroup[],
  importance: RankedImportance,
): Sums {
  const wanted = new Uint8Array(unitCount);
  for (const { firstUnit, unitCount: count } of groups) wanted.fill(1, firstUnit, firstUnit + count);
  const byWeight = new Map<string, ChannelPlace[]>();
  for (const place of places) {
    if (place.kind !== 'weight' || !counts(place, model.graph.nodes[place.node], importance)) continue;
    if (!place.units.some((unit) => unit >= 0 && wanted[unit] === 1)) continue;
    const known = byWeight.get(place.name);
    if (known === undefined) byWeight.set(place.name, [place]);
    else known.push(place);
  }
  const sums = new Float64Array(unitCount);
  const placesOf = new Uint32Array(unitCount);
  for (const [name, weightPlaces] of byWeight) {
    const tensor = index.initializers.get(name);
    if (tensor === undefined || !FLOATS.has(tensor.dataType)) continue;
    const values = floatsOf(tensor);
    for (const { axis, units } of weightPlaces) {
      const along = measured(values, tensor.dims, axis, importance);
      const seen = new Set<number>();
      for (let at = 0; at < units.length; at++) {
        const unit = units[at] as number;
        if (unit < 0 || wanted[unit] === 0) continue;
        sums[unit] = (sums[unit] as number) + (along[at] as number);
        seen.add(unit);
      }
      for (const unit of seen) placesOf[unit] = (placesOf[unit] as number) + 1;
    }
  }
  return { placesOf, scores: sums.map((sum, unit) => sum / Math.max(1, placesOf[unit] as number)) };
}

const FLOATS = new Set<number>([DataType.float, DataType.float16, DataType.bfloat16, DataType.double]);
const NORMALIZATIONS = new Set(['LayerNormalization', 'GroupNormalization', 'InstanceNormalization']);

/** Whether a place says something of its channels' worth: layers' weights by both sides, and scales of norms. */
function counts({ role, name }: ChannelPlace, node: Node | undefined, importance: RankedImportance): boolean {
  if (node === undefined) return false;
  const { opType, inputs } = node;
  const isLayer = PRUNED_OPERATORS.has(opType) && role !== 'follows';
  const isScale = inputs[1] === name && role === 'follows';
  switch (importance) {
    case 'l1':
    case 'l2':
      return isLayer || (isScale && (opType === 'BatchNormalization' || NORMALIZATIONS.has(opType)));
    case 'batch-norm':
      return isScale && opType === 'BatchNormalization';
    case 'geometric-median':
      return isLayer && role === 'makes';
    default:
      return unreachable(importance);
  }
}

/** Without a copy where the bytes lie as floats do. */
function floatsOf(tensor: Tensor): Float32Array {
  if (tensor.dataType !== DataType.float) return tensorFloats(tensor);
  const bytes = tensorBytes(tensor);
  if (bytes.byteOffset % 4 !== 0) return new Float32Array(new Uint8Array(bytes).buffer);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** One number for each index of an axis. */
function measured(
  values: Float32Array,
  dims: readonly number[],
  axis: number,
  importance: RankedImportance,
): Float64Array {
  const outer = elementCount(dims.slice(0, axis));
  const inner = elementCount(dims.slice(axis + 1));
  const length = dims[axis] as number;
  if (importance === 'geometric-median') return distancesToOthers(values, outer, length, inner);
  return importance === 'l2' ? sumsOfSquares(values, length, inner) : sumsOfMagnitudes(values, length, inner);
}

/** Divides the scores of each group by their mean; those that are no numbers rank last to go. */
function normaliseGroups(scores: Float64Array, groups: readonly ChannelGroup[]): void {
  for (const { firstUnit, unitCount, kept } of groups) {
    const own = scores.subarray(firstUnit, firstUnit + unitCount);
    if (kept !== null) own.fill(0);
    own.forEach((score, unit) => {
      if (Number.isNaN(score)) own[unit] = Infinity;
    });
    const finite = own.filter(Number.isFinite);
    const mean = finite.reduce((sum, score) => sum + score, 0) / Math.max(1, finite.length);
    if (mean > 0) own.forEach((score, unit) => (own[unit] = score / mean));
  }
}
