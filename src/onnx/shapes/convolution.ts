import { intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import { DataType, type Dim } from '../model.ts';
import {
  type Facts,
  intOr,
  knownNumbers,
  repeated,
  required,
  requiredRank,
  ShapeError,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

interface Window {
  readonly kernel: readonly Dim[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begins, then ends, as ONNX writes them. */
  readonly pads: readonly number[];
  readonly autoPad: string;
}

function windowOf(context: ShapeContext, kernel: readonly Dim[]): Window {
  const { node } = context;
  const spatial = kernel.length;
  const perAxis = (name: string, fallback: number, count: number): readonly number[] => {
    const given = intsAttribute(node, name);
    if (!given) return repeated(fallback, count);
    if (given.length !== count) {
      throw new ShapeError(
        node,
        `${name} has ${given.length} entries, ${spatial} spatial dims need ${count}`,
      );
    }
    return given;
  };
  const strides = perAxis('strides', 1, spatial);
  if (strides.some((stride) => stride < 1)) throw new ShapeError(node, 'strides must be at least 1');
  return {
    kernel,
    strides,
    dilations: perAxis('dilations', 1, spatial),
    pads: perAxis('pads', 0, 2 * spatial),
    autoPad: stringAttribute(node, 'auto_pad') ?? 'NOTSET',
  };
}

/** One spatial axis of a convolution or pooling. */
function slidingOutput(context: ShapeContext, window: Window, axis: number, input: Dim, ceil: boolean): Dim {
  const kernel = window.kernel[axis] as Dim;
  if (typeof input !== 'number' || typeof kernel !== 'number') return null;
  const stride = window.strides[axis] as number;
  if (window.autoPad === 'SAME_UPPER' || window.autoPad === 'SAME_LOWER') return Math.ceil(input / stride);
  const reach = (kernel - 1) * (window.dilations[axis] as number) + 1;
  const padded = window.autoPad === 'VALID' ? 0 : paddingOf(window, axis);
  const span = input + padded - reach;
  if (span < 0) {
    throw new ShapeError(
      context.node,
      `the kernel reaches over ${reach} elements, the padded input has ${input + padded}`,
    );
  }
  if (!ceil) return Math.floor(span / stride) + 1;
  const count = Math.ceil(span / stride) + 1;
  // A window that would begin in the end padding is left out, as ONNX Runtime and PyTorch do.
  const begin = window.autoPad === 'VALID' ? 0 : (window.pads[axis] as number);
  return (count - 1) * stride >= input + begin ? count - 1 : count;
}

function paddingOf(window: Window, axis: number): number {
  return (window.pads[axis] as number) + (window.pads[axis + window.kernel.length] as number);
}

/** Conv and its relatives: data and weight positions differ, the arithmetic does not. */
function convolution(weightAt: number, outputType: (context: ShapeContext) => number): ShapeFunction {
  return (context) => {
    const data = requiredRank(context, 0, { atLeast: 3 }, 'input');
    const weight = required(context, weightAt);
    const dataType = outputType(context);
    if (!data.shape || !weight.shape) return [typed(dataType, null)];
    if (weight.shape.length !== data.shape.length) {
      throw new ShapeError(
        context.node,
        `weight has ${weight.shape.length} dims, Conv needs ${data.shape.length}`,
      );
    }
    const group = intOr(context, 'group', 1);
    const [batch, channels, ...spatial] = data.shape as readonly [Dim, Dim, ...Dim[]];
    const [outChannels, channelsPerGroup, ...kernelDims] = weight.shape as readonly [Dim, Dim, ...Dim[]];
    if (
      typeof channels === 'number' &&
      typeof channelsPerGroup === 'number' &&
      channels !== channelsPerGroup * group
    ) {
      throw new ShapeError(
        context.node,
        `input has ${channels} channels, the weight needs ${channelsPerGroup * group} (${group} groups)`,
      );
    }
    const window = windowOf(context, intsAttribute(context.node, 'kernel_shape') ?? kernelDims);
    const output = spatial.map((size, axis) => slidingOutput(context, window, axis, size, false));
    return [typed(dataType, [batch, outChannels, ...output])];
  };
}

function convTranspose(context: ShapeContext): readonly Facts[] {
  const data = requiredRank(context, 0, { atLeast: 3 }, 'input');
  const weight = required(context, 1);
  if (!data.shape || !weight.shape) return [typed(data.dataType, null)];
  if (weight.shape.length !== data.shape.length) {
    throw new ShapeError(
      context.node,
      `weight has ${weight.shape.length} dims, ConvTranspose needs ${data.shape.length}`,
    );
  }
  const [batch, , ...spatial] = data.shape as readonly [Dim, Dim, ...Dim[]];
  const [, outPerGroup, ...kernelDims] = weight.shape as readonly [Dim, Dim, ...Dim[]];
  const window = windowOf(context, intsAttribute(context.node, 'kernel_shape') ?? kernelDims);
  const outputPadding = intsAttribute(context.node, 'output_padding');
  const outputShape = intsAttribute(context.node, 'output_shape');
  const sizes = spatial.map((size, axis): Dim => {
    // `output_shape` may list all dims or the spatial ones only.
    const wanted = outputShape?.[outputShape.length - spatial.length + axis];
    if (wanted !== undefined) return wanted;
    const kernel = window.kernel[axis] as Dim;
    if (typeof size !== 'number' || typeof kernel !== 'number') return null;
    const stride = window.strides[axis] as number;
    if (window.autoPad.startsWith('SAME')) return size * stride;
    const reach = (kernel - 1) * (window.dilations[axis] as number) + 1;
    const padded = window.autoPad === 'VALID' ? 0 : paddingOf(window, axis);
    return (size - 1) * stride + reach + (outputPadding?.[axis] ?? 0) - padded;
  });
  const group = intOr(context, 'group', 1);
  const channels = typeof outPerGroup === 'number' ? outPerGroup * group : null;
  return [typed(data.dataType, [batch, channels, ...sizes])];
}

function pooling(context: ShapeContext): readonly Facts[] {
  const data = requiredRank(context, 0, { atLeast: 3 }, 'input');
  if (!data.shape) return [typed(data.dataType, null), typed(DataType.int64, null)];
  const [batch, channels, ...spatial] = data.shape as readonly [Dim, Dim, ...Dim[]];
  const kernel = intsAttribute(context.node, 'kernel_shape');
  if (!kernel) throw new ShapeError(context.node, 'kernel_shape is missing');
  if (kernel.length !== spatial.length) {
    throw new ShapeError(
      context.node,
      `kernel_shape has ${kernel.length} entries, the input has ${spatial.length} spatial dims`,
    );
  }
  const window = windowOf(context, kernel);
  const ceil = intOr(context, 'ceil_mode', 0) === 1;
  const shape = [
    batch,
    channels,
    ...spatial.map((size, axis) => slidingOutput(context, window, axis, size, ceil)),
  ];
  return [typed(data.dataType, shape), typed(DataType.int64, shape)];
}

/** The inverse of a MaxPool without overlap: it may also be told the shape. */
function maxUnpool(context: ShapeContext): readonly Facts[] {
  const data = requiredRank(context, 0, { atLeast: 3 }, 'input');
  const told = context.inputs[2];
  if (told) return [typed(data.dataType, knownNumbers(told.elements?.() ?? null))];
  const kernel = intsAttribute(context.node, 'kernel_shape') ?? [];
  if (!data.shape) return [typed(data.dataType, null)];
  const window = windowOf(context, kernel);
  const sizes = data.shape.slice(2).map((size, axis): Dim => {
    if (typeof size !== 'number') return null;
    const stride = window.strides[axis] as number;
    return (size - 1) * stride + (kernel[axis] ?? 1) - paddingOf(window, axis);
  });
  return [typed(data.dataType, [...data.shape.slice(0, 2), ...sizes])];
}

function globalPooling(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = requiredRank(context, 0, { atLeast: 2 }, 'input');
  // ONNX Runtime's quantized form may hold the channels last.
  const channelsLast = intAttribute(context.node, 'channels_last') === 1;
  const kept = (axis: number, rank: number) => axis === 0 || axis === (channelsLast ? rank - 1 : 1);
  return [typed(dataType, shape && shape.map((dim, axis) => (kept(axis, shape.length) ? dim : 1)))];
}

function maxRoiPool(context: ShapeContext): readonly Facts[] {
  const data = required(context, 0);
  const pooled = intsAttribute(context.node, 'pooled_shape') ?? [];
  const rois = required(context, 1).shape?.[0] ?? null;
  return [typed(data.dataType, data.shape && [rois, data.shape[1] ?? null, ...pooled])];
}

function roiAlign(context: ShapeContext): readonly Facts[] {
  const data = required(context, 0);
  const rois = required(context, 1).shape?.[0] ?? null;
  const size = [intOr(context, 'output_height', 1), intOr(context, 'output_width', 1)];
  return [typed(data.dataType, data.shape && [rois, data.shape[1] ?? null, ...size])];
}

function gridSample(context: ShapeContext): readonly Facts[] {
  const data = required(context, 0);
  const grid = required(context, 1);
  if (!data.shape || !grid.shape) return [typed(data.dataType, null)];
  return [typed(data.dataType, [...data.shape.slice(0, 2), ...grid.shape.slice(1, -1)])];
}

const firstInputType = (context: ShapeContext): number => required(context, 0).dataType;
const int32 = (): number => DataType.int32;
/** Type of the output's zero point, which names it. */
const typeOfInput =
  (position: number) =>
  (context: ShapeContext): number =>
    context.inputs[position]?.dataType ?? DataType.undefined;

/** Convolutions, poolings and samplers over [batch, channels, spatial...]. */
export const convolutionShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['Conv', convolution(1, firstInputType)],
  ['DeformConv', convolution(1, firstInputType)],
  ['ConvInteger', convolution(1, int32)],
  ['QLinearConv', convolution(3, typeOfInput(7))],
  ['com.microsoft:FusedConv', convolution(1, firstInputType)],
  ['com.microsoft:QLinearConv', convolution(3, typeOfInput(7))],
  ['ConvTranspose', convTranspose],
  ['MaxPool', pooling],
  ['MaxUnpool', maxUnpool],
  ['AveragePool', pooling],
  ['LpPool', pooling],
  ['com.microsoft:QLinearAveragePool', pooling],
  ['GlobalAveragePool', globalPooling],
  ['GlobalMaxPool', globalPooling],
  ['GlobalLpPool', globalPooling],
  ['com.microsoft:QLinearGlobalAveragePool', globalPooling],
  ['MaxRoiPool', maxRoiPool],
  ['RoiAlign', roiAlign],
  ['GridSample', gridSample],
];
