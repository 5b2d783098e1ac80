import { type ByteSource, checkRange } from './byte-source.ts';
import type { Tensor } from './model.ts';
import { tensorByteLength } from './tensor.ts';

/** Bytes that exist from the first read until their end was read: writers read in order, once. */
export function madeWhenRead(size: number, make: () => Uint8Array): ByteSource {
  let bytes: Uint8Array | null = null;
  return {
    size,
    read(offset, length) {
      checkRange(offset, length, size);
      bytes ??= make();
      const piece = bytes.subarray(offset, offset + length);
      if (offset + length === size) bytes = null;
      return piece;
    },
  };
}

/**
 * A tensor like `like`, whose values are made when they are read and let go afterwards: memory is that of the
 * largest tensor, not of all that were changed.
 * @param make little-endian bytes as the dims and type want them; called each time the values are read
 */
export function tensorMadeWhenRead(like: Tensor, make: () => Uint8Array): Tensor {
  const length = tensorByteLength(like);
  return { ...like, data: { kind: 'raw', range: { source: madeWhenRead(length, make), offset: 0, length } } };
}
