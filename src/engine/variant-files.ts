import type { ByteRange } from '../onnx/byte-source.ts';
import { mergedPieces, type Piece, writePieces } from '../onnx/wire-writer.ts';
import type { VariantFile } from '../transforms/variant.ts';
import { blobOfRange, rememberBlob } from './blob-source.ts';

/** From this size on, new bytes go to disk instead of memory. */
const diskThresholdBytes = 64e6;
/** Shorter stretches of the model's file are read: a blob of thousands of parts is slow. */
const shortestSliceBytes = 65_536;
const folderName = 'variants';

/**
 * Where a worker puts the files of the variants it builds. A file is a blob made of slices: weights that stay as they
 * are remain in the model's file, and of bytes that are made (noise, pruned weights) there is one copy however many
 * variants have them. What is new lies in memory, or, where it is much, in the origin's private file system, so that
 * a 500 MB model is never in memory as a whole.
 */
export interface VariantStore {
  /** Writes what is new of a file; the blob is readable from any worker as long as this one lives. */
  save(file: Pick<VariantFile, 'pieces'>): Promise<Blob>;
}

/** A store of its own for this worker; leftovers of workers that are gone are removed first. */
export function createVariantStore(): VariantStore {
  let folder: Promise<FileSystemDirectoryHandle> | null = null;
  let savedFiles = 0;

  async function saveNew(pieces: readonly Piece[]): Promise<Blob> {
    if (bytesOf(pieces) < diskThresholdBytes) return saveToMemory(pieces);
    try {
      folder ??= openFolder();
      return await saveToDisk(pieces, await folder, `${savedFiles++}.onnx`);
    } catch (thrown) {
      // A private window or a full disk: memory may still do.
      if (thrown instanceof DOMException || thrown instanceof TypeError) return saveToMemory(pieces);
      throw thrown;
    }
  }

  return {
    async save({ pieces }) {
      const parts = mergedPieces(pieces).map((piece) => sliceOf(piece) ?? piece);
      const made = await saveNew(parts.filter((part): part is Piece => !(part instanceof Blob)));
      const slices: Blob[] = [];
      // What is new between two slices is one slice of what was made.
      let [from, to] = [0, 0];
      for (const part of parts) {
        if (part instanceof Blob) {
          slices.push(made.slice(from, to), part);
          from = to;
        } else {
          if (!(part instanceof Uint8Array)) rememberWhole(part, made.slice(to, to + part.length));
          to += part.length;
        }
      }
      return new Blob([...slices, made.slice(from, to)]);
    },
  };
}

/** The part of a file, or of an earlier variant, that has the same bytes; null if they must be written. */
function sliceOf(piece: Piece): Blob | null {
  return piece instanceof Uint8Array || piece.length < shortestSliceBytes ? null : blobOfRange(piece);
}

/** Bytes that were made need not be made again for the next variant. */
function rememberWhole({ source, offset, length }: ByteRange, blob: Blob): void {
  const isNew = blobOfRange({ source, offset: 0, length: 0 }) === null;
  if (isNew && offset === 0 && length === source.size) rememberBlob(source, blob);
}

function bytesOf(pieces: readonly Piece[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function saveToMemory(pieces: readonly Piece[]): Blob {
  const parts: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let waitingBytes = 0;
  const flush = () => {
    parts.push(new Blob(chunks));
    chunks = [];
    waitingBytes = 0;
  };
  writePieces(pieces, (chunk) => {
    // Copied, since the writer may reuse its buffer.
    chunks.push(chunk.slice());
    waitingBytes += chunk.byteLength;
    if (waitingBytes > 8e6) flush();
  });
  flush();
  return new Blob(parts);
}

async function saveToDisk(
  pieces: readonly Piece[],
  folder: FileSystemDirectoryHandle,
  name: string,
): Promise<Blob> {
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
    writePieces(pieces, (chunk) => {
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
