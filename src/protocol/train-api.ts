import type { Result } from '../base/result.ts';
import type { HeadWeights, LearningProgress, TrainingSet } from '../transforms/exits/train-head.ts';

/** Served by `workers/train.ts` (implementation `src/engine/train-service.ts`); end the worker to cancel. */
export interface TrainApi {
  /**
   * Trains one head.
   * @param options.seed divides the images into training and validation
   * @param options.threads of the runtime that computes large heads; those of the first call stay
   * @param onProgress each step as it is done
   */
  train(
    set: TrainingSet,
    options: { readonly seed: number; readonly threads: number },
    onProgress: (progress: LearningProgress) => void,
  ): Promise<Result<HeadWeights>>;
}
