import { assert, defined } from '../base/assert.ts';
import { type Failure, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import { scorePredictions, unansweredWarnings, withLabels } from '../study/accuracy.ts';
import { evaluationImages, reevaluated, restrictedTo } from '../study/evaluation-images.ts';
import type { FormFigures } from '../study/forms/form-figures.ts';
import { lateWarmUp, withLateWarmUp } from '../study/measuring/late-warm-up.ts';
import { timedImages, type Visit } from '../study/plan.ts';
import type { StudyProgress } from '../study/progress.ts';
import { answersFor, maskWarnings } from '../study/segmentation/mask-answers.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import type { Environment, MaskAnswers, Predictions, Strategy, Study, Trial } from '../study/trial.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import { isIdentity } from '../transforms/recipe.ts';
import { createEnginePool, type EnginePool, memoryBudgetBytes } from './engine-pool.ts';
import { keepAwake } from './keep-awake.ts';
import type { PauseGate } from './pause-gate.ts';
import { packTrials } from './pack-trials.ts';
import { VisitEnded } from './strategy-runner.ts';
import { type Bench, openBenches } from './study-benches.ts';
import { openStudyBook } from './study-book.ts';
import type { StudyModelInputs } from './study-model.ts';
import { openTimeAround } from './study-time-around.ts';
import { type DeviceWatch, watchDevice } from './watch-device.ts';

/** What a study runs on; its only model, or the first. */
export interface StudyInputs extends StudyModelInputs {
  /** Where there are several models, the others by id. */
  readonly otherModels?: ReadonlyMap<string, StudyModelInputs>;
  readonly data: LoadedDataset;
  /** What forms were timed to take on this device; where some are needed and missing, they are compared. */
  readonly forms?: readonly FormFigures[];
  /** This device, now. */
  readonly environment: Environment;
}

export interface StudyCallbacks {
  /** A trial has new results; the run waits for the promise, so that what was measured can be kept first. */
  readonly onTrial: (trial: Trial) => void | Promise<unknown>;
  readonly onProgress: (progress: StudyProgress) => void;
  /** Images were calibrated on, which the next study need not do. */
  readonly onCalibration?: (calibration: Calibration, subject: LearntFrom) => void;
  /** Channels were looked at, which the next study need not do. */
  readonly onStatistics?: (statistics: ChannelStatistics, subject: LearntFrom) => void;
  /** Exits were trained, which the next study need not do. */
  readonly onHeads?: (heads: readonly TrainedHead[], subject: LearntFrom) => void;
  /** Forms were compared, which the next study need not do. */
  readonly onForms?: (figures: FormFigures) => void;
}

/** The model that something was learnt of, and how its images were prepared. */
export interface LearntFrom {
  readonly modelId: string;
  readonly preprocessing: Preprocessing;
}

export interface StudyControl {
  /** Cancels at once; what is measured so far stays. */
  readonly signal: AbortSignal;
  /** Pauses after the batch under way. */
  readonly gate: PauseGate;
}

/**
 * Measures a study's trials that are not done yet, in workers.
 *
 * Of each model and input size the unchanged model comes first (its predictions are what the others are compared with).
 * In rounds every strategy is visited once in random order; or one comes after the other, as the protocol says. A strategy is built, loaded, warmed up and evaluated at its
 * first visit, so points of the front appear in the first round and sharpen in the others. A strategy that fails
 * is marked so and the rest go on. Last, when nothing is timed any more, files are gzipped to learn that size.
 * A study interrupted earlier continues with the first visit that is missing, except for trials that were begun on
 * another device or browser: they start over.
 * Models are opened when they are first needed; where one of several cannot be, its trials fail and tell why.
 * @returns the study with what was measured; not ok only if its only model cannot be opened
 */
export async function runStudy(
  study: Study,
  inputs: StudyInputs,
  callbacks: StudyCallbacks,
  control: StudyControl,
): Promise<Result<Study>> {
  const pool = createEnginePool(memoryBudgetBytes(inputs.environment));
  const sleepAgain = keepAwake();
  const watch = watchDevice();
  const run = createRun(study, inputs, callbacks, control, pool, watch);
  const stop = () => {
    run.terminate();
    pool.discardAll();
  };
  control.signal.addEventListener('abort', stop);
  try {
    const opened = await run.openOnly();
    if (!opened.ok) return control.signal.aborted ? ok(study) : opened;
    await run.reevaluate();
    for (let visit; (visit = run.next()) !== null; ) {
      if (control.gate.isPaused) {
        run.tellPaused(visit);
        watch.notePause();
      }
      await control.gate.passed(control.signal);
      if (control.signal.aborted) break;
      await run.visit(visit);
      await run.restIdle();
    }
    if (!control.signal.aborted) await run.close();
    await run.compress();
    return ok(run.study());
  } finally {
    control.signal.removeEventListener('abort', stop);
    stop();
    watch.stop();
    sleepAgain();
  }
}

function createRun(
  study: Study,
  inputs: StudyInputs,
  callbacks: StudyCallbacks,
  control: StudyControl,
  pool: EnginePool,
  watch: DeviceWatch,
) {
  const { protocol } = study;
  const { items } = inputs.data.dataset;
  assert(items.length > 0, 'a study needs images');
  const evaluated = evaluationImages(
    protocol,
    study.trials.map(({ strategy }) => strategy),
    items.map(({ label }) => label),
  );
  const book = openStudyBook(
    study,
    inputs.environment,
    evaluated.length,
    timedImages(protocol, items),
    openTimeAround(inputs),
    callbacks,
  );
  const { trialOf, workOf, update, publish, tell } = book;
  const benches = openBenches({ study, inputs, callbacks, control, pool, book, evaluated });

  /** The bench of a trial, with the unchanged model's predictions on it. */
  async function benchOf(strategy: Strategy): Promise<Bench> {
    const opened = await benches.of(trialOf(strategy.id));
    if (!opened.ok) throw new VisitEnded(opened.failure);
    if (opened.value.reference.kind === 'unknown') await prepareReference(opened.value);
    return opened.value;
  }

  async function evaluate(strategy: Strategy, engine: EngineApi, bench: Bench): Promise<void> {
    const { labels, runner, reference: known } = bench;
    const { predictions: before, maskAnswers } = trialOf(strategy.id);
    if (before || maskAnswers || workOf(strategy.id).isUnscored) return;
    const { predict } = runner;
    const reference = known.kind === 'known' ? known.predictions : null;
    const predictions = await predict(strategy, engine);
    const { preprocessing, warnings } = trialOf(strategy.id);
    if (predictions) {
      // The unchanged model is what the others are compared with; its later passes are with its first.
      const original = reference ?? (isIdentity(strategy.recipe) ? predictions : null);
      const accuracy = scorePredictions(predictions, labels, preprocessing.classOffset, original);
      const passes = protocol.accuracyRepetitions ?? 1;
      const accuracyRuns = [accuracy];
      while (accuracyRuns.length < passes) {
        const again = await predict(strategy, engine, accuracyRuns.length);
        if (!again) break;
        accuracyRuns.push(scorePredictions(again, labels, preprocessing.classOffset, original));
      }
      update(strategy.id, {
        predictions: withLabels(predictions, labels),
        accuracy,
        ...(passes > 1 && { accuracyRuns }),
      });
      const told = [
        ...(known.kind === 'failed'
          ? [`No agreement: the unchanged model could not be run (${known.message})`]
          : []),
        ...unansweredWarnings(predictions),
      ];
      if (told.length > 0) update(strategy.id, { warnings: [...warnings, ...told] });
    } else if (!(await evaluateMasks(strategy, engine, bench))) {
      workOf(strategy.id).isUnscored = true;
      // Of random inputs that is told already.
      if (!preprocessing.random) update(strategy.id, { warnings: [...warnings, unscoredWarning] });
    }
  }

  /** @returns whether the model names classes of pixels */
  async function evaluateMasks(strategy: Strategy, engine: EngineApi, bench: Bench): Promise<boolean> {
    const { preprocessing, warnings } = trialOf(strategy.id);
    if (preprocessing.random) return false;
    const isOriginal = isIdentity(strategy.recipe);
    const known = bench.reference.kind === 'known' ? bench.reference.maskAnswers : null;
    const reference = known ?? (isOriginal ? 'itself' : null);
    const maskAnswers = await bench.runner.answerMasks(strategy, engine, bench.hasMasks, reference);
    if (maskAnswers === null) return false;
    update(strategy.id, {
      maskAnswers,
      warnings: [...warnings, ...(isOriginal ? maskWarnings(maskAnswers) : [])],
    });
    return true;
  }

  /** Trained exits that came later leave fewer images for accuracy: what was predicted before is told on those. */
  async function reevaluate(): Promise<void> {
    const all = book.trials();
    for (const trial of all) {
      const { maskAnswers } = trial;
      if (maskAnswers && maskAnswers.imageIndices.length !== evaluated.length) {
        const { maskAnswers: _, ...rest } = trial;
        const fair = answersFor(maskAnswers, evaluated);
        book.replace({ ...rest, ...(fair && { maskAnswers: fair }) });
        await publish(trial.strategy.id);
      }
      if (trial.predictions === null || trial.predictions.imageIndices.length === evaluated.length) continue;
      const bench = await benches.of(trial);
      if (!bench.ok) continue;
      const { isOf, labels } = bench.value;
      const known = all.find((each) => isOf(each) && isIdentity(each.strategy.recipe))?.predictions;
      const fair = reevaluated(trial, evaluated, labels, known ? restrictedTo(known, evaluated) : null);
      if (fair === trial) continue;
      update(trial.strategy.id, fair);
      await publish(trial.strategy.id);
    }
  }

  /** Predictions of the unchanged model: from its trial, else, if there are no labels, from a run of its own. */
  async function prepareReference(bench: Bench): Promise<void> {
    const { isOf, labels, like, runner } = bench;
    const identities = book.trials().filter((trial) => isOf(trial) && isIdentity(trial.strategy.recipe));
    // Placements may be refused for lack of memory; they predict the same.
    const planned = identities.find(({ strategy }) => !strategy.placement) ?? identities[0];
    const know = (predictions: Predictions | null, maskAnswers: MaskAnswers | null = null): void => {
      bench.reference = { kind: 'known', predictions, maskAnswers };
    };
    know(planned?.predictions ?? null, planned?.maskAnswers);
    if (planned?.predictions || planned?.maskAnswers) return;
    if (!planned && (bench.hasMasks || labels.some((label) => label !== null))) return;
    const { modelId, provider, threads, inputSize } = like.strategy;
    const identity = { name: 'identity', recipe: [{ op: 'identity' }] } as const;
    const strategy =
      planned?.strategy ?? makeStrategy(modelId, identity, provider, threads, null, inputSize ?? null);
    const failure = await guarded(strategy, async () => {
      const engine = await runner.setUp(strategy);
      if (!planned) {
        const predictions = await runner.predict(strategy, engine);
        know(predictions, predictions ? null : await runner.answerMasks(strategy, engine, false, null));
        pool.discard(strategy.id);
        return;
      }
      await evaluate(strategy, engine, bench);
      const { predictions, maskAnswers } = trialOf(strategy.id);
      know(predictions, maskAnswers);
      const accuracy =
        predictions && scorePredictions(predictions, labels, planned.preprocessing.classOffset, predictions);
      update(strategy.id, { accuracy });
      await publish(strategy.id);
    });
    if (failure !== null && !planned) bench.reference = { kind: 'failed', message: failure.message };
  }

  async function visit(planned: Visit): Promise<void> {
    const { strategy } = trialOf(planned.strategyId);
    book.noteVisit(planned);
    await guarded(strategy, async () => {
      const bench = await benchOf(strategy);
      // As the reference it may have failed.
      if (trialOf(strategy.id).state.kind === 'failed') return;
      const engine = await bench.runner.setUp(strategy, planned.kind);
      if (planned.kind === 'timed') await evaluate(strategy, engine, bench);
      tell('measuring', strategy, planned.round);
      const samples = await bench.runner.measure(strategy, engine, planned, false);
      const heapBytes = await engine.heapBytes();
      pool.noteHeap(strategy.id, heapBytes);
      const trial = trialOf(strategy.id);
      const events = watch.take();
      const wasHidden =
        document.hidden || events.some(({ kind }) => kind === 'page-hidden' || kind === 'page-shown');
      update(strategy.id, {
        ...(events.length > 0 && { events: [...(trial.events ?? []), ...events] }),
        samples: [...trial.samples, ...samples],
        heapBytes: Number.isFinite(heapBytes) ? Math.max(trial.heapBytes ?? 0, heapBytes) : trial.heapBytes,
        warnings: wasHidden ? [...new Set([...trial.warnings, hiddenWarning])] : trial.warnings,
      });
      if (planned.kind === 'timed') {
        update(strategy.id, { state: { kind: 'running', roundsDone: planned.round + 1 } });
        if (book.isMeasured(strategy.id)) finish(strategy);
      }
      await publish(strategy.id);
    });
  }

  function finish(strategy: Strategy): void {
    const trial = trialOf(strategy.id);
    const late = lateWarmUp(trial, book.trials());
    update(strategy.id, {
      ...(late && withLateWarmUp(trial, late)),
      state: { kind: 'done' },
      finishedAtMs: Date.now(),
    });
    if (!book.isReference(strategy.id)) pool.discard(strategy.id);
  }

  /** Trials that were going on when the time was up are done, too. */
  async function close(): Promise<void> {
    for (const { strategy, state } of book.trials()) {
      if (state.kind !== 'running') continue;
      finish(strategy);
      await publish(strategy.id);
    }
  }

  /**
   * A failure belongs to the trial, unless everything was cancelled.
   * @returns what failed; null: nothing
   */
  async function guarded(strategy: Strategy, work: () => Promise<void>): Promise<Failure | null> {
    try {
      await work();
      return null;
    } catch (thrown) {
      if (!(thrown instanceof VisitEnded)) throw thrown;
      pool.discard(strategy.id);
      const { code, message, hint } = thrown.failure;
      if (control.signal.aborted || book.find(strategy.id) === null) return thrown.failure;
      if (trialOf(strategy.id).state.kind === 'done') {
        // What it was measured to take stays; it only cannot be visited any more.
        book.loseReference();
        return thrown.failure;
      }
      // The trial is read long after, where nothing else tells what to do about it.
      const told = hint === undefined ? message : `${message}. ${hint}`;
      update(strategy.id, { state: { kind: 'failed', code, message: told }, finishedAtMs: Date.now() });
      await publish(strategy.id);
      return thrown.failure;
    }
  }

  return {
    next: book.next,
    close,
    tellPaused: (next: Visit) => tell('paused', trialOf(next.strategyId).strategy, next.round),
    /** Opens the model where there is only one, to tell at once if it cannot be. */
    openOnly: async (): Promise<Result<unknown>> => {
      const first = defined(study.trials[0], 'a trial');
      const isOnly = study.trials.every(({ strategy }) => strategy.modelId === first.strategy.modelId);
      return isOnly ? benches.of(first) : ok(null);
    },
    /** Models of which all is measured take no memory. */
    restIdle: () =>
      benches.restIdle(
        ({ strategy, state }) =>
          state.kind === 'queued' || state.kind === 'running' || book.isReference(strategy.id),
      ),
    terminate: benches.terminate,
    reevaluate,
    visit,
    compress: () => packTrials(book, benches, control),
    study: book.study,
  };
}

const unscoredWarning =
  'The output names neither the class of an image nor those of its pixels, so there is neither accuracy nor agreement; latency and size are measured.';
const hiddenWarning =
  'The page was in the background during a part of the measurement; browsers slow such pages down.';
