import { ok, type Result } from '../base/result.ts';
import type { StudyFileApi } from '../protocol/study-file-api.ts';
import { unpackTrial } from '../study/packed-study.ts';
import type { Study, Trial } from '../study/trial.ts';
import { wrapWorker } from './spawn.ts';

/**
 * Reads a study.json, gzipped or not, or all studies in a zip, in a worker; the page answers meanwhile, however large
 * they are.
 * @returns at least one; failures: see `StudyFileApi.read`
 */
export async function readStudyFile(file: File): Promise<Result<readonly Study[]>> {
  const worker = new Worker(new URL('../../workers/study-file.ts', import.meta.url), { type: 'module' });
  const client = wrapWorker<StudyFileApi>(worker, 'study files');
  const read = await client.api.read(file);
  client.terminate();
  if (!read.ok) return read;
  const studies: Study[] = [];
  for (const study of read.value) {
    const trials: Trial[] = [];
    for (const packed of study.trials) {
      trials.push(unpackTrial(packed));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    studies.push({ ...study, trials });
  }
  return ok(studies);
}

/** Bytes at the end of a zip in which the names of its last files stand. */
const namesBytes = 65_536;

/** More JSON files than that are descriptions of images, not studies. */
const mostStudies = 100;

/** Whether a zip is of studies, by what its files are called: images are opened otherwise. */
export async function isZipOfStudies(file: Blob): Promise<boolean> {
  const names = await file.slice(-namesBytes).text();
  const jsonFiles = names.match(/\.json/gi)?.length ?? 0;
  return jsonFiles > 0 && jsonFiles <= mostStudies && !/\.(png|jpe?g|webp|gif|bmp|avif)/i.test(names);
}
