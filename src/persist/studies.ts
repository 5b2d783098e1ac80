import type { IDBPTransaction } from 'idb';
import type { Result } from '../base/result.ts';
import { packedBytes, packSamples, unpackSamples } from '../study/packed-samples.ts';
import type { Study, Trial } from '../study/trial.ts';
import { openDatabase, type Schema, type StoredTrial, type StudyHeader } from './database.ts';
import { attemptWrite } from './storage.ts';

/** A visit rewrites the last chunk at most. */
const SAMPLES_PER_CHUNK = 256;

/**
 * Keeps a study with all its trials, all or nothing; replaces one of the same id.
 * @param change `anything`; or `grown`: where samples are kept already, new ones were only added after them
 */
export function saveStudy(study: Study, change: 'anything' | 'grown' = 'anything'): Promise<Result<void>> {
  return attemptWrite(`the study ${study.name}`, async () => {
    const { trials, ...rest } = study;
    const transaction = await writing();
    const store = transaction.objectStore('trials');
    const kept =
      change === 'grown' ? new Set((await store.getAllKeys(allOf(study.id))).map(([, id]) => id)) : null;
    const gone = [...(kept ?? [])].filter((id) => trials.every((trial) => trial.id !== id));
    const writes = [
      // Trials that the study had before and has no more.
      ...(kept === null ? [removeRange(transaction, allOf(study.id))] : []),
      ...gone.map((id) => removeRange(transaction, allOf(study.id, id))),
      transaction.objectStore('studies').put({ ...rest, trialIds: trials.map((trial) => trial.id) }),
      ...trials.map((trial) => writeTrial(transaction, trial)),
    ];
    await allOrNothing(transaction, writes);
    for (const trial of trials) noteAnswers(trial);
  });
}

/**
 * Keeps one trial of a study that is kept already; of its samples only those that are new. Fails where the study was
 * deleted meanwhile: nothing would ever find the trial.
 */
export function saveTrial(trial: Trial): Promise<Result<void>> {
  return attemptWrite(`the trial ${trial.strategy.name}`, async () => {
    const transaction = await writing();
    if ((await transaction.objectStore('studies').getKey(trial.studyId)) === undefined)
      throw new Error('its study was deleted from this device meanwhile');
    await allOrNothing(transaction, [writeTrial(transaction, trial)]);
    noteAnswers(trial);
  });
}

/** A kept study with its trials; null if it is not kept (any more). */
export async function loadStudy(id: string): Promise<Study | null> {
  const transaction = (await openDatabase()).transaction(['studies', ...PARTS]);
  const header = await transaction.objectStore('studies').get(id);
  if (!header) return null;
  const { trialIds, ...rest } = header;
  const trials: Trial[] = [];
  // One after the other: between them the page gets its turns, however many samples there are.
  for (const trialId of trialIds) {
    const stored = await transaction.objectStore('trials').get([id, trialId]);
    if (!stored) continue;
    const { sampleCount: _count, lastStartedAtMs: _last, samples, ...trial } = stored;
    const chunks = await transaction.objectStore('samples').getAll(allOf(id, trialId));
    const answers = await transaction.objectStore('answers').get([id, trialId]);
    trials.push({
      ...trial,
      ...(answers && answersIn(answers)),
      samples: samples ?? chunks.flatMap((chunk) => unpackSamples(chunk.samples)),
    });
  }
  return { ...rest, trials };
}

/** What a kept study takes, in bytes: its records as text, its samples as they are. */
export async function studyBytes(id: string): Promise<number> {
  const transaction = (await openDatabase()).transaction(PARTS);
  let bytes = 0;
  // One after the other: all samples at once would be a lot of memory.
  for (const [studyId, trialId] of await transaction.objectStore('trials').getAllKeys(allOf(id))) {
    for (const name of ['trials', 'answers'] as const)
      bytes += JSON.stringify((await transaction.objectStore(name).get([studyId, trialId])) ?? null).length;
    for (const { samples } of await transaction.objectStore('samples').getAll(allOf(studyId, trialId)))
      bytes += packedBytes(samples);
  }
  return bytes;
}

