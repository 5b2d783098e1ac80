import { elementCount, tensorFloats } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import type { ChannelGroups, ChannelPlace } from '../channels/channel-group.ts';
import { sumsOfMagnitudes } from '../channels/sums-along.ts';
import type { ChannelMoments } from './channel-statistics.ts';
import { layerValues } from './layer-values.ts';

/** Importances that images tell. */
export type ImageImportance = 'activation' | 'wanda';

/** For the units of all groups, by unit. */
export interface ImageSums {
  /** How many layers told of each unit. */
  readonly placesOf: Uint32Array;
  /** The mean of what they told. */
  readonly scores: Float64Array;
}

/**
 * How much each channel is worth to the layers that read it: the mean absolute value they see (`activation`), or the
 * sum of |w| over their weights for it times the root of the mean square of what they see (`wanda`); of several layers
 * the mean.
 * @param moments of what layers read, by value
 * @source Sun et al. 2023, "A Simple and Effective Pruning Approach for Large Language Models": |W| times the norm of
 *   the input; summed over all weights of a unit as An et al. 2024 do (Wanda-SP). Their norm is over all images and
 *   places, whose number makes no difference within a layer; by its root mean square layers of different size count
 *   alike.
 */
export function imageSums(
  analysed: AnalysedModel,
  { places, unitCount }: ChannelGroups,
  importance: ImageImportance,
  moments: (value: string) => ChannelMoments | null,
): ImageSums {
  const valuePlaces = new Map<string, ChannelPlace[]>();
  const read = new Map<number, ChannelPlace[]>();
  for (const place of places) {
    if (place.kind === 'value') valuePlaces.set(place.name, [...(valuePlaces.get(place.name) ?? []), place]);
    else if (place.role === 'reads') read.set(place.node, [...(read.get(place.node) ?? []), place]);
  }
  const sums = new Float64Array(unitCount);
  const placesOf = new Uint32Array(unitCount);
  for (const { position, input } of layerValues(analysed)) {
    const weightPlaces = read.get(position);
    const seen = input === null ? null : moments(input.value);
    if (weightPlaces === undefined || input === null || seen === null) continue;
    const at = valuePlaces.get(input.value)?.find(({ axis }) => axis === seen.axis);
    if (at === undefined || at.units.length !== seen.mean.length) continue;
    const told = importance === 'activation' ? seen.magnitude : seen.square.map(Math.sqrt);
    const worth = new Map<number, number>();
    if (importance === 'activation') {
      addByUnit(worth, at.units, (index) => told[index] as number);
    } else {
      for (const { name, axis, units } of weightPlaces) {
        const weight = analysed.index.initializers.get(name);
        if (weight === undefined) continue;
        const { dims } = weight;
        const inner = elementCount(dims.slice(axis + 1));
        const magnitudes = sumsOfMagnitudes(tensorFloats(weight), dims[axis] as number, inner);
        const norm = normOf(at.units, told, units);
        addByUnit(worth, units, (index) => (magnitudes[index] as number) * norm(index));
      }
    }
    for (const [unit, sum] of worth) {
      sums[unit] = (sums[unit] as number) + sum;
      placesOf[unit] = (placesOf[unit] as number) + 1;
    }
  }
  return { placesOf, scores: sums.map((sum, unit) => sum / Math.max(1, placesOf[unit] as number)) };
}

function addByUnit(sums: Map<number, number>, units: Int32Array, of: (index: number) => number): void {
  units.forEach((unit, index) => {
    if (unit >= 0) sums.set(unit, (sums.get(unit) ?? 0) + of(index));
  });
}

/**
 * The norm of what the weights of an index read: index by index, or, where the weights of a grouped convolution have
 * an index for several channels, the mean of its unit.
 */
function normOf(valueUnits: Int32Array, norms: Float32Array, units: Int32Array): (index: number) => number {
  const isSame = units.length === valueUnits.length && units.every((unit, at) => unit === valueUnits[at]);
  if (isSame) return (index) => norms[index] as number;
  const [sums, counts] = [new Map<number, number>(), new Map<number, number>()];
  addByUnit(sums, valueUnits, (index) => norms[index] as number);
  addByUnit(counts, valueUnits, () => 1);
  return (index) => {
    const unit = units[index] as number;
    return (sums.get(unit) ?? 0) / (counts.get(unit) ?? 1);
  };
}
