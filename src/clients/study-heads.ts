import { failed, ok } from '../base/result.ts';
import { headsFor, headsToTrain } from '../transforms/exits/heads-of-recipe.ts';
import { headsByKey, keyOfHead, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { createLearned, type Learner } from './learned.ts';
import { cancelledTraining, type ExitTraining, trainExits } from './train-exits.ts';

/** What all trainings of a study have in common. */
export type HeadSubject = Pick<
  ExitTraining,
  'modelId' | 'data' | 'preprocessing' | 'provider' | 'threads' | 'choice'
>;

/**
 * Trains exits that recipes name and that no head was trained for. What pruning looks at must be known to the model
 * before.
 * @param known heads of this model on these images
 * @param onHeads told of those of each training
 */
export function createExitTrainer(
  subject: HeadSubject,
  known: readonly TrainedHead[],
  onHeads: (heads: readonly TrainedHead[]) => void,
): Learner<TrainedHead> {
  const { known: kept, tell, add } = createLearned(headsByKey(known), (model, all) => model.useHeads(all));
  return {
    all: () => [...kept.values()],
    prepare: async (model, recipe, onProgress, signal) => {
      const given = await tell(model);
      if (!given.ok) return given;
      const missing = headsToTrain(recipe, kept.values());
      if (missing === null) return ok(trainingMsOf(recipe, kept.values()));
      const trained = await trainExits(
        { ...subject, ...missing, model },
        (progress) => {
          if (progress.kind === 'features') onProgress(progress);
        },
        signal,
      );
      if (signal.aborted) return failed(cancelledTraining);
      if (!trained.ok) return trained;
      for (const head of trained.value) add(keyOfHead(head), head);
      onHeads(trained.value);
      const taken = await tell(model);
      return taken.ok ? ok(trainingMsOf(recipe, kept.values())) : taken;
    },
  };
}

/** What training the exits of a recipe took, whenever that was; null where none of them tells. */
function trainingMsOf(recipe: Recipe, heads: Iterable<TrainedHead>): number | null {
  const named = new Set(trainedExitsOf(recipe)?.at);
  const took = [...headsFor(recipe, heads).values()].flatMap(({ value, training: { elapsedMs } }) =>
    named.has(value) && elapsedMs !== undefined ? [elapsedMs] : [],
  );
  return took.length === 0 ? null : took.reduce((sum, elapsedMs) => sum + elapsedMs, 0);
}
