import { type Failure, outcomeOf } from '../base/result.ts';
import { chooseThreads, detectEnvironment } from '../clients/capabilities.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import { candidatePreprocessings, type PreprocessingCandidate } from '../data/guess-preprocessing.ts';
import { bestCandidate, type CandidateScore, reasonsWithScore } from '../data/rank-preprocessings.ts';
import type { Lab, Slice } from './slice.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const trying = () => import('../clients/try-preprocessings.ts');

/** Which normalisation suits a model and labelled images, found by trying. */
export interface NormalisationTrial {
  readonly modelId: string;
  readonly datasetId: string;
  readonly state:
    | { readonly kind: 'running'; readonly done: number; readonly total: number | null }
    | { readonly kind: 'done'; readonly scores: readonly CandidateScore[] }
    | { readonly kind: 'stopped' }
    | { readonly kind: 'failed'; readonly failure: Failure };
}

export interface NormalisationSlice {
  /** Of the model and images that are open, or of earlier ones. */
  readonly normalisationTrial: NormalisationTrial | null;
  /** Tries the plausible normalisations; the best becomes the preprocessing unless the user edited it. */
  readonly tryNormalisations: () => Promise<void>;
  readonly stopTryingNormalisations: () => void;
  /** Takes over the best of the scores that are known; tries if that was never done. A preprocessing must be guessed. */
  readonly settleNormalisation: () => void;
}

export const createNormalisationSlice: Slice<NormalisationSlice> = (set, get) => {
  let control = new AbortController();

  const adoptBest = (scores: readonly CandidateScore[]) => {
    const best = bestCandidate(scores);
    if (!best || get().preprocessingEdited || !get().preprocessing) return;
    set({
      preprocessing: best.candidate.preprocessing,
      preprocessingReasons: reasonsWithScore(best, scores.length),
    });
  };

  return {
    normalisationTrial: null,
    tryNormalisations: async () => {
      get().stopTryingNormalisations();
      const { model, data, run } = get();
      const worker = modelWorker();
      const candidates = normalisationsToTry(get());
      if (!model || !data || !worker || run || candidates.length < 2) return;
      const ends = (control = new AbortController());
      const tell = (state: NormalisationTrial['state']) => {
        if (ends.signal.aborted) return;
        const ids = { modelId: model.view.modelId, datasetId: data.dataset.id };
        set({ normalisationTrial: { ...ids, state } });
      };
      tell({ kind: 'running', done: 0, total: null });
      const threads = chooseThreads(get().environment ?? (await detectEnvironment()));
      const outcome = await outcomeOf(async () => {
        const { tryPreprocessings } = await trying();
        return tryPreprocessings(
          { model: worker, data, candidates, threads },
          (done, total) => tell({ kind: 'running', done, total }),
          ends.signal,
        );
      });
      if (ends.signal.aborted) return;
      if (!outcome.ok) return tell({ kind: 'failed', failure: outcome.failure });
      tell({ kind: 'done', scores: outcome.value });
      adoptBest(outcome.value);
    },
    stopTryingNormalisations: () => {
      control.abort();
      const trial = get().normalisationTrial;
      if (trial?.state.kind === 'running')
        set({ normalisationTrial: { ...trial, state: { kind: 'stopped' } } });
    },
    settleNormalisation: () => {
      const trial = trialOfNow(get());
      if (trial?.state.kind === 'done') adoptBest(trial.state.scores);
      else if (!trial) void get().tryNormalisations();
    },
  };
};

/** The trial of the model and images that are open; null if there was none. */
export function trialOfNow({ normalisationTrial, model, data }: Lab): NormalisationTrial | null {
  const { modelId, datasetId } = normalisationTrial ?? {};
  return modelId === model?.view.modelId && datasetId === data?.dataset.id ? normalisationTrial : null;
}

/** What there is to try: nothing without labels that fit, with weights of noise, or if the model says how it is fed. */
export function normalisationsToTry({
  model,
  data,
  preprocessingProblem,
}: Pick<Lab, 'model' | 'data' | 'preprocessingProblem'>): readonly PreprocessingCandidate[] {
  if (!model || !data || preprocessingProblem || model.view.hollow) return [];
  if (data.dataset.items.every(({ label }) => label === null)) return [];
  // A model that takes no images has no candidates; asking for them would throw.
  if (describeMisfit(model.view, data.dataset, null)) return [];
  const candidates = candidatePreprocessings(model.view, data.dataset);
  if (describeMisfit(model.view, data.dataset, candidates[0]?.preprocessing ?? null)) return [];
  return candidates.length > 1 ? candidates : [];
}