/** All kept studies without their trials, newest first. */
export async function listStudies(): Promise<readonly StudyHeader[]> {
  const headers = await (await openDatabase()).getAll('studies');
  return headers.sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** Gives the device of a kept study another name; null: the one that the browser tells. */
export function renameDevice(studyId: string, deviceName: string | null): Promise<Result<void>> {
  return attemptWrite('the name of the device', async () => {
    const transaction = (await openDatabase()).transaction('studies', 'readwrite');
    const header = await transaction.store.get(studyId);
    const { deviceName: _before, ...rest } = header ?? {};
    const writes = header
      ? [transaction.store.put({ ...(rest as StudyHeader), ...(deviceName !== null && { deviceName }) })]
      : [];
    await Promise.all([...writes, transaction.done]);
  });
}

/** Forgets a study and its trials. */
export async function deleteStudy(id: string): Promise<void> {
  const transaction = await writing();
  await Promise.all([
    transaction.objectStore('studies').delete(id),
    removeRange(transaction, allOf(id)),
    transaction.done,
  ]);
}

/** Stores of what trials consist of. */
const PARTS = ['trials', 'samples', 'answers'] as const;

type Writing = IDBPTransaction<Schema, ('studies' | (typeof PARTS)[number])[], 'readwrite'>;

async function writing(): Promise<Writing> {
  return (await openDatabase()).transaction(['studies', ...PARTS], 'readwrite');
}

/** Ends a transaction: kept is all of it, or what was there before. */
async function allOrNothing(transaction: Writing, writes: readonly Promise<unknown>[]): Promise<void> {
  try {
    await Promise.all([...writes, transaction.done]);
  } catch (thrown) {
    try {
      transaction.abort();
    } catch {
      // It ended by itself, without keeping anything.
    }
    throw thrown;
  }
}

/** Writes a trial, and of its samples and answers what is not kept yet. */
async function writeTrial(transaction: Writing, trial: Trial): Promise<void> {
  const { samples, predictions: _predictions, maskAnswers: _masks, ...rest } = trial;
  const key = [trial.studyId, trial.id] as const;
  const store = transaction.objectStore('trials');
  const chunks = transaction.objectStore('samples');
  const same = keptOf(await store.get([...key]), trial);
  const first = Math.floor(same / SAMPLES_PER_CHUNK);
  const writes: Promise<unknown>[] = [];
  // A trial that started over: what it had before goes.
  if (same === 0) writes.push(chunks.delete(allOf(...key)));
  if (same < samples.length)
    for (let index = first; index * SAMPLES_PER_CHUNK < samples.length; index++) {
      const some = samples.slice(index * SAMPLES_PER_CHUNK, (index + 1) * SAMPLES_PER_CHUNK);
      writes.push(
        chunks.put({ studyId: trial.studyId, trialId: trial.id, index, samples: packSamples(some) }),
      );
    }
  const lastStartedAtMs = samples.at(-1)?.startedAtMs ?? null;
  writes.push(store.put({ ...rest, predictions: null, sampleCount: samples.length, lastStartedAtMs }));
  const answers = transaction.objectStore('answers');
  const given = trial.predictions ?? trial.maskAnswers;
  if (!given) writes.push(answers.delete([...key]));
  // Trials are replaced, not changed: the same object says the same.
  else if (keptAnswers.get(given) !== keyText(trial) || (await answers.getKey([...key])) === undefined)
    writes.push(answers.put({ studyId: trial.studyId, trialId: trial.id, ...answersIn(trial) }));
  await Promise.all(writes);
}

/** Answers that are kept, and of which trial. */
const keptAnswers = new WeakMap<object, string>();

function noteAnswers(trial: Trial): void {
  const given = trial.predictions ?? trial.maskAnswers;
  if (given) keptAnswers.set(given, keyText(trial));
}

function keyText({ studyId, id }: Trial): string {
  return JSON.stringify([studyId, id]);
}

function answersIn({ predictions, maskAnswers }: Pick<Trial, 'predictions' | 'maskAnswers'>) {
  return { predictions, ...(maskAnswers && { maskAnswers }) };
}

/** How many samples of a trial are kept in chunks already. */
function keptOf(stored: StoredTrial | undefined, { samples }: Trial): number {
  const count = stored?.sampleCount ?? 0;
  if (count === 0 || samples[count - 1]?.startedAtMs !== stored?.lastStartedAtMs) return 0;
  return count;
}

function removeRange(transaction: Writing, range: IDBKeyRange): Promise<unknown> {
  return Promise.all(PARTS.map((name) => transaction.objectStore(name).delete(range)));
}

/** All keys that begin with these; a list sorts after every text and number. */
function allOf(...begin: readonly string[]): IDBKeyRange {
  return IDBKeyRange.bound([...begin], [...begin, []]);
}
