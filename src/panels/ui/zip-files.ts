import { Zip, ZipPassThrough } from 'fflate';

/**
 * A zip of these files, stored without compression, piece by piece, so that neither a long task nor a second
 * copy of a large model in memory comes of it.
 */
export async function zipFiles(
  files: readonly { readonly name: string; readonly blob: Blob }[],
): Promise<Blob> {
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
  for (const { name, blob } of files) {
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
