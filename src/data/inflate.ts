import { Gunzip, Inflate } from 'fflate';
import { InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { ByteRange, ByteSource } from '../onnx/byte-source.ts';

/** Deflate cannot compress better than this: 258 bytes in two bits. */
export const MAX_DEFLATE_RATIO = 1032;

const STEP_BYTES = 1 << 16;

/**
 * Inflates a raw deflate stream of known size.
 * @returns exactly `size` bytes
 * @throws InputError `archive-damaged` if the stream is broken or holds more or fewer bytes
 */
export function inflateRange(range: ByteRange, size: number, where: string): Uint8Array {
  // Checked before allocating: a header that promises the impossible gets no memory.
  if (size > range.length * MAX_DEFLATE_RATIO) {
    throw damaged(where, `${range.length} compressed bytes cannot hold the ${size} bytes it promises`);
  }
  const bytes = new Uint8Array(size);
  let filled = 0;
  const inflater = new Inflate((chunk) => {
    if (filled + chunk.length > size)
      throw damaged(where, `it holds more than the ${size} bytes it promises`);
    bytes.set(chunk, filled);
    filled += chunk.length;
  });
  pushAll(inflater, range, where);
  if (filled !== size) throw damaged(where, `it ends after ${filled} of ${size} bytes`);
  return bytes;
}

/**
 * Unpacks a gzip file, at most `maxBytes` of it.
 * @throws InputError `archive-too-big` beyond the limit, `archive-damaged` if broken
 */
export function gunzip(source: ByteSource, maxBytes: number, where: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let total = 0;
  let complete = false;
  const gunzipper = new Gunzip((chunk, final) => {
    total += chunk.length;
    complete ||= final;
    if (total > maxBytes) {
      throw new InputError({
        code: 'archive-too-big',
        message: `${where}: unpacks to more than ${formatBytes(maxBytes)}`,
        where,
        hint: 'Unpack it yourself and open the part you need.',
      });
    }
    chunks.push(chunk);
  });
  pushAll(gunzipper, { source, offset: 0, length: source.size }, where);
  if (!complete) throw damaged(where, 'it ends too early');
  const bytes = new Uint8Array(total);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** Feeds a range in small steps, so that at most one step's expansion is in flight when a limit is passed. */
function pushAll(
  sink: { push(chunk: Uint8Array, final: boolean): void },
  range: ByteRange,
  where: string,
): void {
  try {
    let done = 0;
    do {
      const length = Math.min(STEP_BYTES, range.length - done);
      sink.push(range.source.read(range.offset + done, length), done + length === range.length);
      done += length;
    } while (done < range.length);
  } catch (thrown) {
    if (thrown instanceof InputError) throw thrown;
    throw damaged(where, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function damaged(where: string, reason: string): InputError {
  return new InputError({
    code: 'archive-damaged',
    message: `${where}: damaged data (${reason})`,
    where,
    hint: 'Download or pack it again.',
  });
}
