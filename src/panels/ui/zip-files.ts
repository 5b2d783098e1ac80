import { Zip, type ZipInputFile, ZipPassThrough } from 'fflate';

/** A file of a zip; `isText` for one that is worth compressing, which weights and images are not. */
export interface ZippedFile {
  readonly name: string;
  readonly blob: Blob;
  readonly isText?: boolean;
}

/**
 * A zip of these files, piece by piece, so that neither a long task nor a second copy of a large model in memory comes
 * of it.
 */
export async function zipFiles(files: readonly ZippedFile[]): Promise<Blob> {
  let parts: Uint8Array<ArrayBuffer>[] = [];
  let done = new Blob([]);
  let failure: Error | null = null;
  /** Hands pieces over to the browser, which may keep them on disk. */
  const settle = () => {
    done = new Blob([done, ...parts]);
    parts = [];
  };
  const zip = new Zip((error, chunk) => {
    if (error) failure = error;
    else parts.push(chunk as Uint8Array<ArrayBuffer>);
  });
  for (const { name, blob, isText = false } of files) {
    if (isText) {
      await addCompressed(zip, name, blob);
      continue;
    }
    const entry = new ZipPassThrough(name);
    zip.add(entry);
    let pending = 0;
    for await (const chunk of blob.stream()) {
      entry.push(chunk);
      pending += chunk.byteLength;
      if (pending > bytesPerPart) {
        settle();
        pending = 0;
      }
    }
    entry.push(new Uint8Array(0), true);
  }
  zip.end();
  if (failure !== null) throw failure;
  settle();
  return new Blob([done], { type: 'application/zip' });
}

const bytesPerPart = 16 * 1024 * 1024;

/** What gzip puts around deflated data: a header without options, then CRC-32 and size. @source RFC 1952 */
const gzipHeaderBytes = 10;
const gzipTrailerBytes = 8;
/** @source PKWARE APPNOTE.TXT 4.4.5 */
const DEFLATED = 8;

/** The browser compresses off the page's thread, and tells the checksum that a zip asks for. */
async function addCompressed(zip: Zip, name: string, blob: Blob): Promise<void> {
  const stream = blob.stream().pipeThrough(new CompressionStream('gzip'));
  const gzipped = new Uint8Array(await new Response(stream).arrayBuffer());
  const end = gzipped.length - gzipTrailerBytes;
  const entry: ZipInputFile = {
    filename: name,
    compression: DEFLATED,
    crc: new DataView(gzipped.buffer).getUint32(end, true),
    size: blob.size,
  };
  zip.add(entry);
  entry.ondata?.(null, gzipped.subarray(gzipHeaderBytes, end), true);
}
