import type { DecodedImage } from './dataset.ts';
import type { Preprocessing } from './preprocessing.ts';
import { resizeBilinear, type Pixels, type Region } from './resize.ts';

/** A model's input for one image. float16 values are bit patterns. */
export interface InputTensor {
  readonly data: Float32Array | Uint16Array | Uint8Array | Int8Array;
  readonly dims: readonly number[];
}

/**
 * An image as the network wants it: channels, fit, order, inversion, normalisation, layout, data type.
 * @returns dims [1, C, H, W] or [1, H, W, C]
 * @throws InputError `image-size` for impossible sizes
 */
export function preprocess(image: DecodedImage, p: Preprocessing): InputTensor {
  return toTensor(fitPixels(image, p), p);
}

/** The pixels that go into the tensor: RGB or grey at the input's size, before inversion and normalisation. */
export function fitPixels(image: DecodedImage, p: Preprocessing): Pixels {
  const pixels = p.channels === 1 ? toGrey(image) : toRgb(image);
  switch (p.fit.kind) {
    case 'stretch':
      if (pixels.width === p.width && pixels.height === p.height) return pixels;
      return resizeBilinear(pixels, p.width, p.height);
    case 'crop': {
      const { width, height } = shorterSideSize(pixels, p.fit.shorterSide);
      return resizeBilinear(pixels, width, height, centreOf(width, height, p));
    }
  }
}

/** The part of an image that its input shows, as shares of its width and height; beyond 0 and 1 where it is padded. */
export function seenPart(
  image: { readonly width: number; readonly height: number },
  p: Preprocessing,
): Region {
  switch (p.fit.kind) {
    case 'stretch':
      return { left: 0, top: 0, width: 1, height: 1 };
    case 'crop': {
      const { width, height } = shorterSideSize(image, p.fit.shorterSide);
      const region = centreOf(width, height, p);
      return {
        left: region.left / width,
        top: region.top / height,
        width: region.width / width,
        height: region.height / height,
      };
    }
  }
}

/** @source torchvision `Resize(int)`: the longer side is truncated. */
function shorterSideSize(
  image: { readonly width: number; readonly height: number },
  shorterSide: number,
): { width: number; height: number } {
  return image.width <= image.height
    ? { width: shorterSide, height: Math.trunc((shorterSide * image.height) / image.width) }
    : { width: Math.trunc((shorterSide * image.width) / image.height), height: shorterSide };
}

/** @source torchvision `CenterCrop`: offsets rounded half to even; what lies outside is 0. */
function centreOf(width: number, height: number, p: Preprocessing): Region {
  return {
    left: offsetOf(width, p.width),
    top: offsetOf(height, p.height),
    width: p.width,
    height: p.height,
  };
}

function offsetOf(size: number, cropSize: number): number {
  // Padding goes before the image first: (crop - size) / 2, rounded down.
  if (size < cropSize) return -Math.floor((cropSize - size) / 2);
  const half = (size - cropSize) / 2;
  const rounded = Math.round(half);
  return Math.abs(half % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

function toRgb({ width, height, rgba }: DecodedImage): Pixels {
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; to < data.length; from += 4) {
    data[to++] = rgba[from] as number;
    data[to++] = rgba[from + 1] as number;
    data[to++] = rgba[from + 2] as number;
  }
  return { width, height, channels: 3, data };
}

/** Luma of ITU-R 601 in 16-bit fixed point, as Pillow's `convert('L')`. */
function toGrey({ width, height, rgba }: DecodedImage): Pixels {
  const data = new Uint8Array(width * height);
  for (let from = 0, to = 0; to < data.length; from += 4, to++) {
    const luma =
      (rgba[from] as number) * 19595 + (rgba[from + 1] as number) * 38470 + (rgba[from + 2] as number) * 7471;
    data[to] = (luma + 0x8000) >> 16;
  }
  return { width, height, channels: 1, data };
}

function toTensor(pixels: Pixels, p: Preprocessing): InputTensor {
  const plane = p.width * p.height;
  const out = allocate(p.dataType, plane * p.channels);
  for (let channel = 0; channel < p.channels; channel++) {
    const values = valueTable(p, channel);
    // Mean and deviation belong to the model's channels; BGR reads its pixels the other way round.
    const from = p.channelOrder === 'BGR' ? p.channels - 1 - channel : channel;
    const [to, step] = p.layout === 'NCHW' ? [channel * plane, 1] : [channel, p.channels];
    for (let i = 0; i < plane; i++) {
      out[to + i * step] = values[pixels.data[i * p.channels + from] as number] as number;
    }
  }
  const dims = p.layout === 'NCHW' ? [1, p.channels, p.height, p.width] : [1, p.height, p.width, p.channels];
  return { data: out, dims };
}

/** What each of the 256 pixel values becomes, already in the tensor's type. */
function valueTable(p: Preprocessing, channel: number): InputTensor['data'] {
  const mean = p.mean[channel] ?? p.mean[0] ?? 0;
  const std = p.std[channel] ?? p.std[0] ?? 1;
  const table = allocate(p.dataType, 256);
  for (let pixel = 0; pixel < 256; pixel++) {
    const value = ((p.invert ? 255 - pixel : pixel) * p.scale - mean) / std;
    table[pixel] = encode(value, p.dataType);
  }
  return table;
}

function allocate(dataType: Preprocessing['dataType'], length: number): InputTensor['data'] {
  switch (dataType) {
    case 'float32':
      return new Float32Array(length);
    case 'float16':
      return new Uint16Array(length);
    case 'uint8':
      return new Uint8Array(length);
    case 'int8':
      return new Int8Array(length);
  }
}

function encode(value: number, dataType: Preprocessing['dataType']): number {
  switch (dataType) {
    case 'float32':
      return value;
    case 'float16':
      return halfBits(value);
    case 'uint8':
      return Math.min(Math.max(Math.round(value), 0), 255);
    case 'int8':
      return Math.min(Math.max(Math.round(value), -128), 127);
  }
}

const FLOAT_CELL = new Float32Array(1);
const BITS_CELL = new Uint32Array(FLOAT_CELL.buffer);

/** The bit pattern of the nearest IEEE half, ties to even; beyond 65504 infinity. */
export function halfBits(value: number): number {
  FLOAT_CELL[0] = value;
  const bits = BITS_CELL[0] as number;
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  // 65520 and more rounds to infinity.
  if (magnitude >= 0x477ff000) return sign | 0x7c00;
  // Below 2^-14: a multiple of 2^-24.
  if (magnitude < 0x38800000) return sign | roundHalfToEven(Math.abs(FLOAT_CELL[0] as number) * 2 ** 24);
  const rebased = magnitude - 0x38000000;
  return sign | ((rebased + 0xfff + ((rebased >>> 13) & 1)) >>> 13);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
