import type { VariantFile } from '../transforms/variant.ts';

/** From this size on, files go to disk instead of memory. */
const diskThresholdBytes = 64e6;
const folderName = 'variants';

/**
 * Where a worker puts the files of the variants it builds: small ones in memory, large ones in the origin's
 * private file system, so that a 500 MB model is never in memory as a whole.
 */
export interface VariantStore {
  /** Writes a file; the blob is readable from any worker as long as this one lives. */
  save(file: VariantFile): Promise<Blob>;
}

/** A store of its own for this worker; leftovers of workers that are gone are removed first. */
export function createVariantStore(): VariantStore {
  let folder: Promise<FileSystemDirectoryHandle> | null = null;
  let savedFiles = 0;
  return {
    async save(file) {
      if (file.bytes < diskThresholdBytes) return saveToMemory(file);
      try {
        folder ??= openFolder();
        return await saveToDisk(file, await folder, `${savedFiles++}.onnx`);
      } catch (thrown) {
        // A private window or a full disk: memory may still do.
        if (thrown instanceof DOMException || thrown instanceof TypeError) return saveToMemory(file);
        throw thrown;
      }
    },
  };
}

function saveToMemory(file: VariantFile): Blob {
  const parts: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let waitingBytes = 0;
  const flush = () => {
    parts.push(new Blob(chunks));
    chunks = [];
    waitingBytes = 0;
  };
  file.write((chunk) => {
    // Copied, since the writer may reuse its buffer.
    chunks.push(chunk.slice());
    waitingBytes += chunk.byteLength;
    if (waitingBytes > 8e6) flush();
  });
  flush();
  return new Blob(parts);
}

async function saveToDisk(file: VariantFile, folder: FileSystemDirectoryHandle, name: string): Promise<Blob> {
  const handle = await folder.getFileHandle(name, { create: true });
  const access = await handle.createSyncAccessHandle();
  try {
    access.truncate(0);
    const buffer = new Uint8Array(4 << 20);
    let filled = 0;
    let at = 0;
    const writeOut = (bytes: Uint8Array) => {
      const written = access.write(bytes as Uint8Array<ArrayBuffer>, { at });
      if (written !== bytes.byteLength) throw new DOMException('The disk is full.', 'QuotaExceededError');
      at += written;
    };
    // Small pieces are gathered: each write is a call into another process.
    file.write((chunk) => {
      if (filled + chunk.byteLength > buffer.byteLength) {
        writeOut(buffer.subarray(0, filled));
        filled = 0;
      }
      if (chunk.byteLength > buffer.byteLength) writeOut(chunk);
      else {
        buffer.set(chunk, filled);
        filled += chunk.byteLength;
      }
    });
    writeOut(buffer.subarray(0, filled));
    access.flush();
  } catch (thrown) {
    access.close();
    await folder.removeEntry(name).catch(() => {});
    throw thrown;
  }
  access.close();
  return handle.getFile();
}

/**
 * A folder named after a Web Lock that this worker holds as long as it lives: folders whose lock nobody holds
 * are leftovers and may go.
 */
async function openFolder(): Promise<FileSystemDirectoryHandle> {
  const root = await navigator.storage.getDirectory();
  const folders = await root.getDirectoryHandle(folderName, { create: true });
  const own = `${folderName}-${crypto.randomUUID()}`;
  await new Promise<void>((resolve) => {
    void navigator.locks.request(own, () => {
      resolve();
      return new Promise<void>(() => {});
    });
  });
  const { held = [] } = await navigator.locks.query();
  const inUse = new Set(held.map((lock) => lock.name));
  for await (const name of folders.keys()) {
    if (!inUse.has(name)) await folders.removeEntry(name, { recursive: true }).catch(() => {});
  }
  return folders.getDirectoryHandle(own, { create: true });
}
