import { decode } from 'fast-png';
import { InputError } from '../../base/result.ts';
import { formatCount } from '../../base/units.ts';
import { MAX_PIXELS } from '../resize.ts';
import { imageSizeFromHeader, sniffImage } from '../sniff-image.ts';

/** Numbers of classes, row-major. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly classes: Uint16Array;
}

/** What a file of a mask holds, before it is known what its values mean. */
export interface RawMask {
  readonly width: number;
  readonly height: number;
  /** Numbers; of colour pictures `red << 16 | green << 8 | blue`. */
  readonly values: Uint16Array | Uint32Array;
  /** A colour picture some of whose pixels are not grey. */
  readonly isColoured: boolean;
}

/** How the values of masks become classes, see `MaskFacts`. */
export interface MaskCoding {
  /** The value of each class; null: values are classes. */
  readonly codes: readonly number[] | null;
  readonly isColoured: boolean;
  /** Other values have no class. */
  readonly isListed?: true;
}

/** A pixel that has no class. */
export const NO_LABEL = 0xffff;

/**
 * The exact numbers of a mask: of a palette the places in it, not its colours; of grey ones their 1 to 16 bits as they
 * are. Browsers' own decoders give colours of 8 bits, premultiplied and perhaps colour-managed, from which that cannot be
 * told.
 * @param name for messages
 * @throws InputError `mask-not-png`, `mask-broken`, `image-too-big`
 */
export function readRawMask(bytes: Uint8Array, name: string): RawMask {
  const sniffed = sniffImage(bytes);
  if (sniffed.kind !== 'image' || sniffed.mediaType !== 'image/png') {
    throw new InputError({
      code: 'mask-not-png',
      message: `${name}: a mask must be a PNG, found ${sniffed.kind === 'image' ? sniffed.mediaType.replace('image/', '') : 'no image'}`,
      where: name,
      hint: 'Other kinds (JPEG above all) change the numbers of classes when they are saved. Save masks as PNG, grey or with a palette.',
    });
  }
  // Before decoding: a few hundred bytes can promise gigapixels.
  const size = imageSizeFromHeader(bytes);
  if (size !== null && size.width * size.height > MAX_PIXELS) {
    throw new InputError({
      code: 'image-too-big',
      message: `${name}: ${size.width} x ${size.height} pixels, more than ${formatCount(MAX_PIXELS)}`,
      where: name,
      hint: 'Reduce the mask and its image, or leave them out.',
    });
  }
  try {
    return rawMask(decode(bytes));
  } catch (thrown) {
    throw new InputError({
      code: 'mask-broken',
      message: `${name}: cannot be decoded as PNG (${thrown instanceof Error ? thrown.message : String(thrown)})`,
      where: name,
      hint: 'The file is damaged: replace it or leave it out with its image.',
    });
  }
}

/** @throws InputError as `readRawMask`, and `mask-value` for values that no other mask has */
export function readMask(bytes: Uint8Array, name: string, { codes, isColoured, isListed }: MaskCoding): Mask {
  const { width, height, values, isColoured: hasColours } = readRawMask(bytes, name);
  // Masks of a coloured set may happen to be grey.
  const numbers = isColoured && !hasColours ? Uint32Array.from(values, greyCode) : values;
  if (codes === null) return { width, height, classes: Uint16Array.from(numbers) };
  const classOf = new Map(codes.map((code, at) => [code, at]));
  const classes = Uint16Array.from(numbers, (value) => {
    const found = classOf.get(value);
    if (found !== undefined) return found;
    if (isListed) return NO_LABEL;
    throw new InputError({
      code: 'mask-value',
      message: `${name}: has a value that is no class`,
      where: name,
    });
  });
  return { width, height, classes };
}

/** The colour code of a grey. */
export function greyCode(value: number): number {
  return value * 0x010101;
}

function rawMask({ width, height, data, depth, channels, palette }: ReturnType<typeof decode>): RawMask {
  const pixels = width * height;
  if (channels >= 3 && !palette) return colourMask(width, height, data, depth, channels);
  if (depth < 8) return { width, height, values: unpacked(data, width, height, depth), isColoured: false };
  const values = new Uint16Array(pixels);
  for (let at = 0; at < pixels; at++) values[at] = data[at * channels] as number;
  return { width, height, values, isColoured: false };
}

/** Rows begin at whole bytes, the highest bits first. */
function unpacked(data: ArrayLike<number>, width: number, height: number, depth: number): Uint16Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const perByte = 8 / depth;
  const values = new Uint16Array(width * height);
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const byte = data[y * rowBytes + Math.floor(x / perByte)] as number;
      values[at] = (byte >> (8 - depth * ((x % perByte) + 1))) & ((1 << depth) - 1);
    }
  return values;
}

/** Grey saved as colours is grey. */
function colourMask(
  width: number,
  height: number,
  data: ArrayLike<number>,
  depth: number,
  channels: number,
): RawMask {
  const values = new Uint32Array(width * height);
  const shift = depth === 16 ? 8 : 0;
  let isColoured = false;
  for (let at = 0; at < values.length; at++) {
    const red = data[at * channels] as number;
    const green = data[at * channels + 1] as number;
    const blue = data[at * channels + 2] as number;
    if (red !== green || red !== blue) isColoured = true;
    values[at] = ((red >> shift) << 16) | ((green >> shift) << 8) | (blue >> shift);
  }
  if (isColoured) return { width, height, values, isColoured };
  return { width, height, values: Uint16Array.from(values, (value) => value & 0xff), isColoured };
}
