import type { Result } from '../base/result.ts';
import type { PackedStudy } from '../study/packed-study.ts';

/** Reads studies from files, off the page's thread. */
export interface StudyFileApi {
  /**
   * Reads a study.json, gzipped or not, or all studies in a zip.
   * Codes: those of `parseStudy` and `studiesInZip`, `study-gzip-broken`, `study-too-large`, `file-changed`.
   */
  read(file: File): Promise<Result<readonly PackedStudy[]>>;
}
