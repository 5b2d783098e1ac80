import { ok, type Result } from '../base/result.ts';
import type { StudyFileApi } from '../protocol/study-file-api.ts';
import { unpackTrial } from '../study/packed-study.ts';
import type { Study, Trial } from '../study/trial.ts';
import { wrapWorker } from './spawn.ts';

/**
 * Reads a study.json, gzipped or not, in a worker; the page answers meanwhile, however large it is.
 * @returns failures: see `StudyFileApi.read`
 */
export async function readStudyFile(file: Blob): Promise<Result<Study>> {
  const worker = new Worker(new URL('../../workers/study-file.ts', import.meta.url), { type: 'module' });
  const client = wrapWorker<StudyFileApi>(worker, 'study files');
  const read = await client.api.read(file);
  client.terminate();
  if (!read.ok) return read;
  const trials: Trial[] = [];
  for (const packed of read.value.trials) {
    trials.push(unpackTrial(packed));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  return ok({ ...read.value, trials });
}
