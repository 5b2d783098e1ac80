import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import type { ByteSource } from '../onnx/byte-source.ts';
import { checkRange } from '../onnx/byte-source.ts';

/**
 * A file on disk as a source; nothing is read until it is asked for.
 * @throws Error from the file system, e.g. ENOENT
 */
export function fileSource(path: string): ByteSource & { close(): void } {
  const descriptor = openSync(path, 'r');
  const size = fstatSync(descriptor).size;
  return {
    size,
    read(offset, length) {
      checkRange(offset, length, size);
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const count = readSync(descriptor, bytes, done, length - done, offset + done);
        if (count === 0) throw new Error(`${path} became shorter while it was read`);
        done += count;
      }
      return bytes;
    },
    close: () => closeSync(descriptor),
  };
}
