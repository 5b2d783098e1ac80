import { attempt, type Failure, outcomeOf } from '../base/result.ts';
import { sameContent } from '../base/same-content.ts';
import { chooseProvider, chooseThreads } from '../clients/capabilities.ts';
import { createPauseGate, type PauseGate } from '../clients/pause-gate.ts';
import type { LearntFrom } from '../clients/run-study.ts';
import { classNamesOf } from '../data/class-names.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import { requestPersistence } from '../persist/storage.ts';
import { deleteStudy, listStudies, loadStudy, saveStudy, saveTrial } from '../persist/studies.ts';
import {
  copiedStudy,
  extendedStudy,
  newStudy,
  type StudySubject,
  withMoreRounds,
  withPredictions,
} from '../study/new-study.ts';
import { PROTOCOLS } from '../study/plan.ts';
import type { StudyProgress } from '../study/progress.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import type { Protocol, Provider, Strategy, Study, Trial } from '../study/trial.ts';
import { expectedOutcomeOf } from './known-costs.ts';
import { trialOfNow } from './normalisation-slice.ts';
import { placementFor } from './placement-slice.ts';
import { pageIsIdle } from './page-is-idle.ts';
import { digestTrials } from './digest-trials.ts';
import type { Slice } from './slice.ts';
import { busyDevice } from './work-under-way.ts';

/** Loaded when they are first asked for. */
const running = () => import('../clients/run-study.ts');
const reading = () => import('../clients/read-study-file.ts');
const others = () => import('./other-models.ts');

/** How the next study measures. */
export interface RunSettings {
  readonly provider: Provider | 'auto';
  readonly threads: number | 'auto';
  readonly protocol: keyof typeof PROTOCOLS;
}

/** Where an imported study goes: on screen, or beside what is there. */
type StudyPlace = 'shown' | 'beside';

/** A study under way. */
export interface Run {
  readonly progress: StudyProgress | null;
  readonly isPaused: boolean;
}

export interface StudySlice {
  readonly settings: RunSettings;
  /** The study on screen, without its trials. */
  readonly study: Omit<Study, 'trials'> | null;
  readonly trials: readonly Trial[];
  readonly run: Run | null;
  readonly changeSettings: (change: Partial<RunSettings>) => void;
  /** Measures the chosen recipes: into the present study if it is about the same things, else into a new one. */
  readonly measure: () => Promise<void>;
  /** Measures a study of the open model, and of others beside it. */
  readonly measurePlanned: (plan: (subject: StudySubject) => Study) => Promise<void>;
  /** Goes on with what the present study has not finished. */
  readonly resumeStudy: () => Promise<void>;
  /** Measures the present study's strategies in so many rounds more. */
  readonly measureMoreRounds: (rounds: number) => Promise<void>;
  readonly pause: () => void;
  readonly goOn: () => void;
  /** Ends the run; what is measured stays. */
  readonly cancelRun: () => void;
  readonly showStudy: (study: Study) => void;
  /** Shows the newest kept study of the open model, unless that on screen is about it; none if there is none. */
  readonly showLatestStudy: () => Promise<void>;
  readonly openStudy: (id: string) => Promise<void>;
  /**
   * Takes studies in from files (study.json, gzipped or not, or zips of them) and shows the first, the others beside it;
   * or puts all beside the one on screen. Where another of its id is kept, `incomingStudy` waits for an answer.
   */
  readonly importStudies: (files: readonly File[], place?: StudyPlace) => Promise<void>;
  /** A study from a file, and the different one that is kept under the same id. */
  readonly incomingStudy: {
    readonly study: Study;
    readonly kept: Study;
    readonly place: StudyPlace;
    readonly answer: (choice: 'both' | 'replace' | 'neither') => void;
  } | null;
  readonly settleImport: (choice: 'both' | 'replace' | 'neither') => Promise<void>;
  readonly forgetStudy: (id: string) => Promise<void>;
}

/** Told of a study that a visit before left; pressing Resume answers it. */
export const UNFINISHED = 'Your study is unfinished';

/** Results are shown at most this often: the page must stay quiet while the workers measure. */
const showEveryMs = 400;
/** The longest that the run waits for the page to have drawn new results. */
const drawingMs = 150;

