import { InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';

/** MNIST's file format: a magic number with type and rank, big-endian dimensions, then the values. */
export interface IdxFile {
  readonly dims: readonly number[];
  readonly values: Uint8Array;
}

/** Whether bytes start like an IDX file of unsigned bytes (magic 0x0000080N, N from 1 to 4). */
export function isIdx(bytes: Uint8Array): boolean {
  const rank = bytes[3] ?? 0;
  return bytes[0] === 0 && bytes[1] === 0 && bytes[2] === 8 && rank >= 1 && rank <= 4;
}

/**
 * @param bytes for which `isIdx` holds; the values are a view of them
 * @throws InputError `idx-truncated` if there are fewer values than the dimensions say
 * @source "The MNIST database of handwritten digits", file formats
 */
export function parseIdx(bytes: Uint8Array, where: string): IdxFile {
  const rank = bytes[3] as number;
  const headerBytes = 4 + 4 * rank;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const dims: number[] = [];
  for (let i = 0; i < rank && 8 + 4 * i <= bytes.length; i++) dims.push(view.getUint32(4 + 4 * i));
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (dims.length < rank || bytes.length < headerBytes + count) {
    throw new InputError({
      code: 'idx-truncated',
      message: `${where}: its header promises ${dims.join(' x ')} bytes, the file holds ${formatBytes(bytes.length)}`,
      where,
      hint: 'Download it again; a .gz file may be given as it is.',
    });
  }
  return { dims, values: bytes.subarray(headerBytes, headerBytes + count) };
}

/** Width, height and channels of the images in an IDX file of rank 3 ([n, h, w]) or 4 ([n, h, w, 1 or 3]); null if it holds none. */
export function idxImageSize(file: IdxFile): { width: number; height: number; channels: 1 | 3 } | null {
  const [, height, width, channels = 1] = file.dims;
  if (!height || !width || (channels !== 1 && channels !== 3)) return null;
  return { width, height, channels };
}
