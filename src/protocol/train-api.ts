import type { Result } from '../base/result.ts';
import type { HeadWeights, LearningPoint, TrainingSet } from '../transforms/exits/train-head.ts';

/** Served by `workers/train.ts` (implementation `src/engine/train-service.ts`); end the worker to cancel. */
export interface TrainApi {
  /** Trains one head. @param onStep each step of the learning curve as it is known */
  train(set: TrainingSet, seed: number, onStep: (point: LearningPoint) => void): Promise<Result<HeadWeights>>;
}
