import type { ByteSource } from '../onnx/byte-source.ts';
import { checkRange } from '../onnx/byte-source.ts';

/**
 * A source that serves small reads from one window of a slower source: an archive's entries lie one after
 * the other, and a system call for each of thousands costs more than the bytes.
 */
export function readAhead(source: ByteSource, windowBytes = 1 << 20): ByteSource {
  let windowStart = 0;
  let window: Uint8Array = new Uint8Array(0);
  return {
    size: source.size,
    read(offset, length) {
      checkRange(offset, length, source.size);
      if (length > windowBytes) return source.read(offset, length);
      if (offset < windowStart || offset + length > windowStart + window.length) {
        window = source.read(offset, Math.min(windowBytes, source.size - offset));
        windowStart = offset;
      }
      return window.subarray(offset - windowStart, offset - windowStart + length);
    },
  };
}
