import { DataType, type Graph, type Tensor, type ValueName, valueName } from '../../../onnx/model.ts';
import { bytesTensor, elementCount, floatTensor } from '../../../onnx/tensor.ts';
import { namesIn, uniqueNames } from '../../graph-names.ts';
import { type Affine, affineOver, roundHalfEven, type Spread } from '../affine.ts';
import { type ChannelLayout, channelRanges, floatsToRead, integersOfChannels } from '../quantize-weights.ts';

/** The names of a quantized value's scale and zero point. */
export interface ParameterNames {
  readonly scale: ValueName;
  readonly zeroPoint: ValueName;
}

/** A constant in 8 bits. */
export interface QuantizedConstant extends ParameterNames {
  readonly tensor: Tensor;
  readonly integers: ValueName;
  readonly type: 'u8' | 's8';
  /** The axis of its channels; null if one scale holds for all. */
  readonly axis: number | null;
  /** One for all, or one for each channel; may still grow until the biases are known. */
  readonly affines: readonly Affine[];
}

/** Biases hold on to the constant itself, so that they see its final scales. */
interface StoredConstant extends QuantizedConstant {
  affines: readonly Affine[];
  bytes: Uint8Array;
}

/** A bias in 32 bits: integer = factor * bias / scale, with scale = multiplier * input scale * weight scale. */
interface Bias {
  readonly tensor: Tensor;
  readonly dims: readonly number[];
  readonly inputScale: number;
  /** What the bias is added to was multiplied with: a constant, or a value's one scale. */
  readonly weight: QuantizedConstant | Affine;
  readonly factor: number;
  readonly multiplier: number;
}

/** The names of a bias in 32 bits. Its zero point is 0, as ONNX has it where none is named. */
export interface QuantizedBias {
  readonly integers: ValueName;
  readonly scale: ValueName;
  readonly isPerChannel: boolean;
}

/**
 * The constants of a model in integers: weights and other constant factors, biases, scales and zero points. Every
 * weight is read once; biases that would not fit into 32 bits widen the scale of their weight, which is then read
 * again.
 */
export class ConstantPool {
  /** For each tensor that was replaced, how many of its numbers are not zero now. */
  readonly nonZeroOf = new Map<string, number>();
  readonly unique: (wanted: string) => string;
  private readonly constants = new Map<string, StoredConstant | null>();
  private readonly biases = new Map<string, QuantizedBias & { readonly bias: Bias }>();
  private readonly parameters = new Map<string, ParameterNames>();
  private readonly others: Tensor[] = [];
  private readonly floatsOf: (tensor: Tensor) => Float32Array;

  /** @param reads false: for a rehearsal, in which no weight is read and all count as zeros */
  constructor(graph: Graph, reads: boolean) {
    this.unique = uniqueNames(namesIn(graph));
    this.floatsOf = reads ? floatsToRead : () => new Float32Array(0);
  }

  /**
   * The constant in 8 bits, over its least and greatest value. A tensor is quantized once: who comes first says
   * how.
   * @param axis of its channels; null for one scale
   * @returns null if it holds NaN or infinity
   */
  quantize(tensor: Tensor, axis: number | null, spread: Spread): QuantizedConstant | null {
    const known = this.constants.get(tensor.name);
    if (known !== undefined) return known;
    const floats = this.floatsOf(tensor);
    const layout = layoutOf(tensor.dims, axis);
    const ranges = channelRanges(floats, layout);
    if (ranges === null) {
      this.constants.set(tensor.name, null);
      return null;
    }
    const affines = Array.from(ranges.lows, (low, channel) =>
      affineOver(low, ranges.highs[channel] as number, spread),
    );
    const { bytes, nonZero } = integersOfChannels(floats, layout, affines);
    this.nonZeroOf.set(tensor.name, nonZero);
    const constant = {
      tensor,
      integers: this.name(`${tensor.name}_quantized`),
      scale: this.name(`${tensor.name}_scale`),
      zeroPoint: this.name(`${tensor.name}_zero_point`),
      type: spread.type,
      axis,
      affines,
      bytes,
    };
    this.constants.set(tensor.name, constant);
    return constant;
  }

  /**
   * A bias in 32 bits, for one node's input and weight.
   * @param factor multiplies the bias, as Gemm's beta
   * @param multiplier multiplies its scale, as Gemm's alpha where the kernel scales the sum
   * @returns null if it holds NaN or infinity, or has more numbers than its weight has channels
   */
  bias(
    tensor: Tensor,
    inputScale: number,
    weight: QuantizedConstant | Affine,
    { factor = 1, multiplier = 1 }: { readonly factor?: number; readonly multiplier?: number } = {},
  ): QuantizedBias | null {
    const channels = 'affines' in weight ? weight.affines.length : 1;
    const count = elementCount(tensor.dims);
    if (channels > 1 && count !== channels && count !== 1) return null;
    const weightKey = 'affines' in weight ? weight.integers : String(weight.scale);
    const key = JSON.stringify([tensor.name, inputScale, weightKey, factor, multiplier]);
    const known = this.biases.get(key);
    if (known !== undefined) return known;
    if (channelRanges(this.floatsOf(tensor), layoutOf(tensor.dims, null)) === null) return null;
    const integers = this.name(`${tensor.name}_quantized`);
    const made = {
      integers,
      scale: this.name(`${integers}_scale`),
      isPerChannel: channels > 1,
      bias: {
        tensor,
        dims: channels > 1 ? [channels] : tensor.dims,
        inputScale,
        weight,
        factor,
        multiplier,
      },
    };
    this.biases.set(key, made);
    return made;
  }

