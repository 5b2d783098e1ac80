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
  const halfWidth = Math.sqrt(3) * std;
  const size = 4 * count;
  const scale = (2 * halfWidth) / 4294967296;
  const low = mean - halfWidth;
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
