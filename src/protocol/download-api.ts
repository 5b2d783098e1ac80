import type { Result } from '../base/result.ts';

export interface Downloaded {
  readonly fileName: string;
  readonly file: Blob;
}

/** Served by `workers/download.ts` (implementation `src/engine/download-service.ts`); end the worker to cancel. */
export interface DownloadApi {
  /**
   * Fetches a file from an address the user typed.
   * @param onProgress bytes so far and in all; null where the server does not say
   */
  download(
    url: string,
    onProgress: (doneBytes: number, totalBytes: number | null) => void,
  ): Promise<Result<Downloaded>>;
}
