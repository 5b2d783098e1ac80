import type { DataApi } from '../protocol/data-api.ts';
import { wrapWorker, type Client } from './spawn.ts';

export type DataClient = Client<DataApi>;

/** Starts a worker that opens archives and decodes images. */
export function openDataClient(): DataClient {
  const worker = new Worker(new URL('../../workers/data.ts', import.meta.url), { type: 'module' });
  return wrapWorker<DataApi>(worker, 'the images');
}
