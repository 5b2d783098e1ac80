import { type Failure, outcomeOf } from '../base/result.ts';
import { loadFormFigures, saveFormFigures } from '../persist/form-figures.ts';
import { figuresFor, figuresKey, type FormFigures } from '../study/forms/form-figures.ts';
import { timedSubject, withoutModelTimes } from '../study/forms/model-times.ts';
import type { VariantTimes } from '../study/explain/time-difference.ts';
import type { SlownessExplanation } from '../study/forms/explain-slowness.ts';
import type { ProfileProgress } from '../study/progress.ts';
import type { Provider, Trial } from '../study/trial.ts';
import type { StaticQuantizeOperator } from '../transforms/quantize/quantize-operator.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyDevice } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when they are first asked for. */
const probing = () => import('../clients/probe-forms.ts');
const deciding = () => import('../clients/study-forms.ts');
const profiling = () => import('../clients/profile-model.ts');
const explaining = () => import('../clients/explain-trial.ts');

export interface FormsSlice {
  /** What layers take in every form, by provider and threads; of this browser and of others that share its store. */
  readonly formFigures: readonly FormFigures[];
  /** The comparison under way outside a study, from 0 to 1. */
  readonly formProbe: { readonly share: number } | null;
  readonly compareForms: (place: { readonly provider: Provider; readonly threads: number }) => Promise<void>;
  /** Finds out what `auto` means for the open model: compares forms if need be, then times the model in them, again if it was. */
  readonly timeModelForms: (operator: StaticQuantizeOperator) => Promise<void>;
  /** Ends the comparison, or the look into a trial. */
  readonly cancelFormWork: () => void;
  /** Why quantized trials are not faster, by id. */
  readonly slowness: ReadonlyMap<string, SlownessExplanation>;
  /** The trial that is being looked into; `progress` is null until it tells something. */
  readonly explaining: { readonly trialId: string; readonly progress: ProfileProgress | null } | null;
  /** Profiles the unchanged and the quantized model to tell why a trial is not faster. */
  readonly explainTrial: (trial: Pick<Trial, 'id' | 'strategy'>) => Promise<void>;
  /** What the runtime's nodes take in trials that were looked into, by id. */
  readonly trialTimes: ReadonlyMap<string, VariantTimes>;
  /** Profiles these trials' variants one after the other, unless that is done, to tell where their time goes. */
  readonly profileTrials: (trials: readonly Trial[]) => Promise<void>;
  /** Keeps figures that were measured here. */
  readonly adoptFormFigures: (figures: FormFigures) => void;
}

