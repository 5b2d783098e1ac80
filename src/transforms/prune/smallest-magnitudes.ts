import { assert } from '../../base/assert.ts';

/**
 * Finds the k smallest magnitudes among floats without sorting: the bits of a non-negative float order like
 * unsigned integers, so two histograms (the upper 16 bits of |w|, then the lower 15 within the one bucket that
 * holds the k-th) find it exactly in two passes over the values, which may come in pieces.
 */
export interface MagnitudeCutoff {
  /** Magnitudes whose bits are below this become zero. */
  readonly bits: number;
  /** Of the magnitudes equal to `bits`, this many become zero, the first ones in order. */
  readonly tiesToZero: number;
  /** Values that are zero already. */
  readonly zerosBefore: number;
}

/** The bits of |w|; NaN ranks above infinity, so it is the last to be taken for small. */
const MAGNITUDE_MASK = 0x7fffffff;
const LOW_BITS = 15;
const LOW_MASK = (1 << LOW_BITS) - 1;

/**
 * @param pieces calls its argument with the values, piece by piece; called twice, same order both times
 * @param count how many of the smallest to take, 0..number of values
 */
export function smallestMagnitudes(
  pieces: (visit: (values: Float32Array) => void) => void,
  count: number,
): MagnitudeCutoff {
  const coarse = new Uint32Array(1 << (31 - LOW_BITS));
  let zerosBefore = 0;
  pieces((values) => {
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = (bits[i] as number) & MAGNITUDE_MASK;
      if (magnitude === 0) zerosBefore++;
      const bucket = magnitude >>> LOW_BITS;
      coarse[bucket] = (coarse[bucket] as number) + 1;
    }
  });
  if (count === 0) return { bits: 0, tiesToZero: 0, zerosBefore };

  const upper = bucketHolding(coarse, count);
  const fine = new Uint32Array(LOW_MASK + 1);
  pieces((values) => {
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = (bits[i] as number) & MAGNITUDE_MASK;
      if (magnitude >>> LOW_BITS !== upper.bucket) continue;
      const low = magnitude & LOW_MASK;
      fine[low] = (fine[low] as number) + 1;
    }
  });
  const lower = bucketHolding(fine, upper.countInside);
  return {
    bits: upper.bucket * (LOW_MASK + 1) + lower.bucket,
    tiesToZero: lower.countInside,
    zerosBefore,
  };
}

/**
 * Which of the values to zero, one after the other in the order they were counted.
 * @returns a function that marks the indices to zero within the next piece
 */
export function pieceMarker(
  cutoff: Pick<MagnitudeCutoff, 'bits' | 'tiesToZero'>,
): (values: Float32Array, zero: (index: number) => void) => void {
  let tiesLeft = cutoff.tiesToZero;
  return (values, zero) => {
    const bits = bitsOf(values);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = (bits[i] as number) & MAGNITUDE_MASK;
      if (magnitude < cutoff.bits) zero(i);
      else if (magnitude === cutoff.bits && tiesLeft > 0) {
        tiesLeft--;
        zero(i);
      }
    }
  };
}

/** The bucket in which the `count`-th smallest lies, and how many of the `count` lie in it. */
function bucketHolding(histogram: Uint32Array, count: number): { bucket: number; countInside: number } {
  let below = 0;
  for (let bucket = 0; bucket < histogram.length; bucket++) {
    const inside = histogram[bucket] as number;
    if (below + inside >= count) return { bucket, countInside: count - below };
    below += inside;
  }
  assert(false, `asked for ${count} of ${below} values`);
  return { bucket: 0, countInside: 0 };
}

function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}
