import type { Result } from '../base/result.ts';
import type { Study, Trial } from '../study/trial.ts';
import { openDatabase, type StudyHeader } from './database.ts';
import { attemptWrite } from './storage.ts';

/** Keeps a study with all its trials, all or nothing; replaces one of the same id. */
export function saveStudy(study: Study): Promise<Result<void>> {
  return attemptWrite(`the study ${study.name}`, async () => {
    const { trials, ...rest } = study;
    const transaction = (await openDatabase()).transaction(['studies', 'trials'], 'readwrite');
    const writes = [
      // Trials that the study had before and has no more.
      transaction.objectStore('trials').delete(trialsOf(study.id)),
      transaction.objectStore('studies').put({ ...rest, trialIds: trials.map((trial) => trial.id) }),
      ...trials.map((trial) => transaction.objectStore('trials').put(trial)),
    ];
    await Promise.all([...writes, transaction.done]);
  });
}

/** Keeps one trial of a study that is kept already. */
export function saveTrial(trial: Trial): Promise<Result<void>> {
  return attemptWrite(`the trial ${trial.strategy.name}`, async () => {
    await (await openDatabase()).put('trials', trial);
  });
}

/** A kept study with its trials; null if it is not kept (any more). */
export async function loadStudy(id: string): Promise<Study | null> {
  const database = await openDatabase();
  const header = await database.get('studies', id);
  if (!header) return null;
  const { trialIds, ...rest } = header;
  const stored = await database.getAll('trials', trialsOf(id));
  const byId = new Map(stored.map((trial) => [trial.id, trial]));
  return { ...rest, trials: trialIds.flatMap((trialId) => byId.get(trialId) ?? []) };
}

/** All kept studies without their trials, newest first. */
export async function listStudies(): Promise<readonly StudyHeader[]> {
  const headers = await (await openDatabase()).getAll('studies');
  return headers.sort((a, b) => b.createdAtMs - a.createdAtMs);
}

/** Forgets a study and its trials. */
export async function deleteStudy(id: string): Promise<void> {
  const transaction = (await openDatabase()).transaction(['studies', 'trials'], 'readwrite');
  await Promise.all([
    transaction.objectStore('studies').delete(id),
    transaction.objectStore('trials').delete(trialsOf(id)),
    transaction.done,
  ]);
}

/** All keys that begin with this study's id; a list sorts after every text. */
function trialsOf(studyId: string): IDBKeyRange {
  return IDBKeyRange.bound([studyId], [studyId, []]);
}