export const createFormsSlice: Slice<FormsSlice> = (set, get, store) => {
  let control: AbortController | null = null;

  store.subscribe((lab, before) => {
    // What was built of another model is not to be taken for this one's.
    if (lab.model !== before.model) control?.abort();
    if (lab.environment && !before.environment) {
      void loadFormFigures().then((kept) =>
        set(({ formFigures }) => ({ formFigures: joined(kept, formFigures) })),
      );
    }
    const isSame =
      lab.model === before.model &&
      lab.environment === before.environment &&
      lab.settings === before.settings &&
      lab.formFigures === before.formFigures;
    if (!isSame) void modelWorker()?.useForms(figuresOfNow(lab));
  });

  return {
    formFigures: [],
    formProbe: null,
    compareForms: async (place) => {
      const { environment } = get();
      if (!environment) return;
      const busy = busyDevice(get());
      if (busy) return get().reportFailure('Forms cannot be compared now', busy);
      const ends = (control = new AbortController());
      set({ formProbe: { share: 0 } });
      const tell = (share: number) => {
        if (!ends.signal.aborted) set({ formProbe: { share } });
      };
      const outcome = await outcomeOf(async () =>
        (await probing()).probeForms({ ...place, environment }, tell, ends.signal),
      );
      set({ formProbe: null });
      if (outcome.ok) get().adoptFormFigures(outcome.value);
      else if (!ends.signal.aborted) get().reportFailure('Forms could not be compared', outcome.failure);
    },
    timeModelForms: async (operator) => {
      const { model, data, preprocessing, environment, settings, formFigures } = get();
      const worker = modelWorker();
      if (!model || !data || !preprocessing || !environment || !worker) return;
      const busy = busyDevice(get());
      if (busy) return get().reportFailure('The model cannot be timed now', busy);
      const { signal } = (control = new AbortController());
      set({ formProbe: { share: 0 } });
      const tell = (share: number) => {
        if (!signal.aborted) set({ formProbe: { share } });
      };
      const report = (failure: Failure) =>
        get().reportFailure('The model could not be timed in every form', failure);
      const { adoptFormFigures } = get();
      const outcome = await outcomeOf(async () => {
        const { createFormDecider } = await deciding();
        const timed = timedSubject(model.view, operator);
        const known = formFigures.map((figures) => withoutModelTimes(figures, timed));
        const subject = { environment, data, preprocessing };
        const decider = createFormDecider(subject, known, adoptFormFigures, report);
        const place = strategyPlace(settings, environment, model.view.totals.macs);
        return decider.prepare(worker, { recipe: [operator], ...place }, tell, signal);
      });
      set({ formProbe: null });
      if (!outcome.ok && !signal.aborted) report(outcome.failure);
    },
    cancelFormWork: () => control?.abort(),
    slowness: new Map(),
    explaining: null,
    explainTrial: async ({ id, strategy }) => {
      const { model, data, preprocessing, reportFailure } = get();
      const { provider, threads, recipe } = strategy;
      const operator = recipe.find((each) => each.op === 'quantize');
      const worker = modelWorker();
      if (!model || !data || !preprocessing || !worker || !operator) return;
      const busy = busyDevice(get());
      if (busy) return reportFailure('This cannot be looked into now', busy);
      const { signal } = (control = new AbortController());
      set({ explaining: { trialId: id, progress: null } });
      const request = { model: worker, view: model.view, data, preprocessing, provider, threads };
      const result = await outcomeOf(async () => {
        const calibrated = await get().calibrateFor([operator]);
        if (!calibrated.ok) return calibrated;
        const { explainQuantized } = await explaining();
        return explainQuantized(request, operator, signal, (progress) => {
          if (!signal.aborted) set({ explaining: { trialId: id, progress } });
        });
      });
      set({ explaining: null });
      if (result.ok) set(({ slowness }) => ({ slowness: new Map([...slowness, [id, result.value]]) }));
      else if (!signal.aborted) reportFailure('The profiles could not be taken', result.failure);
    },
    trialTimes: new Map(),
    profileTrials: async (trials) => {
      const { model, data, preprocessing, reportFailure } = get();
      const worker = modelWorker();
      if (!model || !data || !preprocessing || !worker) return;
      const busy = busyDevice(get());
      if (busy) return reportFailure('This cannot be looked into now', busy);
      const { signal } = (control = new AbortController());
      for (const { id, strategy, predictions, datasetId } of trials) {
        if (get().trialTimes.has(id)) continue;
        const { provider, threads, recipe } = strategy;
        const tell = (progress: ProfileProgress | null) => {
          if (!signal.aborted) set({ explaining: { trialId: id, progress } });
        };
        const result = await outcomeOf(async () => {
          const calibrated = await get().calibrateFor(recipe);
          if (!calibrated.ok) return calibrated;
          tell(null);
          const imageIndices =
            predictions && datasetId === data.dataset.id ? predictions.imageIndices : undefined;
          const place = { model: worker, view: model.view, data, preprocessing, provider, threads };
          const request = { ...place, variant: recipe, ...(imageIndices && { imageIndices }) };
          return (await profiling()).profileVariant(request, signal, tell);
        });
        if (signal.aborted) break;
        if (!result.ok) {
          reportFailure(`${strategy.name} could not be profiled`, result.failure);
          break;
        }
        set(({ trialTimes }) => ({ trialTimes: new Map([...trialTimes, [id, result.value]]) }));
      }
      set({ explaining: null });
    },
    adoptFormFigures: (figures) => {
      set(({ formFigures }) => ({ formFigures: joined(formFigures, [figures]) }));
      void saveFormFigures(figures).then((saved) => {
        if (!saved.ok) get().reportFailure('The comparison of forms is not kept', saved.failure);
      });
    },
  };
};

/** Figures of the place where strategies of the open model run; null if none were measured. */
export function figuresOfNow({ model, environment, settings, formFigures }: Lab): FormFigures | null {
  if (!model || !environment) return null;
  const place = strategyPlace(settings, environment, model.view.totals.macs);
  return figuresFor(formFigures, { environment, ...place });
}

/** Later ones count where both are of one place. */
function joined(older: readonly FormFigures[], newer: readonly FormFigures[]): readonly FormFigures[] {
  return [...new Map([...older, ...newer].map((figures) => [figuresKey(figures), figures])).values()];
}
