import { assert, defined } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import { attempt, type Failure, ok, type Result } from '../base/result.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { BuiltVariant } from '../protocol/model-api.ts';
import { joinPredictions, scorePredictions, unansweredWarnings } from '../study/accuracy.ts';
import { restarted } from '../study/new-study.ts';
import { checkPlacement, MEMORY_PER_FILE_BYTE } from '../study/placement/check-placement.ts';
import { emulate, partFacts } from '../study/placement/emulate.ts';
import { isEmulated } from '../study/placement/tiers.ts';
import type { FormFigures } from '../study/forms/form-figures.ts';
import { evaluationImages, reevaluated, restrictedTo } from '../study/evaluation-images.ts';
import { planRounds, type Visit, warmUpImages } from '../study/plan.ts';
import { remainingMs, type StudyProgress } from '../study/progress.ts';
import { summarise } from '../study/statistics/summary.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import type { Environment, Predictions, Sample, Strategy, Study, Trial } from '../study/trial.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import { isIdentity } from '../transforms/recipe.ts';
import { createEnginePool, memoryBudgetBytes } from './engine-pool.ts';
import { createCalibrator } from './study-calibration.ts';
import { createFormDecider } from './study-forms.ts';
import { keepAwake } from './keep-awake.ts';
import type { PauseGate } from './pause-gate.ts';
import { openStudyModel, type StudyModel } from './study-model.ts';

