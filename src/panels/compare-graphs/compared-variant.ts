import { useMemo } from 'react';
import type { Failure } from '../../base/result.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { expectedTimeOf } from '../../store/expected-time.ts';
import { useLab } from '../../store/lab.ts';
import type { OpenModel } from '../../store/model-slice.ts';
import { useVariantView } from '../../store/use-variant-view.ts';
import { isEmulatedTrial, trialMetrics } from '../../study/metrics.ts';
import type { Trial } from '../../study/trial.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { isIdentity, type Recipe } from '../../transforms/recipe.ts';

/** A time of one inference. */
export interface KnownTime {
  readonly ms: number;
  readonly isMeasured: boolean;
}

/** One side of a comparison: a graph with its numbers. */
export interface ComparedVariant {
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly fileNames: readonly string[];
  readonly params: number;
  readonly macs: number;
  readonly rawBytes: number;
  readonly time: KnownTime | null;
  /** Top-1 accuracy, where a trial told it. */
  readonly accuracy: number | null;
  /** Parameters that are not zero, and the size of the gzipped files; where a trial told them. */
  readonly nonZeroParams: number | null;
  readonly gzipBytes: number | null;
}

/**
 * What a recipe makes of the open model.
 * @returns null as long as it is being made
 */
export function useComparedVariant(
  model: OpenModel,
  recipe: Recipe,
  fileIndex: number,
): ComparedVariant | { readonly failure: Failure } | null {
  const isOriginal = isIdentity(recipe);
  const made = useVariantView(recipe, isOriginal ? null : fileIndex);
  const trial = useLab((lab) => trialOf(lab.trials, model.view, recipe));
  return useMemo(() => {
    if (!isOriginal && made === null) return null;
    if (made !== null && !made.ok && !isOriginal) return { failure: made.failure };
    const { view, ...numbers } = made?.ok && !isOriginal ? made.value : originalOf(model);
    const metrics = trial && trialMetrics(trial);
    const measured = metrics?.latencyMedianMs?.value;
    return {
      recipe,
      view,
      ...numbers,
      time:
        measured === undefined
          ? expectedTimeOf(useLab.getState(), model.view, recipe, view)
          : { ms: measured, isMeasured: true },
      accuracy: metrics?.accuracyTop1?.value ?? null,
      nonZeroParams: metrics?.nonZeroParams?.value ?? null,
      gzipBytes: metrics?.gzipBytes?.value ?? null,
    };
  }, [isOriginal, made, model, recipe, trial]);
}

function originalOf({ view, file, external }: OpenModel) {
  const { params, macs } = view.totals;
  // The gallery's files hold no weights: what they stand for does.
  const filled = view.hollow ? view.totals.weightBytes : 0;
  const rawBytes = external.reduce((sum, each) => sum + each.file.size, file.size + filled);
  return { view, fileNames: [view.fileName], params, macs, rawBytes };
}

/** The latest trial of a recipe on this device alone that came to its end. */
function trialOf(trials: readonly Trial[], view: GraphView, recipe: Recipe): Trial | null {
  const wanted = JSON.stringify(normaliseRecipe(recipe));
  return (
    trials.findLast(
      (trial) =>
        trial.state.kind === 'done' &&
        trial.strategy.modelId === view.modelId &&
        !isEmulatedTrial(trial) &&
        JSON.stringify(normaliseRecipe(trial.strategy.recipe)) === wanted,
    ) ?? null
  );
}
