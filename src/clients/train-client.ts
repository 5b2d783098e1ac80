import type { TrainApi } from '../protocol/train-api.ts';
import { wrapWorker, type Client } from './spawn.ts';

export type TrainClient = Client<TrainApi>;

/** Starts a worker that trains heads. */
export function openTrainClient(): TrainClient {
  const worker = new Worker(new URL('../../workers/train.ts', import.meta.url), { type: 'module' });
  return wrapWorker<TrainApi>(worker, 'the training');
}