/** What a study runs on. */
export interface StudyInputs {
  readonly modelFile: Blob;
  readonly fileName: string;
  readonly externalFiles: readonly { readonly location: string; readonly file: Blob }[];
  readonly data: LoadedDataset;
  /** What recipes with trained exits need. */
  readonly heads?: readonly TrainedHead[];
  /** What is known of the ranges that static quantization needs; what is missing is calibrated. */
  readonly calibrations?: readonly Calibration[];
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
  readonly onCalibration?: (calibration: Calibration) => void;
  /** Forms were compared, which the next study need not do. */
  readonly onForms?: (figures: FormFigures) => void;
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
 * The unchanged model comes first (its predictions are what the others are compared with), then rounds: in each,
 * every strategy is visited once in random order. A strategy is built, loaded, warmed up and evaluated at its
 * first visit, so points of the front appear in the first round and sharpen in the others. A strategy that fails
 * is marked so and the rest go on. Last, when nothing is timed any more, files are gzipped to learn that size.
 * A study interrupted earlier continues with the first visit that is missing, except for trials that were begun on
 * another device or browser: they start over.
 * @returns the study with what was measured; not ok only if the model cannot be opened
 */
export async function runStudy(
  study: Study,
  inputs: StudyInputs,
  callbacks: StudyCallbacks,
  control: StudyControl,
): Promise<Result<Study>> {
  const model = openStudyModel(study, inputs);
  const pool = createEnginePool(memoryBudgetBytes(inputs.environment));
  const sleepAgain = keepAwake();
  const stop = () => {
    model.terminate();
    pool.discardAll();
  };
  control.signal.addEventListener('abort', stop);
  try {
    const opened = await model.open();
    if (!opened.ok) return control.signal.aborted ? ok(study) : opened;
    // Noise for weights is right by chance only: such a model is compared with itself.
    const labels = inputs.data.dataset.items.map(({ label }) => (opened.value.hollow ? null : label));
    const run = createRun(study, inputs, callbacks, control, model, pool, labels);
    await run.reevaluate();
    await run.prepareReference();
    for (const visit of run.visits) {
      if (control.gate.isPaused) run.tellPaused(visit);
      await control.gate.passed(control.signal);
      if (control.signal.aborted) break;
      await run.visit(visit);
    }
    await run.compress();
    return ok(run.study());
  } finally {
    control.signal.removeEventListener('abort', stop);
    stop();
    sleepAgain();
  }
}

/** What is known about a strategy while the study runs. */
interface Work {
  built: BuiltVariant | null;
  /** Null until it ran. */
  msPerInference: number | null;
  /** The model's output is not one score per class: latency only. */
  isUnscored: boolean;
}

/** Thrown inside a visit to end it; never leaves this file. */
class VisitEnded extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

function createRun(
  study: Study,
  inputs: StudyInputs,
  callbacks: StudyCallbacks,
  control: StudyControl,
  model: StudyModel,
  pool: ReturnType<typeof createEnginePool>,
  labels: readonly (number | null)[],
) {
  const { protocol } = study;
  const { data, environment } = inputs;
  const { items } = data.dataset;
  assert(items.length > 0, 'a study needs images');
  const evaluated = evaluationImages(
    protocol,
    study.trials.map(({ strategy }) => strategy),
    labels,
  );
  const trials = new Map(
    study.trials.map((trial) => [
      trial.strategy.id,
      canContinue(trial, environment) ? trial : startOver(trial),
    ]),
  );
  const { preprocessing } = defined(study.trials[0], 'a trial');
  const calibrator = createCalibrator(
    {
      modelId: study.modelId,
      data,
      preprocessing,
      threads: defined(study.trials[0], 'a trial').strategy.threads,
    },
    inputs.calibrations ?? [],
    study.trials.map(({ strategy }) => strategy.recipe),
    (calibration) => callbacks.onCalibration?.(calibration),
  );
  const decider = createFormDecider({ environment, data, preprocessing }, inputs.forms ?? [], (figures) =>
    callbacks.onForms?.(figures),
  );
  const works = new Map<string, Work>();
  const strategyIds = [...trials.keys()];
  const visits = planRounds(protocol, strategyIds, items.length).filter(isMissing);
  let nextSequence = 1 + Math.max(-1, ...[...trials.values()].map(lastSequence));
  let reference: Predictions | null = null;
  let referenceFailure: string | null = null;
  let setups = 0;
  let setupMs = 0;
  /** Inferences of the call under way that are done. */
  let doneInCall = 0;

  function startOver(trial: Trial): Trial {
    return restarted(trial, environment, Date.now());
  }

  function isMissing({ strategyId, round }: Visit): boolean {
    const { state } = trialOf(strategyId);
    switch (state.kind) {
      case 'queued':
        return true;
      case 'running':
        return round >= state.roundsDone;
      case 'done':
      case 'failed':
        return false;
    }
  }

  function trialOf(strategyId: string): Trial {
    return defined(trials.get(strategyId), `trial of ${strategyId}`);
  }

  function workOf(strategyId: string): Work {
    let work = works.get(strategyId);
    if (!work) works.set(strategyId, (work = { built: null, msPerInference: null, isUnscored: false }));
    return work;
  }

  function update(strategyId: string, change: Partial<Trial>): void {
    trials.set(strategyId, { ...trialOf(strategyId), ...change });
  }

  async function publish(strategyId: string): Promise<void> {
    await callbacks.onTrial(trialOf(strategyId));
  }

  /** @param known what inferences do not tell: the time left, images calibrated on, share of forms compared */
  function tell(
    step: StudyProgress['step'],
    strategy: Strategy,
    round: number | null,
    known: Partial<Pick<StudyProgress, 'remainingMs' | 'images' | 'share'>> = {},
  ): void {
    const all = [...trials.values()].map((trial) => ({ trial, ...inferencesOf(trial) }));
    const remaining = remainingMs(
      all.map(({ trial, left }) => {
        const work = workOf(trial.strategy.id);
        return { inferences: left, needsSetup: left > 0 && !work.built, msPerInference: work.msPerInference };
      }),
      setups > 0 ? setupMs / setups : null,
    );
    callbacks.onProgress({
      step,
      strategy: strategy.name,
      round,
      rounds: protocol.rounds,
      doneInferences: all.reduce((sum, { total, left }) => sum + total - left, doneInCall),
      totalInferences: all.reduce((sum, { total }) => sum + total, 0),
      remainingMs: remaining,
      ...known,
    });
  }

  /** Inferences a trial takes, and how many of them are to be done. */
  function inferencesOf(trial: Trial): { total: number; left: number } {
    const total = protocol.warmUpRuns + evaluated.length + protocol.rounds * protocol.samplesPerRound;
    if (trial.state.kind === 'done' || trial.state.kind === 'failed') return { total, left: 0 };
    const rounds = trial.state.kind === 'running' ? trial.state.roundsDone : 0;
    const isEvaluated = trial.predictions !== null || workOf(trial.strategy.id).isUnscored;
    const isWarm = trial.samples.length > 0;
    const done =
      rounds * protocol.samplesPerRound +
      (isEvaluated ? evaluated.length : 0) +
      (isWarm ? protocol.warmUpRuns : 0);
    return { total, left: total - done };
  }

  /** Builds and loads a strategy unless it is, and warms it up. */
  async function setUp(strategy: Strategy): Promise<EngineApi> {
    const work = workOf(strategy.id);
    const startedMs = performance.now();
    if (!work.built) {
      await decideForm(strategy);
      const calibrationMs = await calibrated(strategy);
      tell('building', strategy, null);
      if (trials.has(strategy.id)) update(strategy.id, { calibrationMs });
      const outcome = await model.call((api) => api.build(strategy.recipe));
      // Files of a worker that is gone are gone, too.
      if (model.takeRestarted()) for (const each of works.values()) each.built = null;
      work.built = orEnd(outcome);
    }
    const { built } = work;
    const { plan, files, rawBytes } = built;
    const { placement } = strategy;
    if (placement) orEnd(await attempt(() => checkPlacement(placement, partFacts(built))));
    tell('loading', strategy, null);
    const { engine, fresh } = orEnd(
      await pool.acquire(strategy.id, MEMORY_PER_FILE_BYTE * rawBytes, {
        plan,
        files,
        provider: strategy.provider,
        threads: strategy.threads,
        data,
        preprocessing,
      }),
    );
    if (!fresh) return engine;
    setups++;
    setupMs += performance.now() - startedMs;
    const trial = trials.get(strategy.id);
    if (trial) {
      update(strategy.id, {
        state: trial.state.kind === 'queued' ? { kind: 'running', roundsDone: 0 } : trial.state,
        size: sizeOf(work.built),
        buildMs: work.built.buildMs,
        sessionCreateMs: trial.sessionCreateMs ?? fresh.sessionCreateMs,
        warnings: [...new Set([...trial.warnings, ...work.built.warnings, ...fresh.warnings])],
      });
    }
    tell('warming-up', strategy, null);
    const images = warmUpImages(protocol, items.length);
    const warmUp = await measure(strategy, engine, { round: 0, imageIndices: images }, true);
    if (trial) update(strategy.id, { samples: [...trialOf(strategy.id).samples, ...warmUp] });
    return engine;
  }

  async function decideForm(strategy: Strategy): Promise<void> {
    const onProgress = (share: number) => tell('comparing-forms', strategy, null, { share });
    orEnd(await model.call((api) => decider.prepare(api, strategy, onProgress, control.signal)));
  }

  /** How long it took to learn the ranges that a strategy needs; null if it needs none, or nothing tells. */
  async function calibrated(strategy: Strategy): Promise<number | null> {
    return orEnd(
      await model.call((api) =>
        calibrator.prepare(
          api,
          strategy.recipe,
          (images) => tell('calibrating', strategy, null, { images }),
          control.signal,
        ),
      ),
    );
  }

  async function measure(
    strategy: Strategy,
    engine: EngineApi,
    { round, imageIndices }: Pick<Visit, 'round' | 'imageIndices'>,
    warmUp: boolean,
  ): Promise<readonly Sample[]> {
    if (imageIndices.length === 0) return [];
    const measured = orEnd(
      await engine.measure({ imageIndices, round, warmUp, firstSequence: nextSequence }),
    );
    nextSequence += measured.length;
    const samples = measured.map((sample) => placed(sample, strategy));
    // The median, because the first run of a warm-up takes many times longer than the others.
    workOf(strategy.id).msPerInference = summarise(samples.map((sample) => sample.totalMs))?.median ?? null;
    return samples;
  }

  /** The sample with what it would have taken on the strategy's placement. */
  function placed(sample: Sample, { id, placement }: Strategy): Sample {
    const { built } = workOf(id);
    if (!placement || !built || !isEmulated(placement)) return sample;
    const imageBytes = items[sample.imageIndex]?.length ?? 0;
    // Each sample has its own jitter, which stays the same wherever a study was interrupted.
    const random = seededRandom(Math.imul(protocol.seed, 0x9e3779b1) ^ sample.sequence);
    return { ...sample, emulated: emulate(sample, partFacts(built), placement, imageBytes, random) };
  }

  /** The accuracy pass, in batches so that pausing need not wait for the whole. */
  async function predict(strategy: Strategy, engine: EngineApi): Promise<Predictions | null> {
    const work = workOf(strategy.id);
    const batch = Math.min(64, Math.max(1, Math.round(batchMs / (work.msPerInference ?? batchMs))));
    let predictions: Predictions | null = null;
    // Told progress may arrive after the result.
    let isOver = false;
    try {
      for (let first = 0; first < evaluated.length; first += batch) {
        if (control.gate.isPaused) tell('paused', strategy, null);
        await control.gate.passed(control.signal);
        const images = evaluated.slice(first, first + batch);
        const startedMs = performance.now();
        const outcome = await engine.predict(images, (done) => {
          if (isOver) return;
          // A reference outside the plan is not in its total.
          doneInCall = trials.has(strategy.id) ? first + done : 0;
          tell('predicting', strategy, null);
        });
        if (!outcome.ok && outcome.failure.code === 'not-classification') {
          work.isUnscored = true;
          return null;
        }
        predictions = joinPredictions(predictions, orEnd(outcome));
        work.msPerInference = (performance.now() - startedMs) / images.length;
      }
      return predictions;
    } finally {
      isOver = true;
      doneInCall = 0;
    }
  }

  async function evaluate(strategy: Strategy, engine: EngineApi): Promise<void> {
    if (trialOf(strategy.id).predictions || workOf(strategy.id).isUnscored) return;
    const predictions = await predict(strategy, engine);
    const { preprocessing, warnings } = trialOf(strategy.id);
    if (predictions) {
      const accuracy = scorePredictions(predictions, labels, preprocessing.classOffset, reference);
      update(strategy.id, { predictions, accuracy });
      const told = [
        ...(referenceFailure === null
          ? []
          : [`No agreement: the unchanged model could not be run (${referenceFailure})`]),
        ...unansweredWarnings(predictions),
      ];
      if (told.length > 0) update(strategy.id, { warnings: [...warnings, ...told] });
    } else {
      // Of random inputs that is told already.
      if (!preprocessing.random) update(strategy.id, { warnings: [...warnings, unscoredWarning] });
    }
  }

  /** Trained exits that came later leave fewer images for accuracy: what was predicted before is told on those. */
  async function reevaluate(): Promise<void> {
    const all = [...trials.values()];
    const known = all.find(({ strategy }) => isIdentity(strategy.recipe))?.predictions;
    const base = known ? restrictedTo(known, evaluated) : null;
    for (const trial of all) {
      const fair = reevaluated(trial, evaluated, labels, base);
      if (fair === trial) continue;
      update(trial.strategy.id, fair);
      await publish(trial.strategy.id);
    }
  }

  /** Predictions of the unchanged model: from its trial, else, if there are no labels, from a run of its own. */
  async function prepareReference(): Promise<void> {
    const identities = [...trials.values()].filter(({ strategy }) => isIdentity(strategy.recipe));
    // Placements may be refused for lack of memory; they predict the same.
    const planned = identities.find(({ strategy }) => !strategy.placement) ?? identities[0];
    if (planned?.predictions) {
      reference = planned.predictions;
      return;
    }
    if (visits.length === 0 || (!planned && labels.some((label) => label !== null))) return;
    const like = defined(study.trials[0], 'a trial').strategy;
    const strategy =
      planned?.strategy ??
      makeStrategy(
        study.modelId,
        { name: 'identity', recipe: [{ op: 'identity' }] },
        like.provider,
        like.threads,
      );
    await guarded(strategy, async () => {
      const engine = await setUp(strategy);
      if (!planned) {
        reference = await predict(strategy, engine);
        pool.discard(strategy.id);
        return;
      }
      await evaluate(strategy, engine);
      reference = trialOf(strategy.id).predictions;
      const accuracy =
        reference && scorePredictions(reference, labels, planned.preprocessing.classOffset, reference);
      update(strategy.id, { accuracy });
      await publish(strategy.id);
    });
  }

  async function visit(planned: Visit): Promise<void> {
    const { strategy, state } = trialOf(planned.strategyId);
    // It may have failed since the visits were planned.
    if (state.kind === 'failed') return;
    await guarded(strategy, async () => {
      const engine = await setUp(strategy);
      await evaluate(strategy, engine);
      tell('measuring', strategy, planned.round);
      const samples = await measure(strategy, engine, planned, false);
      const heapBytes = await engine.heapBytes();
      pool.noteHeap(strategy.id, heapBytes);
      const trial = trialOf(strategy.id);
      const roundsDone = planned.round + 1;
      const isDone = roundsDone === protocol.rounds;
      update(strategy.id, {
        samples: [...trial.samples, ...samples],
        heapBytes: Number.isFinite(heapBytes) ? Math.max(trial.heapBytes ?? 0, heapBytes) : trial.heapBytes,
        warnings: document.hidden ? [...new Set([...trial.warnings, hiddenWarning])] : trial.warnings,
        state: isDone ? { kind: 'done' } : { kind: 'running', roundsDone },
        finishedAtMs: isDone ? Date.now() : null,
      });
      if (isDone) pool.discard(strategy.id);
      await publish(strategy.id);
    });
  }

  /**
   * Learns how small everything measured can be packed; last, because compressing next to a timed run would disturb it.
   * A size that cannot be learnt stays unknown.
   */
  async function compress(): Promise<void> {
    const unknown = [...trials.values()].filter(
      ({ state, size }) => state.kind === 'done' && size !== null && size.gzipBytes === null,
    );
    let bytesLeft = unknown.reduce((sum, { size }) => sum + (size?.rawBytes ?? 0), 0);
    let bytesDone = 0;
    const startedMs = performance.now();
    for (const { strategy, size } of unknown) {
      if (!size) continue;
      if (control.gate.isPaused) tell('paused', strategy, null);
      await control.gate.passed(control.signal);
      if (control.signal.aborted) return;
      const msPerByte = bytesDone > 0 ? (performance.now() - startedMs) / bytesDone : null;
      tell('compressing', strategy, null, { remainingMs: msPerByte === null ? null : msPerByte * bytesLeft });
      const outcome = await model.call((api) => api.packedBytes(strategy.recipe));
      bytesDone += size.rawBytes;
      bytesLeft -= size.rawBytes;
      if (!outcome.ok) continue;
      update(strategy.id, { size: { ...size, ...outcome.value } });
      await publish(strategy.id);
    }
  }

  /** A failure belongs to the trial, unless everything was cancelled. */
  async function guarded(strategy: Strategy, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (!(thrown instanceof VisitEnded)) throw thrown;
      pool.discard(strategy.id);
      const { code, message, hint } = thrown.failure;
      if (control.signal.aborted) return;
      if (!trials.has(strategy.id)) {
        referenceFailure = message;
        return;
      }
      // The trial is read long after, where nothing else tells what to do about it.
      const told = hint === undefined ? message : `${message}. ${hint}`;
      update(strategy.id, { state: { kind: 'failed', code, message: told }, finishedAtMs: Date.now() });
      await publish(strategy.id);
    }
  }

