import type { Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { contentHash } from '../study/strategy-id.ts';
import { keyOfHead, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';

/** What trained heads belong to: trained on other images, or on images prepared otherwise, they would be others. */
export interface HeadSubject {
  readonly modelId: string;
  readonly datasetId: string;
  readonly preprocessing: Preprocessing;
}

/** Keeps trained heads, so that a recipe that comes back need not be trained again. */
export function saveHeads(subject: HeadSubject, heads: readonly TrainedHead[]): Promise<Result<void>> {
  return attemptWrite('the trained exits', async () => {
    const transaction = (await openDatabase()).transaction('heads', 'readwrite');
    const id = subjectId(subject);
    const writes = heads.map((head) => transaction.store.put({ subject: id, key: keyOfHead(head), head }));
    await Promise.all([...writes, transaction.done]);
  });
}

/** All kept heads of a model on these images. */
export async function loadHeads(subject: HeadSubject): Promise<readonly TrainedHead[]> {
  const id = subjectId(subject);
  const stored = await (await openDatabase()).getAll('heads', IDBKeyRange.bound([id], [id, []]));
  return stored.map(({ head }) => head);
}

/** The name of what heads and calibrations belong to. */
export function subjectId({ modelId, datasetId, preprocessing }: HeadSubject): string {
  return contentHash({ modelId, datasetId, preprocessing });
}
