import { type Random, seededRandom } from '../../base/random.ts';
import type { ChannelLayout } from './prunable-layers.ts';
import type { KeptOf } from './sparsity-rules.ts';

/** Calls `zero` with the index of each weight that becomes zero. */
export type Mask = (weights: Float32Array, zero: (index: number) => void) => void;

/** So many weights, each choice of them equally likely, and the same one for the same seed. */
export function randomMask(count: number, seed: number): Mask {
  return ({ length }, zero) => chooseAtRandom(count, length, seededRandom(seed), zero);
}

/**
 * Chooses `count` of the numbers below `total`, in order.
 * @source Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 S
 */
export function chooseAtRandom(
  count: number,
  total: number,
  random: Random,
  visit: (index: number) => void,
): void {
  for (let index = 0, wanted = count; wanted > 0; index++) {
    if (random() * (total - index) >= wanted) continue;
    wanted--;
    visit(index);
  }
}

/**
 * Of every `of` weights in a row along the input channels all but `kept` become zero. Where the channels do not divide
 * evenly, the shorter row at the end keeps as large a share, rounded up: of a single channel that one.
 * @param seed to choose at random; null: the smallest magnitudes go, of equal ones the first
 */
export function patternMask(
  { outer, channels, inner }: ChannelLayout,
  { kept, of }: KeptOf,
  seed: number | null,
): Mask {
  return (weights, zero) => {
    const bits = new Uint32Array(weights.buffer, weights.byteOffset, weights.length);
    const random = seed === null ? null : seededRandom(seed);
    const keys = new Float64Array(of);
    for (let base = 0; base < outer * channels * inner; base += channels * inner) {
      for (let channel = 0; channel < channels; channel += of) {
        const size = Math.min(of, channels - channel);
        const zeros = size - Math.ceil((size * kept) / of);
        for (let column = 0; zeros > 0 && column < inner; column++) {
          const first = base + channel * inner + column;
          for (let i = 0; i < size; i++) {
            // The bits of a magnitude order as it does, and NaN above infinity.
            keys[i] = random?.() ?? (bits[first + i * inner] as number) & 0x7fffffff;
          }
          for (let left = zeros; left > 0; left--) {
            const least = leastOf(keys, size);
            keys[least] = Number.POSITIVE_INFINITY;
            zero(first + least * inner);
          }
        }
      }
    }
  };
}

function leastOf(keys: Float64Array, size: number): number {
  let least = 0;
  for (let i = 1; i < size; i++) if ((keys[i] as number) < (keys[least] as number)) least = i;
  return least;
}
