import { type Failure, ok, outcomeOf, type Result } from '../base/result.ts';
import type * as Comparing from '../clients/compare-values.ts';
import { loadFindings, saveFinding } from '../persist/layer-findings.ts';
import type { Compared } from '../study/quality/compared.ts';
import { recipeToCompare } from '../study/quality/recipe-to-compare.ts';
import type { ComparedValue, VariantErrors } from '../study/quality/variant-errors.ts';
import type { Trial } from '../study/trial.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { findingKey } from './finding-key.ts';
import { headSubjectOf } from './heads-slice.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const compareValues: typeof Comparing.compareValues = (...asked) =>
  outcomeOf(async () => (await import('../clients/compare-values.ts')).compareValues(...asked));

/** What is looked at in histograms. */
export interface Watched {
  readonly kind: 'value' | 'weight';
  readonly name: string;
}

export interface QualitySlice {
  /** Comparisons of this visit and of earlier ones; see `variantErrorsOf`. */
  readonly variantErrors: ReadonlyMap<string, VariantErrors>;
  readonly qualityWork: { readonly done: number; readonly total: number | null } | null;
  readonly qualityProblem: Failure | null;
  /** Of which comparison, and the histograms; null until they are there. */
  readonly watched:
    | (Watched & { readonly errors: VariantErrors; readonly compared: ComparedValue | null })
    | null;
  /** Compares what a trial's recipe makes of the open model with the model, on some of the trial's images. */
  readonly compareVariant: (trial: Trial, images: number) => Promise<void>;
  /** Counts what a value or a weight of the compared variant holds. */
  readonly watch: (watched: Watched, trial: Trial) => Promise<void>;
  readonly cancelComparison: () => void;
}

export const createQualitySlice: Slice<QualitySlice> = (set, get, store) => {
  let control = new AbortController();

  store.subscribe((lab, before) => {
    if (lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing)
      return;
    const subject = headSubjectOf(lab);
    if (subject === null) return;
    void loadFindings('layerErrors', subject).then((kept) => {
      const found = kept.map(({ key, found: errors }) => [findingKey(subject, key), errors] as const);
      if (found.length > 0)
        set(({ variantErrors }) => ({ variantErrors: new Map([...found, ...variantErrors]) }));
    });
  });

  /** Begins work in place of what is under way; null, with the reason told, if it cannot begin. */
  const begin = () => {
    control.abort();
    const { model, data, preprocessing, environment, settings } = get();
    const worker = modelWorker();
    set({ qualityProblem: null });
    if (!model || !data || !preprocessing || !environment || !worker) {
      set({ qualityProblem: nothingOpen });
      return null;
    }
    if (preprocessing.random) {
      set({ qualityProblem: randomInputs });
      return null;
    }
    const busy = busyStudy(get());
    if (busy) {
      set({ qualityProblem: busy });
      return null;
    }
    const { signal } = (control = new AbortController());
    const { threads } = strategyPlace(settings, environment, model.view.totals.macs);
    set({ qualityWork: { done: 0, total: null } });
    return { model: worker, modelId: model.view.modelId, data, preprocessing, threads, signal };
  };

  /** The value of an outcome; null, with the reason told, if there is none or nobody waits for it any more. */
  const settled = <T>(outcome: Result<T>, signal: AbortSignal): T | null => {
    if (signal.aborted) return null;
    if (outcome.ok) return outcome.value;
    set({ qualityWork: null, qualityProblem: outcome.failure });
    return null;
  };

  const tell = (signal: AbortSignal) => (done: number, total: number) => {
    if (!signal.aborted) set({ qualityWork: { done, total } });
  };

  return {
    variantErrors: new Map(),
    qualityWork: null,
    qualityProblem: null,
    watched: null,
    compareVariant: async (trial, images) => {
      const job = begin();
      if (job === null) return;
      const { model, modelId, data, preprocessing, threads, signal } = job;
      const recipe = recipeToCompare(trial.strategy.recipe);
      set({ watched: null });
      const ready = await get().calibrateFor(recipe);
      if (settled(ready.ok ? ok(true) : ready, signal) === null) return;
      const weights = settled(await model.compareWeights(recipe, null), signal);
      if (weights === null) return;
      const compared = settled(
        await compareValues(
          {
            model,
            recipe,
            data,
            preprocessing,
            threads,
            imageIndices: imagesOf(trial, get(), images),
            value: null,
          },
          tell(signal),
          signal,
        ),
        signal,
      );
      if (compared === null) return;
      const subject = { modelId, datasetId: data.dataset.id, preprocessing };
      const key = aboutOf(recipe);
      const errors: VariantErrors = { recipe, ...compared, weights };
      set({
        qualityWork: null,
        variantErrors: new Map([...get().variantErrors, [findingKey(subject, key), errors]]),
      });
      const saved = await saveFinding('layerErrors', subject, key, errors, Date.now());
      if (!saved.ok) get().reportFailure('The comparison of layers is not kept', saved.failure);
    },
    watch: async (watched, trial) => {
      const errors = variantErrorsOf(get(), trial.strategy.recipe);
      const job = errors && begin();
      if (!job) return;
      const { model, data, preprocessing, threads, signal } = job;
      const { recipe, images } = errors;
      set({ watched: { ...watched, errors, compared: null } });
      const ready = await get().calibrateFor(recipe);
      if (settled(ready.ok ? ok(true) : ready, signal) === null) return;
      const { kind, name } = watched;
      const found: Result<readonly ComparedValue[]> =
        kind === 'weight'
          ? asValues(await model.compareWeights(recipe, name))
          : valuesOf(
              await compareValues(
                {
                  model,
                  recipe,
                  data,
                  preprocessing,
                  threads,
                  imageIndices: imagesOf(trial, get(), images),
                  value: name,
                },
                tell(signal),
                signal,
              ),
            );
      const [compared = null] = settled(found, signal) ?? [];
      if (!signal.aborted) set({ qualityWork: null, watched: compared && { ...watched, errors, compared } });
    },
    cancelComparison: () => {
      control.abort();
      get().cancelCalibration();
      set(({ watched }) => ({ qualityWork: null, watched: watched?.compared ? watched : null }));
    },
  };
};

