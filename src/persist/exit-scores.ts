import { attempt, type Result } from '../base/result.ts';
import type { ExitScores } from '../study/thresholds.ts';
import { openDatabase } from './database.ts';
import { attemptWrite } from './storage.ts';

/** Passes kept; the oldest goes first. Each is some megabytes at most. */
const mostPasses = 8;

/**
 * Keeps a pass over all exits, so that thresholds of a model can be learned again without running it.
 * @param key hash of everything that decides what the pass gives
 */
export function saveExitScores(key: string, pass: ExitScores, nowMs: number): Promise<Result<void>> {
  return attemptWrite('the scores of the exits', async () => {
    const transaction = (await openDatabase()).transaction('exitScores', 'readwrite');
    await transaction.store.put({ key, storedAtMs: nowMs, pass });
    const all = await transaction.store.getAll();
    const old = all.sort((a, b) => b.storedAtMs - a.storedAtMs).slice(mostPasses);
    await Promise.all([...old.map((each) => transaction.store.delete(each.key)), transaction.done]);
  });
}

/** The kept pass of this key; null if there is none, or it cannot be read. */
export async function loadExitScores(key: string): Promise<ExitScores | null> {
  const kept = await attempt(async () => (await openDatabase()).get('exitScores', key));
  return kept.ok ? (kept.value?.pass ?? null) : null;
}
