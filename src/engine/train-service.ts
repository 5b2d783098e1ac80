import { attempt } from '../base/result.ts';
import type { TrainApi } from '../protocol/train-api.ts';
import { trainHead } from '../transforms/exits/train-head.ts';

/** Trains heads, off the main thread and apart from the runtime's heap. */
export const trainService: TrainApi = {
  train: (set, seed, onProgress) => attempt(() => trainHead(set, { seed, onProgress })),
};