  /** The scale and zero point of a value. */
  parametersOf(value: string, affine: Affine, type: 'u8' | 's8'): ParameterNames {
    const known = this.parameters.get(value);
    if (known !== undefined) return known;
    const names = { scale: this.name(`${value}_scale`), zeroPoint: this.name(`${value}_zero_point`) };
    this.others.push(...parameterTensors(names, [affine], type, false));
    this.parameters.set(value, names);
    return names;
  }

  /** A further constant; its name if that is free, else one like it. */
  add(wanted: string, make: (name: string) => Tensor): ValueName {
    const tensor = make(this.unique(wanted));
    this.others.push(tensor);
    return valueName(tensor.name);
  }

  /** All that was asked for, as tensors. */
  tensors(): Tensor[] {
    this.widenForBiases();
    const tensors = [...this.others];
    for (const constant of this.constants.values()) {
      if (constant === null) continue;
      const { tensor, integers, affines, type, axis, bytes } = constant;
      const dataType = type === 'u8' ? DataType.uint8 : DataType.int8;
      tensors.push(bytesTensor(integers, tensor.dims, dataType, bytes));
      tensors.push(...parameterTensors(constant, affines, type, axis !== null));
    }
    for (const bias of this.biases.values()) tensors.push(...biasTensors(bias));
    return tensors;
  }

  private widenForBiases(): void {
    for (const { bias } of this.biases.values()) {
      if (!('affines' in bias.weight)) continue;
      const constant = this.constants.get(bias.weight.tensor.name);
      const widened = constant ? widenedScales(bias, constant) : null;
      if (!constant || widened === null) continue;
      constant.affines = constant.affines.map((affine, channel) => ({
        ...affine,
        scale: widened[channel] ?? affine.scale,
      }));
      const layout = layoutOf(constant.tensor.dims, constant.axis);
      const { bytes, nonZero } = integersOfChannels(floatsToRead(constant.tensor), layout, constant.affines);
      constant.bytes = bytes;
      this.nonZeroOf.set(constant.tensor.name, nonZero);
    }
  }

  private name(wanted: string): ValueName {
    return valueName(this.unique(wanted));
  }
}

function layoutOf(dims: readonly number[], axis: number | null): ChannelLayout {
  if (axis === null) return { channels: 1, run: Math.max(1, elementCount(dims)) };
  return { channels: dims[axis] ?? 1, run: Math.max(1, elementCount(dims.slice(axis + 1))) };
}

function parameterTensors(
  { scale, zeroPoint }: ParameterNames,
  affines: readonly Affine[],
  type: 'u8' | 's8',
  isPerChannel: boolean,
): Tensor[] {
  const dims = isPerChannel ? [affines.length] : [];
  const zeros = Uint8Array.from(affines, (affine) => affine.zeroPoint & 0xff);
  return [
    floatTensor(
      scale,
      dims,
      Float32Array.from(affines, (affine) => affine.scale),
    ),
    bytesTensor(zeroPoint, dims, type === 'u8' ? DataType.uint8 : DataType.int8, zeros),
  ];
}

const LARGEST_INT32 = 2 ** 31 - 1;

function scalesOf({ inputScale, weight, multiplier }: Bias): Float32Array {
  const affines = 'affines' in weight ? weight.affines : [weight];
  return Float32Array.from(affines, ({ scale }) => Math.fround(inputScale * scale) * multiplier);
}

function biasTensors({ integers, scale, bias }: QuantizedBias & { readonly bias: Bias }): Tensor[] {
  const scales = scalesOf(bias);
  const floats = floatsToRead(bias.tensor);
  const words = new Int32Array(elementCount(bias.dims));
  for (let at = 0; at < words.length; at++) {
    const value = (floats.length === 1 ? floats[0] : floats[at]) as number;
    const scaleHere = (scales.length === 1 ? scales[0] : scales[at]) as number;
    const integer = roundHalfEven((bias.factor * value) / scaleHere);
    // NaN, of nothing divided by a scale that vanished, is stored as 0.
    words[at] = Math.max(-(2 ** 31), Math.min(LARGEST_INT32, integer));
  }
  return [
    bytesTensor(integers, bias.dims, DataType.int32, new Uint8Array(words.buffer)),
    floatTensor(scale, scales.length === 1 ? [] : [scales.length], scales),
  ];
}

/**
 * Scales of a signed weight so wide that its bias fits into 32 bits; null if they are. Per channel the least valid
 * scale is a float32, as onnxruntime computes it.
 * @source onnxruntime 1.30, _adjust_weight_scale_for_int32_bias
 */
function widenedScales(bias: Bias, { type, axis, affines }: QuantizedConstant): number[] | null {
  if (type !== 's8' || affines.some(({ zeroPoint }) => zeroPoint !== 0)) return null;
  const floats = floatsToRead(bias.tensor);
  let largest = 0;
  for (const value of floats) largest = Math.max(largest, Math.abs(bias.factor * value));
  let isWidened = false;
  const scales = affines.map(({ scale }, channel) => {
    const magnitude =
      floats.length === affines.length ? Math.abs(bias.factor * (floats[channel] as number)) : largest;
    const needed = 1.0001 * (2 * magnitude);
    const single = Math.fround(Math.fround(1.0001) * (2 * magnitude));
    const least = (axis === null ? needed : single) / (2 * LARGEST_INT32);
    const candidate = bias.inputScale * scale;
    if (candidate >= least || candidate <= 0) return scale;
    isWidened = true;
    return Math.fround(scale * (least / candidate));
  });
  return isWidened ? scales : null;
}
