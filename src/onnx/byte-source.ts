/**
 * Random access to bytes that may live in memory, in a `File`, behind an OPFS handle or in a file on disk.
 * Synchronous, because every such source can be read synchronously where it is used (workers have
 * `FileReaderSync` and OPFS sync handles, Node has `readSync`), and that keeps parser and transforms simple.
 */
export interface ByteSource {
  /** Length in bytes. */
  readonly size: number;
  /**
   * A hint: reading this many bytes takes about as long as reading one (a browser needs nearly a millisecond for
   * any read of a `File` up to 64 kB). Left out: small reads are cheap, so read no more than is needed.
   */
  readonly cheapReadBytes?: number;
  /**
   * The bytes [offset, offset + length). May be a view of memory the source keeps: do not write to it.
   * @throws RangeError if the range is not inside [0, size]
   */
  read(offset: number, length: number): Uint8Array;
}

/** A run of bytes in a source that nobody has read yet. */
export interface ByteRange {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** Bytes in memory as a source; reads are views, nothing is copied. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.byteLength,
    cheapReadBytes: bytes.byteLength,
    read(offset, length) {
      checkRange(offset, length, bytes.byteLength);
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** Shared range check of all sources. */
export function checkRange(offset: number, length: number, size: number): void {
  if (offset < 0 || length < 0 || offset + length > size) {
    throw new RangeError(`bytes ${offset}..${offset + length} are outside a source of ${size} bytes`);
  }
}
