import type { ModelApi } from '../protocol/model-api.ts';
import { wrapWorker, type Client } from './spawn.ts';

export type ModelClient = Client<ModelApi>;

/** Starts a worker that reads and transforms one model. */
export function openModelClient(): ModelClient {
  const worker = new Worker(new URL('../../workers/model.ts', import.meta.url), { type: 'module' });
  return wrapWorker<ModelApi>(worker, 'the model');
}
