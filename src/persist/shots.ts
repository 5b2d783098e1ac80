import type { Result } from '../base/result.ts';
import type { Shot } from '../study/live/captured-set.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';

/** Keeps a captured image until it is deleted. */
export function saveShot(shot: Shot): Promise<Result<void>> {
  const write = async (): Promise<void> => {
    await (await openDatabase()).put('shots', shot);
  };
  return attemptWrite('the captured image', write, { bytes: shot.png.size });
}

/** All that are kept, in the order in which they were taken. */
export async function loadShots(): Promise<readonly Shot[]> {
  const shots = await (await openDatabase()).getAll('shots');
  return shots.sort((a, b) => a.takenAtMs - b.takenAtMs);
}

/** Forgets captured images. */
export async function deleteShots(ids: readonly string[]): Promise<void> {
  const transaction = (await openDatabase()).transaction('shots', 'readwrite');
  for (const id of ids) void transaction.store.delete(id);
  await transaction.done;
}
