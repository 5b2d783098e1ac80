import { InputError } from '../base/result.ts';
import { formatCount } from '../base/units.ts';
import type { DatasetItem, DecodedImage } from '../data/dataset.ts';
import { MAX_PIXELS } from '../data/resize.ts';
import { imageSizeFromHeader } from '../data/sniff-image.ts';
import type { LiveFrame } from '../protocol/engine-api.ts';

/** Enough for any header; a JPEG's may hide behind an embedded thumbnail. */
const HEADER_BYTES = 64 * 1024;

let canvas: OffscreenCanvas | null = null;

/**
 * Decodes one image of a dataset to RGBA, 8 bits each, colour values as stored (no colour management), upright
 * by its EXIF orientation. Equal to Pillow's decoding for opaque images. Pixels under partial transparency lose
 * precision, as canvases keep them premultiplied.
 * @throws InputError `image-broken`, `image-too-big`
 */
export async function decodeImage(pack: Blob, item: DatasetItem): Promise<DecodedImage> {
  const bytes = new Uint8Array(await pack.slice(item.offset, item.offset + item.length).arrayBuffer());
  const { encoding } = item;
  return encoding.kind === 'pixels'
    ? expandPixels(bytes, encoding)
    : decodeEncoded(bytes, encoding.mediaType, item.name);
}

async function decodeEncoded(
  bytes: Uint8Array<ArrayBuffer>,
  mediaType: string,
  name: string,
): Promise<DecodedImage> {
  // Before decoding: a few hundred bytes can promise gigapixels.
  const size = imageSizeFromHeader(bytes.subarray(0, HEADER_BYTES));
  if (size !== null && size.width * size.height > MAX_PIXELS) {
    throw new InputError({
      code: 'image-too-big',
      message: `${name}: ${size.width} x ${size.height} pixels, more than ${formatCount(MAX_PIXELS)}`,
      where: name,
      hint: 'Reduce the image or leave it out.',
    });
  }
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes], { type: mediaType }), {
      premultiplyAlpha: 'none',
      colorSpaceConversion: 'none',
    });
  } catch (thrown) {
    throw new InputError({
      code: 'image-broken',
      message: `${name}: cannot be decoded as ${mediaType} (${thrown instanceof Error ? thrown.message : String(thrown)})`,
      where: name,
      hint: 'The file is damaged or of a kind this browser does not know: replace it or leave it out.',
    });
  }
  return readFrame(bitmap);
}

/** The pixels of a decoded image or a frame of a video, upright; closes it. */
export function readFrame(frame: LiveFrame): DecodedImage {
  try {
    return 'displayWidth' in frame
      ? readPixels(frame, frame.displayWidth, frame.displayHeight)
      : readPixels(frame, frame.width, frame.height);
  } finally {
    frame.close();
  }
}

function readPixels(source: LiveFrame, width: number, height: number): DecodedImage {
  if (canvas === null || canvas.width !== width || canvas.height !== height) {
    canvas = new OffscreenCanvas(width, height);
  }
  const context = canvas.getContext('2d', { willReadFrequently: true, colorSpace: 'srgb' });
  if (context === null) throw new Error('this browser gives workers no 2D canvas');
  // Replaces what the previous image left, also where this one is transparent.
  context.globalCompositeOperation = 'copy';
  context.drawImage(source, 0, 0, width, height);
  return { width, height, rgba: context.getImageData(0, 0, width, height).data };
}

function expandPixels(
  bytes: Uint8Array,
  { width, height, channels }: Extract<DatasetItem['encoding'], { kind: 'pixels' }>,
): DecodedImage {
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) rgba[4 * i + c] = bytes[i * channels + (channels === 3 ? c : 0)] as number;
    rgba[4 * i + 3] = 255;
  }
  return { width, height, rgba };
}
