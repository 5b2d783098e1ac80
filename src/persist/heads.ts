import type { Result } from '../base/result.ts';
import { keyOfHead, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';
import { recordsOf, type Subject, subjectId } from './subject.ts';

/** Keeps trained heads, so that a recipe that comes back need not be trained again. */
export function saveHeads(subject: Subject, heads: readonly TrainedHead[]): Promise<Result<void>> {
  return attemptWrite('the trained exits', async () => {
    const transaction = (await openDatabase()).transaction('heads', 'readwrite');
    const id = subjectId(subject);
    const writes = heads.map((head) => transaction.store.put({ subject: id, key: keyOfHead(head), head }));
    await Promise.all([...writes, transaction.done]);
  });
}

/** All kept heads of a model on these images. */
export async function loadHeads(subject: Subject): Promise<readonly TrainedHead[]> {
  return (await recordsOf('heads', subject)).map(({ head }) => head);
}
