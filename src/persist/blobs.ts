import { openDatabase } from './database.ts';

/**
 * Large files: in the origin private file system, else (no such system, or one that the page cannot write to) as
 * pieces in IndexedDB. A key names one content for ever: replacing means writing under a new key, then deleting
 * the old one, so that nothing is lost when a write fails half-way.
 */

/** Written at once; between two, progress is told and cancelling takes effect. */
const chunkBytes = 8 * 1024 * 1024;
const smallChunkBytes = 256 * 1024;

/** In private windows a single IndexedDB value is limited to 127 MiB. */
const pieceBytes = 64 * 1024 * 1024;

export interface WriteOptions {
  readonly onProgress?: (writtenBytes: number) => void;
  readonly signal?: AbortSignal;
}

/** A fresh key that no earlier content has. */
export function newBlobKey(prefix: string): string {
  return `${prefix}-${crypto.randomUUID()}`;
}

/** @throws DOMException QuotaExceededError, AbortError; then nothing is left under the key */
export async function writeBlob(key: string, blob: Blob, options: WriteOptions = {}): Promise<void> {
  try {
    const folder = await writableFolder();
    await (folder ? writeFile(folder, key, blob, options) : writePieces(key, blob, options));
  } catch (error) {
    await deleteBlob(key).catch(() => {});
    throw error;
  }
}

/** The blob under a key, not read yet; null if there is none. */
export async function readBlob(key: string): Promise<Blob | null> {
  const folder = await blobFolder();
  try {
    const handle = await folder?.getFileHandle(key);
    if (handle) return await handle.getFile();
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'NotFoundError')) throw error;
  }
  const pieces = await (await openDatabase()).getAll('pieces', piecesOf(key));
  return pieces.length > 0 ? new Blob(pieces.map((piece) => piece.blob)) : null;
}

/** Deletes what is under a key, if anything. */
export async function deleteBlob(key: string): Promise<void> {
  await (await openDatabase()).delete('pieces', piecesOf(key));
  const folder = await blobFolder();
  await folder?.removeEntry(key).catch(() => {});
}

/** Deletes every blob that no record names: what a closed tab left half-written. */
export async function deleteOrphans(keys: ReadonlySet<string>): Promise<void> {
  const folder = await blobFolder();
  if (folder) for await (const name of folder.keys()) if (!keys.has(name)) await deleteBlob(name);
  const stored = await (await openDatabase()).getAllKeys('pieces');
  for (const key of new Set(stored.map(([name]) => name))) if (!keys.has(key)) await deleteBlob(key);
}

function piecesOf(key: string): IDBKeyRange {
  return IDBKeyRange.bound([key, 0], [key, Number.POSITIVE_INFINITY]);
}

async function blobFolder(): Promise<FileSystemDirectoryHandle | null> {
  const manager = navigator.storage as StorageManager | undefined;
  if (!manager?.getDirectory) return null;
  try {
    const root = await manager.getDirectory();
    return await root.getDirectoryHandle('kept', { create: true });
  } catch {
    // Some private windows have the interface but refuse to use it.
    return null;
  }
}

/** Older Safari can write such files from workers only. */
async function writableFolder(): Promise<FileSystemDirectoryHandle | null> {
  const canWrite = 'FileSystemFileHandle' in globalThis && 'createWritable' in FileSystemFileHandle.prototype;
  return canWrite ? blobFolder() : null;
}

/**
 * On a full disk Chromium sometimes only tells that a pipe broke under a large chunk; small ones, which fit into the
 * pipe, make it tell the reason.
 */
async function writeFile(
  folder: FileSystemDirectoryHandle,
  key: string,
  blob: Blob,
  options: WriteOptions,
): Promise<void> {
  try {
    await writeFileInChunks(folder, key, blob, chunkBytes, options);
  } catch (error) {
    const isExplained = error instanceof DOMException && error.name === 'QuotaExceededError';
    if (isExplained || options.signal?.aborted) throw error;
    await writeFileInChunks(folder, key, blob, smallChunkBytes, options);
  }
}

async function writeFileInChunks(
  folder: FileSystemDirectoryHandle,
  key: string,
  blob: Blob,
  bytesAtOnce: number,
  { onProgress, signal }: WriteOptions,
): Promise<void> {
  const handle = await folder.getFileHandle(key, { create: true });
  // Writes go to a swap file that takes the name only when it is closed.
  const writable = await handle.createWritable();
  try {
    for (let offset = 0; offset < blob.size; offset += bytesAtOnce) {
      signal?.throwIfAborted();
      // Not the slice itself: on a full disk Chromium then sometimes tells that the source cannot be read.
      await writable.write(await blob.slice(offset, offset + bytesAtOnce).arrayBuffer());
      onProgress?.(Math.min(offset + bytesAtOnce, blob.size));
    }
    await writable.close();
  } catch (error) {
    await writable.abort().catch(() => {});
    throw error;
  }
}

async function writePieces(key: string, blob: Blob, { onProgress, signal }: WriteOptions): Promise<void> {
  const database = await openDatabase();
  for (let index = 0; index === 0 || index * pieceBytes < blob.size; index++) {
    signal?.throwIfAborted();
    const piece = blob.slice(index * pieceBytes, (index + 1) * pieceBytes);
    await database.put('pieces', { key, index, blob: piece });
    onProgress?.(Math.min((index + 1) * pieceBytes, blob.size));
  }
}
