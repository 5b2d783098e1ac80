import { attempt } from '../base/result.ts';
import type { TrainApi } from '../protocol/train-api.ts';
import { crossEntropyBy } from '../transforms/exits/regression-graph.ts';
import type { CrossEntropyOf } from '../transforms/exits/softmax-regression.ts';
import { headWork, trainHead, type TrainingSet } from '../transforms/exits/train-head.ts';
import { startRegression } from './regression-runtime.ts';

/** Multiply-accumulates of a step's product from where starting the runtime costs less than it saves. */
const leastWorkForRuntime = 2e7;

/** Trains heads, off the main thread and apart from the models' heaps. */
export function createTrainService(): TrainApi {
  let started: Promise<CrossEntropyOf | null> | null = null;

  const inRuntime = (threads: number): Promise<CrossEntropyOf | null> => {
    started ??= startRegression(threads).then(crossEntropyBy, () => null);
    return started;
  };

  return {
    train: (set, { seed, threads }, onProgress) =>
      attempt(async () => {
        // Where the runtime does not start, plain loops give the same answer later.
        const crossEntropyOf = isLarge(set) ? await inRuntime(threads) : null;
        return trainHead(set, { seed, onProgress, ...(crossEntropyOf && { crossEntropyOf }) });
      }),
  };
}

function isLarge({ targets, width, classCount }: TrainingSet): boolean {
  return headWork(targets.length, { width, classes: classCount }) >= leastWorkForRuntime;
}
