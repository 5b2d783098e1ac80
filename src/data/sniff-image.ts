import type { DatasetItem, ImageSize } from './dataset.ts';

type MediaType = Extract<DatasetItem['encoding'], { kind: 'encoded' }>['mediaType'];

/** What the first bytes of a file say it is; names lie, magic bytes rarely do. */
export type Sniffed =
  | { readonly kind: 'image'; readonly mediaType: MediaType }
  /** An image or container that browsers do not decode. */
  | { readonly kind: 'unsupported'; readonly format: string }
  | { readonly kind: 'other' };

/** Recognises image formats by their magic bytes. */
export function sniffImage(bytes: Uint8Array): Sniffed {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return image('image/jpeg');
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return image('image/png');
  if (ascii(bytes, 0, 4) === 'RIFF' && ascii(bytes, 8, 4) === 'WEBP') return image('image/webp');
  if (ascii(bytes, 0, 4) === 'GIF8') return image('image/gif');
  // "BM" alone is too common: a bitmap also has four reserved zero bytes.
  if (ascii(bytes, 0, 2) === 'BM' && startsWith(bytes.subarray(6), [0, 0, 0, 0])) return image('image/bmp');
  if (ascii(bytes, 4, 4) === 'ftyp') {
    const brand = ascii(bytes, 8, 4);
    if (brand === 'avif' || brand === 'avis') return image('image/avif');
    if (brand.startsWith('he') || brand === 'mif1') return { kind: 'unsupported', format: 'HEIC' };
  }
  const tiff = ascii(bytes, 0, 4);
  if (tiff === 'II*\0' || tiff === 'MM\0*') return { kind: 'unsupported', format: 'TIFF' };
  if (ascii(bytes, 4, 4) === 'jP  ') return { kind: 'unsupported', format: 'JPEG 2000' };
  if (/^P[1-6]\s/.test(ascii(bytes, 0, 3))) return { kind: 'unsupported', format: 'PNM' };
  return { kind: 'other' };
}

/**
 * Width, height and channels from a file's header, without decoding it; null where it does not tell.
 * Colour palettes count as three channels.
 */
export function imageSizeFromHeader(bytes: Uint8Array): ImageSize | null {
  const sniffed = sniffImage(bytes);
  if (sniffed.kind !== 'image') return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    switch (sniffed.mediaType) {
      case 'image/png': {
        const colourType = view.getUint8(25);
        return size(view.getUint32(16), view.getUint32(20), colourType === 0 || colourType === 4 ? 1 : 3);
      }
      case 'image/gif':
        return size(view.getUint16(6, true), view.getUint16(8, true), 3);
      case 'image/bmp':
        // Negative height: rows from top to bottom.
        return size(view.getInt32(18, true), Math.abs(view.getInt32(22, true)), 3);
      case 'image/webp':
        return webpSize(view);
      case 'image/jpeg':
        return jpegSize(view);
      case 'image/avif':
        return null;
    }
  } catch (thrown) {
    // A header that ends early: the decoder will say what is wrong with the file.
    if (thrown instanceof RangeError) return null;
    throw thrown;
  }
}

/** The size is in the first start-of-frame segment. @source ITU-T T.81, B.2.2 */
function jpegSize(view: DataView): ImageSize | null {
  let at = 2;
  while (at < view.byteLength) {
    if (view.getUint8(at) !== 0xff) return null;
    const marker = view.getUint8(at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) {
      return size(view.getUint16(at + 7), view.getUint16(at + 5), view.getUint8(at + 9) === 1 ? 1 : 3);
    }
    // A fill byte stands alone; every other segment before the frame tells its length.
    at += marker === 0xff ? 1 : 2 + view.getUint16(at + 2);
  }
  return null;
}

/** @source RFC 9649, sections 2.5 to 2.7 */
function webpSize(view: DataView): ImageSize | null {
  switch (view.getUint8(15)) {
    case 0x20: // "VP8 ": lossy
      return size(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff, 3);
    case 0x4c: {
      // "VP8L": lossless, 14 bits each, less one
      const bits = view.getUint32(21, true);
      return size((bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1, 3);
    }
    case 0x58: // "VP8X": extended, 24 bits each, less one
      return size(
        (view.getUint32(24, true) & 0xffffff) + 1,
        (view.getUint16(27, true) | (view.getUint8(29) << 16)) + 1,
        3,
      );
    default:
      return null;
  }
}

function size(width: number, height: number, channels: 1 | 3): ImageSize | null {
  return width > 0 && height > 0 ? { width, height, channels } : null;
}

function image(mediaType: MediaType): Sniffed {
  return { kind: 'image', mediaType };
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, i) => bytes[i] === byte);
}

function ascii(bytes: Uint8Array, offset: number, length: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + length));
}
