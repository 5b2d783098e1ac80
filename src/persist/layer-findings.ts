import { attempt, type Result } from '../base/result.ts';
import { type Findings, openDatabase, type StoredFinding } from './database.ts';
import { attemptWrite } from './storage.ts';
import { recordsOf, type Subject, subjectId } from './subject.ts';

/** Of each kind, so many are kept; the oldest go first. Of a large model one is a few hundred kilobytes. */
const MOST_KEPT = 24;

const WHAT: Readonly<Record<keyof Findings, string>> = {
  layerScans: 'what layers lose in int8',
  layerErrors: 'the comparison of layers',
  pruneScans: 'what groups of channels lose',
  blockScans: 'what the model does without its blocks',
};

/**
 * Keeps what was found of a model's layers on these images, in place of what was kept under the same key.
 * @param key what it is about, besides the subject
 */
export function saveFinding<Kind extends keyof Findings>(
  kind: Kind,
  subject: Subject,
  key: string,
  found: Findings[Kind],
  nowMs: number,
): Promise<Result<void>> {
  return attemptWrite(WHAT[kind], async () => {
    const transaction = (await openDatabase()).transaction<keyof Findings, 'readwrite'>(kind, 'readwrite');
    const { store } = transaction;
    await store.put({ subject: subjectId(subject), key, storedAtMs: nowMs, found });
    const byAge = await store.index('storedAtMs').getAllKeys();
    const old = byAge.slice(0, Math.max(0, byAge.length - MOST_KEPT));
    await Promise.all([...old.map((each) => store.delete(each)), transaction.done]);
  });
}

/** All that is kept of a model on these images, the latest last; nothing where it cannot be read. */
export async function loadFindings<Kind extends keyof Findings>(
  kind: Kind,
  subject: Subject,
): Promise<readonly StoredFinding<Kind>[]> {
  const stored = await attempt(() => recordsOf(kind, subject));
  if (!stored.ok) return [];
  return (stored.value as StoredFinding<Kind>[]).sort((a, b) => a.storedAtMs - b.storedAtMs);
}
