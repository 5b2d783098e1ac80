import type { Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { deleteBlob, newBlobKey, readBlob, type WriteOptions, writeBlob } from './blobs.ts';
import { openDatabase, type StoredModel } from './database.ts';
import { attemptWrite } from './storage.ts';

/** A model's files, as they are opened. */
export interface ModelFiles {
  readonly file: Blob;
  readonly fileName: string;
  readonly externalFiles: readonly { readonly location: string; readonly file: Blob }[];
}

/**
 * Keeps a model for later visits; one already kept under this id stays until the new one is complete.
 * @param nowMs Unix time
 */
export function saveModel(
  id: string,
  model: ModelFiles,
  nowMs: number,
  options: WriteOptions = {},
): Promise<Result<StoredModel>> {
  const files = [model.file, ...model.externalFiles.map((external) => external.file)];
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  const write = async (): Promise<StoredModel> => {
    const database = await openDatabase();
    const old = await database.get('models', id);
    const keys = files.map(() => newBlobKey('model'));
    try {
      let writtenBytes = 0;
      for (const [index, file] of files.entries()) {
        const before = writtenBytes;
        const onProgress = (done: number) => options.onProgress?.(before + done);
        await writeBlob(keys[index] as string, file, { ...options, onProgress });
        writtenBytes += file.size;
      }
      const stored: StoredModel = {
        id,
        fileName: model.fileName,
        bytes,
        storedAtMs: nowMs,
        blobKey: keys[0] as string,
        external: model.externalFiles.map(({ location }, index) => ({
          location,
          blobKey: keys[index + 1] as string,
        })),
      };
      await database.put('models', stored);
      if (old) await deleteFiles(old);
      return stored;
    } catch (error) {
      await Promise.all(keys.map(deleteBlob));
      throw error;
    }
  };
  return attemptWrite(`${model.fileName} (${formatBytes(bytes)})`, write, { bytes, signal: options.signal });
}

/** A kept model's files, unread; null if it is not kept (any more). */
export async function loadModel(id: string): Promise<ModelFiles | null> {
  const stored = await (await openDatabase()).get('models', id);
  if (!stored) return null;
  const file = await readBlob(stored.blobKey);
  const externalFiles: { location: string; file: Blob }[] = [];
  for (const { location, blobKey } of stored.external) {
    const external = await readBlob(blobKey);
    if (!external) return null;
    externalFiles.push({ location, file: external });
  }
  return file && { file, fileName: stored.fileName, externalFiles };
}

/** All kept models, newest first. */
export async function listModels(): Promise<readonly StoredModel[]> {
  const models = await (await openDatabase()).getAll('models');
  return models.sort((a, b) => b.storedAtMs - a.storedAtMs);
}

/** Forgets a model; its studies stay. */
export async function deleteModel(id: string): Promise<void> {
  const database = await openDatabase();
  const stored = await database.get('models', id);
  // The record first: a record without files would be worse than files without a record.
  await database.delete('models', id);
  if (stored) await deleteFiles(stored);
}

async function deleteFiles(stored: StoredModel): Promise<void> {
  await deleteBlob(stored.blobKey);
  for (const { blobKey } of stored.external) await deleteBlob(blobKey);
}
