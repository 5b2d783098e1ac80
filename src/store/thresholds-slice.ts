import { attempt, type Failure, outcomeOf } from '../base/result.ts';
import { loadExitScores, saveExitScores } from '../persist/exit-scores.ts';
import { evaluationImages, imagesLearntFrom } from '../study/evaluation-images.ts';
import { type ExitPass, recipeOfPass, tableOf } from '../study/exit-pass.ts';
import type { LearnedThresholds } from '../study/learn-thresholds.ts';
import { PROTOCOLS } from '../study/plan.ts';
import { contentHash, makeStrategy } from '../study/strategy-id.ts';
import { type ExitScores, evaluateThresholds, type Thresholds } from '../study/thresholds.ts';
import type { PredictedOutcome, Strategy } from '../study/trial.ts';
import { type ConfidenceMeasure, DEFAULT_CONFIDENCE } from '../transforms/exits/confidence.ts';
import { withThresholds } from '../transforms/exits/threshold-recipe.ts';
import { hasTrainedExits } from '../transforms/exits/trained-placement.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { ExitForm, Recipe } from '../transforms/recipe.ts';
import type { Lab, Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { modelWorker } from './workers.ts';

/** Loaded when they are first asked for. */
const measuring = () => import('../clients/measure-exits.ts');
const learning = () => import('../study/learn-thresholds.ts');

/** A pass, and what it was made with. */
interface KeptPass extends ExitPass {
  /** Hash of everything that decides what a pass gives. */
  readonly key: string;
}

export type ExitPassWork =
  | { readonly kind: 'idle' }
  | { readonly kind: 'running'; readonly done: number; readonly total: number | null }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface ThresholdsSlice {
  /** Of what is open, or of what was open before: see `exitPassOfNow`. */
  readonly exitPass: KeptPass | null;
  readonly exitPassWork: ExitPassWork;
  readonly exitConfidence: ConfidenceMeasure;
  readonly exitForm: ExitForm;
  /** The sliders: one for each exit of the pass but the last. */
  readonly thresholds: Thresholds;
  /** Of the pass and the confidence chosen; null until they are learned. */
  readonly learned: readonly LearnedThresholds[] | null;
  /** What was expected of recipes to be confirmed, by their normalised JSON. */
  readonly expected: ReadonlyMap<string, PredictedOutcome>;
  /** Runs all exits on the evaluation images once. */
  readonly passExits: () => Promise<void>;
  readonly cancelExitPass: () => void;
  /** Brings back a pass of what is open that was made earlier, if it is kept. */
  readonly recallExitPass: () => Promise<void>;
  readonly moveThreshold: (exit: number, value: number) => void;
  readonly moveThresholds: (thresholds: Thresholds) => void;
  readonly chooseConfidence: (measure: ConfidenceMeasure) => void;
  readonly chooseExitForm: (form: ExitForm) => void;
  readonly learn: () => Promise<void>;
  /** Adds strategies with these thresholds and measures them; the trials keep what is expected now. */
  readonly confirmThresholds: (points: readonly Thresholds[]) => Promise<void>;
}

/** Seed of the halves that thresholds are chosen on and reported on. */
const splitSeed = 1;
const startingThreshold = 0.8;

export const createThresholdsSlice: Slice<ThresholdsSlice> = (set, get) => {
  let control = new AbortController();

  const adopt = (subject: PassSubject, scores: ExitScores) => {
    const { key, recipe, truth } = subject;
    set({
      exitPass: { key, recipe, scores, truth },
      exitPassWork: { kind: 'idle' },
      thresholds: scores.exits.slice(1).map(() => startingThreshold),
      learned: null,
    });
  };

  return {
    exitPass: null,
    exitPassWork: { kind: 'idle' },
    exitConfidence: DEFAULT_CONFIDENCE,
    exitForm: 'segments',
    thresholds: [],
    learned: null,
    expected: new Map(),
    passExits: async () => {
      const { run, model, data, preprocessing } = get();
      const worker = modelWorker();
      const subject = passSubject(get());
      if (run || !subject || !model || !data || !preprocessing || !worker) return;
      control.abort();
      const ends = (control = new AbortController());
      const tell = (exitPassWork: ExitPassWork) => !ends.signal.aborted && set({ exitPassWork });
      tell({ kind: 'running', done: 0, total: null });
      const { recipe, provider, threads, imageIndices } = subject;
      const calibrated = await get().calibrateFor(recipe);
      if (!calibrated.ok) return void tell({ kind: 'failed', failure: calibrated.failure });
      const outcome = await outcomeOf(async () => {
        const { measureExits } = await measuring();
        return measureExits(
          { model: worker, recipe, data, preprocessing, provider, threads, imageIndices },
          (done, total) => tell({ kind: 'running', done, total }),
          ends.signal,
        );
      });
      if (ends.signal.aborted) return;
      if (!outcome.ok) return void tell({ kind: 'failed', failure: outcome.failure });
      adopt(subject, outcome.value);
      // If it cannot be kept, it is there until the page closes.
      await saveExitScores(subject.key, outcome.value, Date.now());
    },
    cancelExitPass: () => {
      control.abort();
      set({ exitPassWork: { kind: 'idle' } });
    },
    recallExitPass: async () => {
      const subject = passSubject(get());
      if (!subject || get().exitPass?.key === subject.key) return;
      const kept = await loadExitScores(subject.key);
      if (kept && passSubject(get())?.key === subject.key && get().exitPassWork.kind !== 'running')
        adopt(subject, kept);
    },
    moveThreshold: (exit, value) => set(({ thresholds }) => ({ thresholds: thresholds.with(exit, value) })),
    moveThresholds: (thresholds) => set({ thresholds }),
    chooseConfidence: (exitConfidence) => set({ exitConfidence, learned: null }),
    chooseExitForm: (exitForm) => set({ exitForm }),
    learn: async () => {
      const loaded = await attempt(learning);
      if (!loaded.ok) return get().reportFailure('Nothing could be learned', loaded.failure);
      const { exitPass, exitConfidence } = get();
      if (!exitPass) return;
      set({ learned: loaded.value.learnThresholds(tableOf(exitPass, exitConfidence), splitSeed) });
    },
    confirmThresholds: async (points) => {
      const { exitPass, exitConfidence, exitForm, run } = get();
      if (!exitPass || run) return;
      const expected = new Map(get().expected);
      for (const thresholds of points) {
        const { exits } = exitPass.scores;
        const recipe = normaliseRecipe(
          withThresholds(exitPass.recipe, exits, thresholds, { confidence: exitConfidence, form: exitForm }),
        );
        expected.set(JSON.stringify(recipe), expectedOutcome(exitPass, exitConfidence, thresholds));
        get().listRecipe(recipe);
      }
      set({ expected });
      await get().measure();
    },
  };
};

/** What thresholds are expected to give on all images of the pass, which are those of a study's accuracy pass. */
function expectedOutcome(
  pass: ExitPass,
  measure: ConfidenceMeasure,
  thresholds: Thresholds,
): PredictedOutcome {
  const { accuracy, latencyMs } = evaluateThresholds(tableOf(pass, measure), thresholds);
  const share = Number.isFinite(accuracy) ? accuracy : null;
  return {
    accuracyTop1: pass.truth ? share : null,
    agreement: pass.truth ? null : share,
    latencyMeanMs: latencyMs,
  };
}

interface PassSubject {
  readonly key: string;
  readonly recipe: Recipe;
  readonly provider: ReturnType<typeof strategyPlace>['provider'];
  readonly threads: number;
  readonly imageIndices: readonly number[];
  readonly truth: ExitPass['truth'];
}

/** Whether the model has exits to choose among: its own, or some trained by the recipe. */
export function hasExits({ model, recipes }: Pick<Lab, 'model' | 'recipes'>): boolean {
  if (!model) return false;
  return model.view.exits.length > 1 || hasTrainedExits(recipes.present);
}

/** The last answer: components ask at every change of the lab, and hashing hundreds of images takes its time. */
let lastAsked: { readonly of: readonly unknown[]; readonly subject: PassSubject | null } | null = null;

/** Whether trained exits leave fewer images for telling accuracy. */
function strategiesOf({ trials }: Lab): readonly Strategy[] {
  return trials.map(({ strategy }) => strategy);
}

/** What a pass would be about now; null if something is missing. */
function passSubject(lab: Lab): PassSubject | null {
  const { model, data, preprocessing, environment, settings, recipes } = lab;
  const of = [
    model,
    data,
    preprocessing,
    environment,
    settings,
    recipes.present,
    imagesLearntFrom(strategiesOf(lab)),
  ];
  if (!lastAsked?.of.every((each, at) => each === of[at])) lastAsked = { of, subject: subjectOf(lab) };
  return lastAsked?.subject ?? null;
}

function subjectOf(lab: Lab): PassSubject | null {
  const { model, data, preprocessing, environment, settings, recipes } = lab;
  if (!model || !data || !preprocessing || !environment || !hasExits(lab)) return null;
  const { items, id: datasetId } = data.dataset;
  if (items.length === 0) return null;
  const recipe = recipeOfPass(recipes.present);
  const { provider, threads } = strategyPlace(settings, environment, model.view.totals.macs);
  // The images of the study's accuracy passes, so that what is expected can be compared with what is measured.
  const strategy = makeStrategy(model.view.modelId, { name: '', recipe }, provider, threads);
  const imageIndices = evaluationImages(
    PROTOCOLS[settings.protocol],
    [strategy, ...strategiesOf(lab)],
    items.map(({ label }) => label),
  );
  const labels = imageIndices.map((image) => items[image]?.label ?? null);
  const { modelId } = model.view;
  return {
    key: contentHash({ modelId, datasetId, preprocessing, recipe, provider, threads, imageIndices }),
    recipe,
    provider,
    threads,
    imageIndices,
    truth: labels.every((label) => label === null)
      ? null
      : labels.map((label) => (label === null ? null : label + preprocessing.classOffset)),
  };
}

/** The pass of what is open; null if there is none. */
export function exitPassOfNow(lab: Lab): KeptPass | null {
  const { exitPass } = lab;
  return exitPass && passSubject(lab)?.key === exitPass.key ? exitPass : null;
}
