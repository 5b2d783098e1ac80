import type { ByteSource } from '../onnx/byte-source.ts';
import { checkRange } from '../onnx/byte-source.ts';

/**
 * A `File` or `Blob` as a source, in a worker (`FileReaderSync` exists only there). Each read is a slice of its
 * own: nothing else of the file is brought into memory.
 * @throws DOMException `NotReadableError` from `read` if the file changed or vanished since it was chosen
 */
export function blobSource(blob: Blob): ByteSource {
  const reader = new FileReaderSync();
  return {
    size: blob.size,
    read(offset, length) {
      checkRange(offset, length, blob.size);
      return new Uint8Array(reader.readAsArrayBuffer(blob.slice(offset, offset + length)));
    },
  };
}
