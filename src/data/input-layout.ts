import { type Failure, InputError } from '../base/result.ts';
import { type CountedSize, imageAxes, isChannels, USUAL_SIDE } from '../onnx/counted-size.ts';
import type { GraphView, ValueView } from '../onnx/graph-view.ts';
import type { ImageSize } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';

/** The part of a preprocessing that the input's shape and type decide. */
export type InputLayout = Pick<
  Preprocessing,
  'inputName' | 'layout' | 'height' | 'width' | 'channels' | 'dataType'
>;

/** Images up to this side are taken as they are, not cropped, and models without a size take theirs. */
export const SMALL_SIDE = 96;

/**
 * Reads the image input of a model from its shape.
 * @param imageSize used where the model leaves its size open
 * @param size goes before it
 * @returns the layout, and sentences that say how it was found
 * @throws InputError `model-no-image-input`: several inputs, other types, or shapes that no image fits
 */
export function inputLayout(
  view: GraphView,
  imageSize: ImageSize | null,
  size: CountedSize = {},
): { layout: InputLayout; reasons: readonly string[] } {
  const input = singleInput(view);
  const dataType = imageDataType(view, input);
  const { shape } = input;
  const text = shapeText(input);
  if (shape === null) {
    const side = openSide(imageSize, size);
    return {
      layout: { inputName: input.name, layout: 'NCHW', ...side, channels: 3, dataType },
      reasons: ['the input tells no shape: taken as RGB, channels first'],
    };
  }
  if (shape.length === 2)
    return {
      layout: flattened(view, input, dataType),
      reasons: [`input ${text} is a flattened square image`],
    };
  if (shape.length !== 3 && shape.length !== 4)
    throw noImageInput(view, `its input ${input.name} is ${text}`);
  if (shape.length === 4 && typeof shape[0] === 'number' && shape[0] > 1) {
    throw noImageInput(
      view,
      `its input ${input.name} ${text} wants batches of ${shape[0]}; images are given one by one`,
    );
  }
  const axes = imageAxes(shape);
  if (axes === null) {
    throw noImageInput(
      view,
      `its input ${input.name} is ${text}: neither the first nor the last dimension is 1 or 3 channels`,
    );
  }
  const { layout, height, width } = axes;
  const channels = shape[axes.channels];
  const told = isChannels(channels)
    ? layout === 'NHWC'
      ? 'the last dimension holds the channels'
      : 'channels come first'
    : null;
  return {
    layout: {
      inputName: input.name,
      layout,
      ...sides(shape[height] ?? null, shape[width] ?? null, imageSize, size),
      channels: isChannels(channels) ? channels : 3,
      dataType,
    },
    reasons: [
      told === null
        ? `input ${text} leaves the channels open: taken as RGB, channels first`
        : `input ${text}: ${told}`,
    ],
  };
}

/** Why no image can feed a model; null if images can. */
export function imageMisfit(view: GraphView): Failure | null {
  try {
    inputLayout(view, null);
    return null;
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
}

/** Number of classes of the model's final output; null if it is open, or if the output is a map and not one score per class. */
export function classCount(view: GraphView): number | null {
  const output = view.exits.at(-1)?.output ?? view.outputs.at(-1);
  const shape = output === undefined ? null : (view.values.get(output)?.shape ?? null);
  if (shape === null || shape.length === 0) return null;
  const wide = (shape.length === 1 ? shape : shape.slice(1)).filter((dim) => dim !== 1);
  if (wide.length > 1) return null;
  const classes = wide[0] ?? shape[0];
  return typeof classes === 'number' ? classes : null;
}

/**
 * Number of classes of a model that scores them for every pixel, as its final output's shape tells; else null. One score
 * tells two classes apart.
 */
export function mapClassCount(view: GraphView): number | null {
  const output = view.exits.at(-1)?.output ?? view.outputs.at(-1);
  const shape = output === undefined ? null : (view.values.get(output)?.shape ?? null);
  if (shape?.length !== 4 || classCount(view) !== null) return null;
  const input = singleInput(view).shape;
  const isFirst = input === null || isChannels(input[1] ?? null) || !isChannels(input[3] ?? null);
  const classes = shape[isFirst ? 1 : 3];
  return typeof classes === 'number' ? Math.max(2, classes) : null;
}

type Dim = number | string | null;

function singleInput(view: GraphView): ValueView {
  const [name] = view.inputs;
  if (name === undefined) throw noImageInput(view, 'it has no input');
  if (view.inputs.length > 1) {
    throw noImageInput(
      view,
      `it has ${view.inputs.length} inputs (${view.inputs.slice(0, 4).join(', ')}); images can feed only one`,
    );
  }
  return view.values.get(name) ?? { name, dataType: 'float32', shape: null, bytes: null };
}

function imageDataType(view: GraphView, input: ValueView): Preprocessing['dataType'] {
  switch (input.dataType) {
    case 'float32':
    case 'float16':
    case 'uint8':
    case 'int8':
      return input.dataType;
    default:
      throw noImageInput(
        view,
        `its input ${input.name} is of type ${input.dataType}; images come as float32, float16, uint8 or int8`,
      );
  }
}

/** Multilayer perceptrons: [1, 784] is an image of 28 x 28. */
function flattened(view: GraphView, input: ValueView, dataType: Preprocessing['dataType']): InputLayout {
  const length = input.shape?.[1];
  for (const channels of [1, 3] as const) {
    const side = typeof length === 'number' ? Math.sqrt(length / channels) : Number.NaN;
    if (Number.isInteger(side) && side >= 8) {
      return { inputName: input.name, layout: 'NCHW', height: side, width: side, channels, dataType };
    }
  }
  throw noImageInput(view, `its input ${input.name} is ${shapeText(input)}`);
}

function sides(
  height: Dim,
  width: Dim,
  imageSize: ImageSize | null,
  size: CountedSize,
): { height: number; width: number } {
  const open = openSide(imageSize, size);
  // Most inputs are square.
  const side = (own: Dim, chosen: number | undefined, other: Dim, usual: number): number =>
    typeof own === 'number' ? own : (chosen ?? (typeof other === 'number' ? other : usual));
  return {
    height: side(height, size.height, width, open.height),
    width: side(width, size.width, height, open.width),
  };
}

function openSide(
  imageSize: ImageSize | null,
  { height, width }: CountedSize,
): { height: number; width: number } {
  const isSmall = imageSize !== null && Math.max(imageSize.width, imageSize.height) <= SMALL_SIDE;
  return {
    height: height ?? (isSmall ? imageSize.height : USUAL_SIDE),
    width: width ?? (isSmall ? imageSize.width : USUAL_SIDE),
  };
}

function shapeText(input: ValueView): string {
  return `[${(input.shape ?? []).map((dim) => dim ?? '?').join(', ')}]`;
}

function noImageInput(view: GraphView, reason: string): InputError {
  return new InputError({
    code: 'model-no-image-input',
    message: `${view.fileName} does not take images: ${reason}`,
    where: view.fileName,
    hint: 'Its graph, cuts, skipped blocks, sizes and MACs are told, and its variants can be downloaded; measuring needs inputs that are tensors of numbers, best one image, e.g. [1, 3, 224, 224].',
  });
}