export const createStudySlice: Slice<StudySlice> = (set, get) => {
  let gate: PauseGate | null = null;
  let control: AbortController | null = null;

  const subjectOfNow = (): StudySubject | Failure => {
    const { model, data, preprocessing, preprocessingProblem, environment, settings } = get();
    if (!model) return { code: 'no-model', message: 'no model is open' };
    if (!data || data.dataset.items.length === 0) {
      return { code: 'no-images', message: 'no images are open', hint: 'Open images under Data.' };
    }
    if (!environment) return { code: 'no-device', message: 'this device is still being looked at' };
    if (!preprocessing) {
      return (
        preprocessingProblem ?? {
          code: 'no-preprocessing',
          message: 'it is not known how an image becomes the input',
        }
      );
    }
    if (trialOfNow(get())?.state.kind === 'running') {
      return {
        code: 'busy',
        message: 'it is being tried which normalization suits these images',
        hint: 'Wait a moment, or cancel it under Data.',
      };
    }
    const busy = busyDevice(get());
    if (busy) return busy;
    const { dataset } = data;
    const misfit = describeMisfit(model.view, dataset, preprocessing);
    if (misfit) return misfit;
    const datasetName = preprocessing.random ? 'random inputs' : dataset.name;
    return {
      name: `${model.name} on ${datasetName}`,
      modelId: model.view.modelId,
      modelName: model.view.fileName,
      datasetId: dataset.id,
      datasetName,
      classNames: classNamesOf(dataset, model.view, preprocessing.classOffset),
      preprocessing,
      protocol: PROTOCOLS[settings.protocol],
      environment,
    };
  };

  const chosenStrategies = (): readonly Strategy[] => {
    const { model, environment, settings, listed } = get();
    if (!model || !environment) return [];
    const { provider, threads } = strategyPlace(settings, environment, model.view.totals.macs);
    return listed
      .filter(({ chosen }) => chosen)
      .map((entry) => makeStrategy(model.view.modelId, entry, provider, threads, placementFor(entry, get())));
  };

  const start = async (study: Study) => {
    const { model, data, environment } = get();
    if (!model || !data || !environment) return;
    const { trials, ...header } = study;
    set({ study: header, trials, run: { progress: null, isPaused: false } });
    const saved = await saveStudy(study, 'grown');
    if (!saved.ok) get().reportFailure('The study is not kept on this device', saved.failure);
    void requestPersistence();
    gate = createPauseGate();
    control = new AbortController();
    const isCancelled = control.signal;
    let savesFail = !saved.ok;
    const show = createDrip<Trial>(showEveryMs, (changed) =>
      set(({ study: shown, trials: before }) =>
        shown?.id === study.id ? { trials: before.map((trial) => changed.get(trial.id) ?? trial) } : {},
      ),
    );
    let toldMs = 0;
    const isOpen = ({ modelId, preprocessing }: LearntFrom) =>
      modelId === get().model?.view.modelId &&
      JSON.stringify(preprocessing) === JSON.stringify(get().preprocessing);
    const result = await outcomeOf(async () =>
      (await running()).runStudy(
        study,
        {
          modelFile: model.file,
          fileName: model.view.fileName,
          externalFiles: model.external,
          ...(study.models && { otherModels: await (await others()).otherModelsOf(study) }),
          data,
          heads: get().heads,
          calibrations: get().calibrations,
          statistics: get().statistics,
          forms: get().formFigures,
          environment,
        },
        {
          onTrial: async (trial) => {
            show.put(trial.id, trial);
            const kept = await saveTrial(trial);
            if (!kept.ok && !savesFail) get().reportFailure('New results are not kept', kept.failure);
            savesFail = !kept.ok;
            // The run waits meanwhile: drawing and timed inferences never share the cores.
            if (show.isDue()) {
              show.flush();
              await pageIsIdle(drawingMs);
            }
          },
          onCalibration: async (calibration, subject) => {
            if (isOpen(subject)) get().adoptCalibration(calibration);
            else await (await others()).keepLearnt(study, subject, { calibration });
          },
          onStatistics: async (statistics, subject) => {
            if (isOpen(subject)) get().adoptStatistics(statistics);
            else await (await others()).keepLearnt(study, subject, { statistics });
          },
          onHeads: async (heads, subject) => {
            if (isOpen(subject)) await get().adoptHeads(heads);
            else await (await others()).keepLearnt(study, subject, { heads });
          },
          onForms: (figures) => get().adoptFormFigures(figures),
          onProgress: (progress) => {
            const nowMs = performance.now();
            const isRare = progress.step === 'paused' || progress.step === 'compressing';
            if (nowMs - toldMs < showEveryMs && !isRare) return;
            toldMs = nowMs;
            // Nothing more comes for now that would bring along what is not shown yet.
            if (isRare) show.flush();
            set(({ run }) => (run ? { run: { ...run, progress } } : {}));
          },
        },
        { signal: isCancelled, gate: gate as PauseGate },
      ),
    );
    show.flush();
    set({ run: null });
    if (!result.ok) return get().reportFailure('The study stopped', result.failure);
    if (get().study?.id === study.id) set({ trials: result.value.trials });
    if (isCancelled.aborted) return;
    const count = result.value.trials.length;
    const failures = result.value.trials.filter((trial) => trial.state.kind === 'failed').length;
    const message = `${failures} of ${count} strategies failed; the table says why.`;
    if (failures === 0) get().tell('The study is done');
    else if (failures < count) get().tell('The study is done', message);
    else get().reportFailure('The study is done', { code: 'all-failed', message });
  };

  const takeIn = async (study: Study, place: StudyPlace) => {
    const kept = await saveStudy(study);
    if (!kept.ok) get().reportFailure('The study is not kept on this device', kept.failure);
    if (place === 'beside') return get().putBeside(study.id, true);
    await digestTrials(study.trials);
    get().showStudy(study);
    get().showTab('front');
  };

  /** Keeps a study from a file; asks first where another of its id is kept. */
  const admit = async (study: Study, place: StudyPlace) => {
    const kept = await attempt(() => loadStudy(study.id));
    if (!kept.ok || !kept.value || sameContent(kept.value, study)) return takeIn(study, place);
    const before = kept.value;
    // Of several studies one asks after the other.
    await new Promise<void>((resolve) => {
      const answer = (choice: 'both' | 'replace' | 'neither') => {
        set({ incomingStudy: null });
        const taken = choice === 'both' ? copiedStudy(study, Date.now()) : study;
        void (choice === 'neither' ? Promise.resolve() : takeIn(taken, place)).finally(resolve);
      };
      set({ incomingStudy: { study, kept: before, place, answer } });
    });
  };

  return {
    settings: { provider: 'auto', threads: 'auto', protocol: 'quick' },
    study: null,
    trials: [],
    run: null,
    incomingStudy: null,
    changeSettings: (change) => set(({ settings }) => ({ settings: { ...settings, ...change } })),
    measure: async () => {
      if (get().run) return;
      const subject = subjectOfNow();
      if ('code' in subject) return get().reportFailure('Nothing can be measured yet', subject);
      const strategies = chosenStrategies();
      if (strategies.length === 0) {
        const failure = {
          code: 'no-strategies',
          message: 'no strategy is chosen',
          hint: 'Tick some under Run.',
        };
        return get().reportFailure('Nothing can be measured yet', failure);
      }
      const { study, trials } = get();
      const extended =
        study && isAbout({ ...study, trials }, subject)
          ? extendedStudy(
              { ...study, trials },
              { ...subject, protocol: study.protocol },
              strategies,
              Date.now(),
            )
          : null;
      const hasWork = extended?.trials.some(isUnfinished) ?? false;
      const planned = extended && hasWork ? extended : newStudy(subject, strategies, Date.now());
      await start(withPredictions(planned, (strategy) => expectedOutcomeOf(get(), strategy)));
    },
    measurePlanned: async (plan) => {
      if (get().run) return;
      const subject = subjectOfNow();
      if ('code' in subject) return get().reportFailure('Nothing can be measured yet', subject);
      // Costs are known at the size of now.
      const expected = (strategy: Strategy) =>
        strategy.inputSize ? undefined : expectedOutcomeOf(get(), strategy);
      await start(withPredictions(plan(subject), expected));
    },
    resumeStudy: async () => {
      const { study, trials, run } = get();
      set(({ notices }) => ({ notices: notices.filter(({ title }) => title !== UNFINISHED) }));
      if (study && !run) await start({ ...study, trials });
    },
    measureMoreRounds: async (rounds) => {
      const { study, trials, run } = get();
      if (study && !run) await start(withMoreRounds({ ...study, trials }, rounds));
    },
    pause: () => {
      gate?.pause();
      set(({ run }) => ({ run: run && { ...run, isPaused: true } }));
    },
    goOn: () => {
      gate?.resume();
      set(({ run }) => ({ run: run && { ...run, isPaused: false } }));
    },
    cancelRun: () => control?.abort(),
    showStudy: ({ trials, ...study }) => set({ study, trials, selectedTrialId: null }),
    showLatestStudy: async () => {
      const { model, study } = get();
      // One of several models keeps its study.
      const studied = [study?.modelId, ...(study?.models ?? []).map(({ modelId }) => modelId)];
      if (!model || studied.includes(model.view.modelId)) return;
      set({ study: null, trials: [], selectedTrialId: null });
      const kept = await attempt(listStudies);
      const latest = kept.ok ? kept.value.find(({ modelId }) => modelId === model.view.modelId) : undefined;
      if (latest && get().model === model && get().study === null) await get().openStudy(latest.id);
    },
    openStudy: async (id) => {
      const study = await attempt(() => loadStudy(id));
      if (study.ok && study.value) await digestTrials(study.value.trials);
      if (!study.ok) get().reportFailure('The study could not be opened', study.failure);
      else if (study.value) get().showStudy(study.value);
    },
    importStudies: async (files, place = 'shown') => {
      const { readStudyFile } = await reading();
      let taken = 0;
      for (const file of files) {
        const read = await readStudyFile(file);
        const title = `${files.length > 1 ? file.name : 'The study'} could not be read`;
        if (!read.ok) get().reportFailure(title, read.failure);
        for (const study of read.ok ? read.value : []) await admit(study, taken++ === 0 ? place : 'beside');
      }
      if (taken > 1) get().showResultsView('devices');
    },
    settleImport: async (choice) => get().incomingStudy?.answer(choice),
    forgetStudy: async (id) => {
      await attempt(() => deleteStudy(id));
      if (get().study?.id === id) set({ study: null, trials: [], selectedTrialId: null });
    },
  };
};

