import { inflateSync } from 'node:zlib';

/** Pixels row by row, channels interleaved. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bytes: Uint8Array;
}

/** Of PNG colour types: grey, RGB and palette (whose numbers, not colours, are what a mask means). */
const CHANNELS: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1 };

/**
 * A PNG of 8 bits a channel, as Node has no decoder of images.
 * @source https://www.w3.org/TR/png-3/#9Filters
 */
export function decodePng(file: Uint8Array): Pixels {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  const [bits, colour, interlace] = [file[24], file[25] ?? -1, file[28]];
  const channels = CHANNELS[colour];
  if (bits !== 8 || channels === undefined || interlace !== 0) throw new Error('not a PNG of this kind');
  const parts: Uint8Array[] = [];
  for (let at = 8; at < file.length; at += 12 + view.getUint32(at)) {
    const name = String.fromCharCode(...file.subarray(at + 4, at + 8));
    if (name === 'IDAT') parts.push(file.subarray(at + 8, at + 8 + view.getUint32(at)));
  }
  const filtered = inflateSync(Buffer.concat(parts));
  const row = width * channels;
  const bytes = new Uint8Array(row * height);
  for (let y = 0; y < height; y++) {
    const filter = filtered[y * (row + 1)];
    for (let x = 0; x < row; x++) {
      const at = y * row + x;
      const left = x < channels ? 0 : (bytes[at - channels] as number);
      const up = y === 0 ? 0 : (bytes[at - row] as number);
      const corner = x < channels || y === 0 ? 0 : (bytes[at - row - channels] as number);
      const guess = [0, left, up, (left + up) >> 1, nearest(left, up, corner)][filter ?? 0] ?? 0;
      bytes[at] = (filtered[y * (row + 1) + 1 + x] as number) + guess;
    }
  }
  return { width, height, channels, bytes };
}

/** Whatever is closest to left + up - corner. */
function nearest(left: number, up: number, corner: number): number {
  const [a, b, c] = [Math.abs(up - corner), Math.abs(left - corner), Math.abs(left + up - 2 * corner)];
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}