/** What is known of a trial's variant, with the model and the images that are open; null: not compared yet. */
export function variantErrorsOf(lab: Lab, recipe: Recipe): VariantErrors | null {
  const subject = headSubjectOf(lab);
  if (subject === null || lab.variantErrors.size === 0) return null;
  return lab.variantErrors.get(findingKey(subject, aboutOf(recipeToCompare(recipe)))) ?? null;
}

/** What of its key a comparison has besides the model and its images. */
function aboutOf(compared: Recipe): string {
  return JSON.stringify(normaliseRecipe(compared));
}

/** The first images that the trial answered, or of all, where it answered others. */
function imagesOf(
  { predictions, datasetId }: Trial,
  { data }: Pick<Lab, 'data'>,
  count: number,
): readonly number[] {
  if (predictions && datasetId === data?.dataset.id) return predictions.imageIndices.slice(0, count);
  return Array.from({ length: Math.min(count, data?.dataset.items.length ?? 0) }, (_, image) => image);
}

function asValues(outcome: Result<readonly Compared[]>): Result<readonly ComparedValue[]> {
  return outcome.ok ? ok(outcome.value.map((each) => ({ ...each, range: null }))) : outcome;
}

function valuesOf(outcome: Awaited<ReturnType<typeof compareValues>>): Result<readonly ComparedValue[]> {
  return outcome.ok ? ok(outcome.value.values) : outcome;
}

const nothingOpen: Failure = {
  code: 'nothing-open',
  message: 'the model or its images are not open',
  hint: 'Open both, then compare.',
};

const randomInputs: Failure = {
  code: 'not-images',
  message: 'the model gets random numbers, on which nothing can be judged',
  hint: 'Judge models that take images.',
};
