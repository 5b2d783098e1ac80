import type { DecodedImage } from './dataset.ts';
import { fitPixels, preprocess } from './preprocess.ts';
import type { Preprocessing } from './preprocessing.ts';
import { resizeBilinear, type Pixels } from './resize.ts';

export interface ShownImage {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** The image reduced so that it is at most `maxSide` pixels a side; never enlarged. */
export function thumbnail(image: DecodedImage, maxSide: number): ShownImage {
  const factor = Math.min(1, maxSide / Math.max(image.width, image.height));
  const width = Math.max(1, Math.round(image.width * factor));
  const height = Math.max(1, Math.round(image.height * factor));
  const whole: Pixels = { width: image.width, height: image.height, channels: 4, data: image.rgba };
  const pixels = factor === 1 ? whole : resizeBilinear(whole, width, height);
  return { width, height, rgba: new Uint8ClampedArray(pixels.data) };
}

/**
 * What the network will see: after fit, channel order and inversion. Channels appear in the order in which the
 * network takes them as red, green and blue, so a wrong order shows as wrong colours.
 */
export function seenByNetwork(image: DecodedImage, p: Preprocessing): ShownImage {
  const pixels = fitPixels(image, p);
  const { width, height, channels, data } = pixels;
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const channel = channels === 1 ? 0 : p.channelOrder === 'BGR' ? 2 - c : c;
      const value = data[i * channels + channel] as number;
      rgba[4 * i + c] = p.invert ? 255 - value : value;
    }
    rgba[4 * i + 3] = 255;
  }
  return { width, height, rgba };
}

/** Shape and range of the tensor an image becomes; float16 is told in its real values. */
export function tensorFacts(
  image: DecodedImage,
  p: Preprocessing,
): { dims: readonly number[]; min: number; max: number; mean: number } {
  const { data, dims } = preprocess(image, p.dataType === 'float16' ? { ...p, dataType: 'float32' } : p);
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let sum = 0;
  for (const value of data) {
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  return { dims, min, max, mean: sum / data.length };
}
