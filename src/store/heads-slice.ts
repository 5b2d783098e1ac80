import { attempt, type Failure, outcomeOf } from '../base/result.ts';
import type { TrainingChoice, TrainingProgress } from '../clients/train-exits.ts';
import { loadHeads, saveHeads } from '../persist/heads.ts';
import type { Subject } from '../persist/subject.ts';
import { backboneOf } from '../transforms/exits/backbone.ts';
import { headsToTrain } from '../transforms/exits/heads-of-recipe.ts';
import { DEFAULT_HEAD_SEED, headsByKey, type TrainedHead } from '../transforms/exits/trained-head.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { busyStudy } from './work-under-way.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const training = () => import('../clients/train-exits.ts');

export interface HeadsSlice {
  /** Trained for the open model on the open images, prepared as they are now; one for each value, seed and backbone. */
  readonly heads: readonly TrainedHead[];
  /** The training under way; `progress` is null until it tells something. */
  readonly exitTraining: { readonly progress: TrainingProgress | null } | null;
  /** Why the last training ended without heads. */
  readonly exitTrainingProblem: Failure | null;
  /** Trains those exits of the recipe on the canvas that have no head yet; all of them if none is missing. */
  readonly trainExits: (choice?: TrainingChoice) => Promise<void>;
  readonly cancelExitTraining: () => void;
  /** Takes heads in that were trained for the open model as it is now, and keeps them. */
  readonly adoptHeads: (heads: readonly TrainedHead[]) => Promise<void>;
}

export const createHeadsSlice: Slice<HeadsSlice> = (set, get, store) => {
  let control = new AbortController();
  /** Of the last training. */
  let lastChoice: TrainingChoice = {};

  const adopt = async (heads: readonly TrainedHead[]) => {
    set({ heads });
    await modelWorker()?.useHeads(heads);
    get().recheckRecipe();
  };

  store.subscribe((lab, before) => {
    const isSame =
      lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing;
    if (isSame) return;
    // Images that are prepared differently, as when their normalisation was found, are no reason to stop for good.
    const goesOn = lab.exitTraining !== null && lab.model === before.model && lab.data === before.data;
    get().cancelExitTraining();
    set({ exitTrainingProblem: null });
    const subject = headSubjectOf(lab);
    if (subject === null) return;
    void attempt(() => loadHeads(subject)).then(async (found) => {
      // Another model or other images may have been opened meanwhile.
      if (JSON.stringify(headSubjectOf(get())) !== JSON.stringify(subject)) return;
      await adopt(found.ok ? found.value : []);
      const { recipes, heads } = get();
      if (goesOn && headsToTrain(recipes.present, heads) !== null) await get().trainExits(lastChoice);
    });
  });

  return {
    heads: [],
    exitTraining: null,
    exitTrainingProblem: null,
    trainExits: async (choice = {}) => {
      const { model, data, preprocessing, environment, settings, recipes, heads } = get();
      const operator = trainedExitsOf(recipes.present);
      const worker = modelWorker();
      if (!model || !data || !preprocessing || !environment || !operator || !worker) return;
      const busy = busyStudy(get());
      if (busy) return set({ exitTrainingProblem: busy });
      get().cancelExitTraining();
      lastChoice = choice;
      const seen = await get().calibrateFor(backboneOf(recipes.present));
      if (!seen.ok) return set({ exitTrainingProblem: seen.failure });
      const ends = (control = new AbortController());
      const { at, seed = DEFAULT_HEAD_SEED } = operator;
      set({ exitTraining: { progress: null }, exitTrainingProblem: null });
      const request = {
        model: worker,
        modelId: model.view.modelId,
        data,
        preprocessing,
        ...strategyPlace(settings, environment, model.view.totals.macs),
        ...(headsToTrain(recipes.present, heads) ?? {
          values: at,
          seed,
          backbone: backboneOf(recipes.present),
        }),
        choice,
      };
      const tell = (progress: TrainingProgress) => {
        if (!ends.signal.aborted) set({ exitTraining: { progress } });
      };
      const outcome = await outcomeOf(async () => (await training()).trainExits(request, tell, ends.signal));
      if (ends.signal.aborted) return;
      set({ exitTraining: null });
      if (!outcome.ok) return set({ exitTrainingProblem: outcome.failure });
      await get().adoptHeads(outcome.value);
    },
    adoptHeads: async (trained) => {
      const subject = headSubjectOf(get());
      if (subject === null) return;
      const saved = await saveHeads(subject, trained);
      if (!saved.ok) get().reportFailure('The trained exits are not kept', saved.failure);
      await adopt([...headsByKey([...get().heads, ...trained]).values()]);
    },
    cancelExitTraining: () => {
      control.abort();
      if (get().exitTraining) set({ exitTraining: null });
    },
  };
};

/** What heads and calibrations hold for; null until a model and its images are open. */
export function headSubjectOf({ model, data, preprocessing }: Lab): Subject | null {
  if (!model || !data || !preprocessing) return null;
  return { modelId: model.view.modelId, datasetId: data.dataset.id, preprocessing };
}
