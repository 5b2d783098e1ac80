import type { DownloadApi } from '../protocol/download-api.ts';
import { wrapWorker, type Client } from './spawn.ts';

/** Silence on the line for this long is an answer too. */
const downloadDeadlineMs = 60_000;

/** Starts a worker for one download; ending it cancels the transfer. */
export function openDownloadClient(): Client<DownloadApi> {
  const worker = new Worker(new URL('../../workers/download.ts', import.meta.url), { type: 'module' });
  return wrapWorker<DownloadApi>(worker, 'the download', downloadDeadlineMs);
}
