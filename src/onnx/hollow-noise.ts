import { seedFromText } from '../base/random.ts';
import type { ByteRange } from './byte-source.ts';
import { checkRange } from './byte-source.ts';

/**
 * float32 values drawn uniformly with this mean and standard deviation, as bytes that are computed when read.
 * The same name gives the same values on every device, and any stretch of them costs only itself: value i is a
 * hash of seed + i (Mulberry32 is counter-based), so weights of half a gigabyte never need to exist at once.
 */
export function hollowBytes(name: string, count: number, mean: number, std: number): ByteRange {
  const seed = seedFromText(name);
  const size = 4 * count;
  const { low, scale } = rangeOf(mean, std);
  return {
    source: {
      size,
      read(offset, length) {
        checkRange(offset, length, size);
        const first = Math.floor(offset / 4);
        const values = new Float32Array(Math.ceil((offset + length) / 4) - first);
        for (let i = 0; i < values.length; i++) {
          const state = (seed + Math.imul(first + i + 1, 0x6d2b79f5)) >>> 0;
          let mixed = Math.imul(state ^ (state >>> 15), state | 1);
          mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
          values[i] = low + scale * ((mixed ^ (mixed >>> 14)) >>> 0);
        }
        return new Uint8Array(values.buffer, offset - 4 * first, length);
      },
    },
    offset: 0,
    length: size,
  };
}

/** Whether a value drawn with this mean and standard deviation can be exactly zero, for any of the 2^32 hashes. */
export function noiseCanBeZero(mean: number, std: number): boolean {
  const { low, scale } = rangeOf(mean, std);
  if (scale === 0) return Math.fround(low) === 0;
  // Values grow with the hash, and neighbours are farther apart than the smallest float32.
  const nearest = Math.round(-low / scale);
  return [nearest - 1, nearest, nearest + 1].some((hash) => Math.fround(low + scale * hash) === 0);
}

function rangeOf(mean: number, std: number): { readonly low: number; readonly scale: number } {
  const halfWidth = Math.sqrt(3) * std;
  return { low: mean - halfWidth, scale: (2 * halfWidth) / 4294967296 };
}