  return {
    visits,
    tellPaused: (next: Visit) => tell('paused', trialOf(next.strategyId).strategy, next.round),
    reevaluate,
    prepareReference,
    visit,
    compress,
    study: (): Study => ({ ...study, trials: study.trials.map((trial) => trialOf(trial.strategy.id)) }),
  };
}

/** How long a batch of the accuracy pass should take: as long as one may have to wait for a pause. */
const batchMs = 2000;

const unscoredWarning =
  'The output is not one score per class, so there is neither accuracy nor agreement; latency and size are measured.';
const hiddenWarning =
  'The page was in the background during a part of the measurement; browsers slow such pages down.';

function orEnd<T>(result: Result<T>): T {
  if (!result.ok) throw new VisitEnded(result.failure);
  return result.value;
}

/** Samples of different devices do not belong into one trial. */
function canContinue(trial: Trial, here: Environment): boolean {
  if (trial.state.kind !== 'running') return true;
  const there = trial.environment;
  return (
    there.userAgent === here.userAgent &&
    there.hardwareConcurrency === here.hardwareConcurrency &&
    there.crossOriginIsolated === here.crossOriginIsolated
  );
}

function lastSequence(trial: Trial): number {
  return trial.samples.reduce((last, sample) => Math.max(last, sample.sequence), -1);
}

function sizeOf(built: BuiltVariant): Trial['size'] {
  const { rawBytes, params, nonZeroParams, macs, plan } = built;
  const macsToExit = (plan.decision?.exits ?? []).map((exit) => ({ exitIndex: exit.index, macs: exit.macs }));
  let macsSoFar = 0;
  for (const segment of plan.segments) {
    macsSoFar += segment.macs;
    if (segment.exit) macsToExit.push({ exitIndex: segment.exit.index, macs: macsSoFar });
  }
  return { rawBytes, gzipBytes: null, params, nonZeroParams, macs, macsToExit };
}
