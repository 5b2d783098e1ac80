import type { Result } from '../base/result.ts';
import type { PackedStudy } from '../study/packed-study.ts';

/** Reads studies from files, off the page's thread. */
export interface StudyFileApi {
  /**
   * Reads a study.json, gzipped or not.
   * Codes: those of `parseStudy`, `study-gzip-broken`, `study-too-large`, `file-changed`.
   */
  read(file: Blob): Promise<Result<PackedStudy>>;
}