/** Whether a trial is still to be measured, or measured further. */
export function isUnfinished(trial: Trial): boolean {
  return trial.state.kind === 'queued' || trial.state.kind === 'running';
}

/** Where strategies run under these settings. */
export function strategyPlace(
  settings: RunSettings,
  environment: Trial['environment'],
  macs: number,
): { readonly provider: Provider; readonly threads: number } {
  const provider = settings.provider === 'auto' ? chooseProvider(environment, macs) : settings.provider;
  const threads = settings.threads === 'auto' ? chooseThreads(environment) : settings.threads;
  return { provider, threads };
}

/** Whether a study's results may stand beside new ones of this subject. */
export function isAbout(study: Study, subject: StudySubject): boolean {
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  return (
    study.modelId === subject.modelId &&
    study.datasetId === subject.datasetId &&
    measuresAlike(study.protocol, subject.protocol) &&
    study.trials.every(
      (trial) =>
        same(trial.preprocessing, subject.preprocessing) &&
        trial.environment.userAgent === subject.environment.userAgent,
    )
  );
}

/** Whether a study of the first goes on as one of the second began: it may have got more rounds since. */
function measuresAlike(one: Protocol, other: Protocol): boolean {
  const [a, b] = [one, other].map(({ rounds: _rounds, stopping: _rule, ...rest }) => JSON.stringify(rest));
  return a === b && (one.name !== 'custom' || JSON.stringify(one) === JSON.stringify(other));
}

/**
 * Collects the latest of each and hands them on together, at most once in a while: by `flush` when it is due, or by
 * itself when nobody asked for long.
 */
function createDrip<T>(everyMs: number, deliver: (latest: ReadonlyMap<string, T>) => void) {
  const patience = 5;
  let latest = new Map<string, T>();
  let timer: ReturnType<typeof setTimeout> | null = null;
  let deliveredMs = Number.NEGATIVE_INFINITY;
  const flush = () => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (latest.size === 0) return;
    const batch = latest;
    latest = new Map();
    deliveredMs = performance.now();
    deliver(batch);
  };
  return {
    put: (key: string, value: T) => {
      latest.set(key, value);
      timer ??= setTimeout(flush, patience * everyMs);
    },
    isDue: () => performance.now() - deliveredMs >= everyMs,
    flush,
  };
}
