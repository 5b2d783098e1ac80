import type { Result } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { Dataset } from '../data/dataset.ts';
import { deleteBlob, newBlobKey, readBlob, type WriteOptions, writeBlob } from './blobs.ts';
import { openDatabase, type StoredDataset } from './database.ts';
import { attemptWrite } from './storage.ts';

/** A dataset with its bytes (`LoadedDataset` of the protocol). */
interface DatasetFiles {
  readonly dataset: Dataset;
  readonly pack: Blob;
}

/**
 * Keeps a dataset for later visits. Its id is the hash of its content, so one that is there already only gets its
 * record renewed.
 * @param nowMs Unix time
 */
export function saveDataset(
  { dataset, pack }: DatasetFiles,
  nowMs: number,
  options: WriteOptions = {},
): Promise<Result<StoredDataset>> {
  const write = async (): Promise<StoredDataset> => {
    const database = await openDatabase();
    const old = await database.get('datasets', dataset.id);
    const isThere = old !== undefined && (await readBlob(old.blobKey)) !== null;
    const blobKey = isThere ? old.blobKey : newBlobKey('dataset');
    if (!isThere) await writeBlob(blobKey, pack, options);
    const stored = { id: dataset.id, dataset, bytes: pack.size, storedAtMs: nowMs, blobKey };
    await database.put('datasets', stored);
    return stored;
  };
  const bytes = pack.size;
  return attemptWrite(`${dataset.name} (${formatBytes(bytes)})`, write, { bytes, signal: options.signal });
}

/** A kept dataset, its pack unread; null if it is not kept (any more). */
export async function loadDataset(id: string): Promise<DatasetFiles | null> {
  const stored = await (await openDatabase()).get('datasets', id);
  const pack = stored && (await readBlob(stored.blobKey));
  return stored && pack ? { dataset: stored.dataset, pack } : null;
}

/** All kept datasets, newest first. */
export async function listDatasets(): Promise<readonly StoredDataset[]> {
  const datasets = await (await openDatabase()).getAll('datasets');
  return datasets.sort((a, b) => b.storedAtMs - a.storedAtMs);
}

/** Forgets a dataset; its studies stay. */
export async function deleteDataset(id: string): Promise<void> {
  const database = await openDatabase();
  const stored = await database.get('datasets', id);
  await database.delete('datasets', id);
  if (stored) await deleteBlob(stored.blobKey);
}
