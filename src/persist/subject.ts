import type { StoreValue } from 'idb';
import type { Preprocessing } from '../data/preprocessing.ts';
import { contentHash } from '../study/strategy-id.ts';
import { openDatabase, type Schema } from './database.ts';

/**
 * What is learned of a model belongs to a subject: on other images, or on images prepared otherwise, it would be
 * something else.
 */
export interface Subject {
  readonly modelId: string;
  readonly datasetId: string;
  readonly preprocessing: Preprocessing;
}

/** The stores whose records belong to a subject. */
type SubjectStore =
  | 'heads'
  | 'calibrations'
  | 'channelStatistics'
  | 'layerScans'
  | 'layerErrors'
  | 'pruneScans'
  | 'blockScans';

/** The name of a subject in records. */
export function subjectId({ modelId, datasetId, preprocessing }: Subject): string {
  return contentHash({ modelId, datasetId, preprocessing });
}

/** All records of a subject in a store. */
export async function recordsOf<Name extends SubjectStore>(
  store: Name,
  subject: Subject,
): Promise<StoreValue<Schema, Name>[]> {
  const id = subjectId(subject);
  return (await openDatabase()).getAll(store, IDBKeyRange.bound([id], [id, []]));
}
