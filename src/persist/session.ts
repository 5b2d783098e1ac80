import type { Result } from '../base/result.ts';
import { deleteOrphans } from './blobs.ts';
import { openDatabase, type Session } from './database.ts';
import { attemptWrite, whenNobodyWrites } from './storage.ts';

const sessionKey = 'last';

/** Remembers what is open, to be found again after a reload. */
export function saveSession(session: Session): Promise<Result<void>> {
  return attemptWrite('the state of this page', async () => {
    await (await openDatabase()).put('session', session, sessionKey);
  });
}

/** What was open last time; null on the first visit. */
export async function loadSession(): Promise<Session | null> {
  return (await (await openDatabase()).get('session', sessionKey)) ?? null;
}

/** Deletes files that no record names: what a closed tab left half-written. For a quiet moment after the start. */
export async function cleanUp(): Promise<void> {
  await whenNobodyWrites(async () => {
    const database = await openDatabase();
    const models = await database.getAll('models');
    const datasets = await database.getAll('datasets');
    const keys = [
      ...models.flatMap((model) => [model.blobKey, ...model.external.map((external) => external.blobKey)]),
      ...datasets.map((dataset) => dataset.blobKey),
    ];
    await deleteOrphans(new Set(keys));
  });
}
