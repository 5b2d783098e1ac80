import { defined } from '../base/assert.ts';
import { seededRandom } from '../base/random.ts';
import { attempt, type Failure, type Result } from '../base/result.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import type { BuiltVariant } from '../protocol/model-api.ts';
import { joinPredictions } from '../study/accuracy.ts';
import { joinMaskAnswers } from '../study/segmentation/mask-answers.ts';
import { checkPlacement, MEMORY_PER_FILE_BYTE } from '../study/placement/check-placement.ts';
import { emulate, partFacts } from '../study/placement/emulate.ts';
import { isEmulated } from '../study/placement/tiers.ts';
import { nextWarmUpRuns, shortWarmUp, warmUpOf } from '../study/measuring/warm-up.ts';
import { timedImages, type Visit, warmUpImages } from '../study/plan.ts';
import type { StudyProgress } from '../study/progress.ts';
import { summarise } from '../study/statistics/summary.ts';
import type { MaskAnswers, Predictions, Protocol, Sample, Strategy, Study, Trial } from '../study/trial.ts';
import { backboneOf } from '../transforms/exits/backbone.ts';
import { hasTrainedExits } from '../transforms/exits/trained-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { CalibrationProgress } from './calibrate.ts';
import type { EnginePool } from './engine-pool.ts';
import type { Learner } from './learned.ts';
import type { StudyCallbacks, StudyControl, StudyInputs } from './run-study.ts';
import type { StudyBook } from './study-book.ts';
import { createCalibrator } from './study-calibration.ts';
import { createChannelObserver } from './study-statistics.ts';
import { createFormDecider } from './study-forms.ts';
import { createExitTrainer } from './study-heads.ts';
import type { StudyModel } from './study-model.ts';

/** Thrown while a strategy is worked on, to end that; whoever asked for the work catches it. */
export class VisitEnded extends Error {
  readonly failure: Failure;
  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** What a strategy is run with. */
interface Bench {
  readonly study: Study;
  readonly inputs: StudyInputs;
  readonly callbacks: StudyCallbacks;
  readonly control: StudyControl;
  readonly model: StudyModel;
  readonly pool: EnginePool;
  readonly book: StudyBook;
  /** Images of the accuracy pass. */
  readonly evaluated: readonly number[];
  readonly series: Series;
}

/** What happens one after the other in a study, whatever model it is about. */
interface Series {
  /** `Sample.sequence` of the next inference. */
  nextSequence: number;
  /** The strategy whose session is kept where they are made anew for each. */
  lastId: string | null;
}

/** A series that goes on behind what these trials have. */
export function openSeries(trials: readonly Trial[]): Series {
  return { nextSequence: 1 + Math.max(-1, ...trials.map(lastSequence)), lastId: null };
}

/**
 * Runs a study's strategies: sets them up, measures them, lets them predict. What it learns on the way goes into the
 * book; each of its calls may throw `VisitEnded`.
 */
export function createStrategyRunner({
  study,
  inputs,
  callbacks,
  control,
  model,
  pool,
  book,
  evaluated,
  series,
}: Bench) {
  const { protocol } = study;
  const { data, environment } = inputs;
  const { items } = data.dataset;
  const { tell, update, workOf } = book;
  const { preprocessing, strategy: first } = defined(study.trials[0], 'a trial');
  const learntFrom = { modelId: study.modelId, preprocessing };
  const calibrator = createCalibrator(
    { ...learntFrom, data, threads: first.threads },
    inputs.calibrations ?? [],
    study.trials.map(({ strategy }) => strategy.recipe),
    (calibration) => callbacks.onCalibration?.(calibration, learntFrom),
  );
  const observer = createChannelObserver(
    { ...learntFrom, data, threads: first.threads },
    inputs.statistics ?? [],
    (statistics) => callbacks.onStatistics?.(statistics, learntFrom),
  );
  const trainer = createExitTrainer(
    { ...learntFrom, data, provider: first.provider, threads: first.threads },
    inputs.heads ?? [],
    (heads) => callbacks.onHeads?.(heads, learntFrom),
  );
  const decider = createFormDecider({ environment, data, preprocessing }, inputs.forms ?? [], (figures) =>
    callbacks.onForms?.(figures),
  );
  const timed = timedImages(protocol, items);

  /**
   * Builds and loads a strategy unless it is, and warms it up.
   * @param kind what it is set up for
   */
  async function setUp(strategy: Strategy, kind: Visit['kind'] = 'timed'): Promise<EngineApi> {
    const work = workOf(strategy.id);
    endSessions(strategy);
    let learntMs = 0;
    const startedMs = performance.now();
    if (!work.built) {
      const { trainingMs, calibrationMs } = await prepare(strategy);
      learntMs = performance.now() - startedMs;
      tell('building', strategy, null);
      if (book.find(strategy.id))
        update(strategy.id, { calibrationMs, ...(trainingMs !== null && { trainingMs }) });
      const outcome = await model.call((api) => api.build(strategy.recipe));
      if (model.takeRestarted()) book.forgetBuilt();
      work.built = orEnd(outcome);
    }
    const { built } = work;
    const { plan, files, rawBytes } = built;
    const { placement } = strategy;
    if (placement) orEnd(await attempt(() => checkPlacement(placement, partFacts(built))));
    // Pages that show only some of what is told would show this all through the visit.
    if (!pool.has(strategy.id)) tell('loading', strategy, null);
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
    // What strategies share is no measure of those to come.
    book.noteSetup(performance.now() - startedMs - learntMs);
    const trial = book.find(strategy.id);
    if (trial) {
      update(strategy.id, {
        state: trial.state.kind === 'queued' ? { kind: 'running', roundsDone: 0 } : trial.state,
        size: sizeOf(work.built),
        buildMs: work.built.buildMs,
        sessionCreateMs: trial.sessionCreateMs ?? fresh.sessionCreateMs,
        warnings: [...new Set([...trial.warnings, ...work.built.warnings, ...fresh.warnings])],
      });
    }
    await warmUp(strategy, engine, kind === 'reference' ? shortWarmUp(protocol) : protocol);
    return engine;
  }

  /** Sees to it that the model can build a strategy: what that needs is learnt, or told to a worker that took over. */
  async function prepare(
    strategy: Strategy,
  ): Promise<{ readonly trainingMs: number | null; readonly calibrationMs: number | null }> {
    const trainingMs = await trained(strategy);
    await decideForm(strategy);
    return { trainingMs, calibrationMs: await calibrated(strategy) };
  }

  /** Sessions that the protocol wants made anew. */
  function endSessions({ id }: Strategy): void {
    const { lastId } = series;
    if (
      protocol.rebuildSessions &&
      lastId !== null &&
      (lastId !== id || protocol.rebuildSessions === 'each-round')
    )
      pool.discard(lastId);
    series.lastId = id;
  }

  async function warmUp(strategy: Strategy, engine: EngineApi, runsOf: Protocol): Promise<void> {
    tell('warming-up', strategy, null);
    const firstSequence = series.nextSequence;
    const samples: Sample[] = [];
    const latenciesMs = (): readonly number[] => samples.map(({ computeMs }) => computeMs);
    for (let runs; (runs = nextWarmUpRuns(runsOf, latenciesMs())) > 0; ) {
      const imageIndices = warmUpImages(runs, samples.length, timed);
      samples.push(...(await measure(strategy, engine, { round: 0, imageIndices, kind: 'timed' }, true)));
    }
    const trial = book.find(strategy.id);
    if (!trial || samples.length === 0) return;
    const warmUps = [...(trial.warmUps ?? []), warmUpOf(runsOf, firstSequence, latenciesMs())];
    update(strategy.id, { samples: [...trial.samples, ...samples], warmUps });
  }

  async function decideForm(strategy: Strategy): Promise<void> {
    const onProgress = (share: number) => tell('comparing-forms', strategy, null, { share });
    orEnd(await model.call((api) => decider.prepare(api, strategy, onProgress, control.signal)));
  }

  /** How long learning on images what a recipe needs took; null if it needs nothing, or nothing tells. */
  async function learn(
    { prepare }: Pick<Learner<unknown>, 'prepare'>,
    recipe: Recipe,
    strategy: Strategy,
    step: StudyProgress['step'],
  ): Promise<number | null> {
    const onProgress = (images: CalibrationProgress) => tell(step, strategy, null, { images });
    return orEnd(await model.call((api) => prepare(api, recipe, onProgress, control.signal)));
  }

  /**
   * Trains the exits that a strategy needs, for what its recipe makes of the model.
   * @returns how long that took, now or before; null if it has none, or nothing tells
   */
  async function trained(strategy: Strategy): Promise<number | null> {
    if (!hasTrainedExits(strategy.recipe)) return null;
    const { recipe } = strategy;
    await learn(observer, backboneOf(recipe), strategy, 'looking-at-channels');
    return learn(trainer, recipe, strategy, 'training-exits');
  }

  /** How long it took to look at images for what a strategy needs; null if it needs none, or nothing tells. */
  async function calibrated(strategy: Strategy): Promise<number | null> {
    const { recipe } = strategy;
    // Ranges are those of the pruned model.
    const prunedMs = await learn(observer, recipe, strategy, 'looking-at-channels');
    const calibratedMs = await learn(calibrator, recipe, strategy, 'calibrating');
    return prunedMs === null ? calibratedMs : prunedMs + (calibratedMs ?? 0);
  }

  async function measure(
    strategy: Strategy,
    engine: EngineApi,
    { round, imageIndices, kind, forMs }: Omit<Visit, 'strategyId'>,
    isWarmUp: boolean,
  ): Promise<readonly Sample[]> {
    if (imageIndices.length === 0) return [];
    const measured = orEnd(
      await engine.measure({
        imageIndices,
        round,
        warmUp: isWarmUp,
        firstSequence: series.nextSequence,
        forMs,
      }),
    );
    series.nextSequence = 1 + (measured.at(-1)?.sequence ?? series.nextSequence - 1);
    const samples = measured.map((sample) => placed(sample, strategy));
    // The median, because the first run of a warm-up takes many times longer than the others.
    workOf(strategy.id).msPerInference = summarise(samples.map((sample) => sample.totalMs))?.median ?? null;
    return kind === 'reference' ? samples.map((sample) => ({ ...sample, reference: true })) : samples;
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

  /**
   * The classes that a strategy names; null if its output is not one score per class.
   * @param passesDone of the same trial before
   */
  const predict = (strategy: Strategy, engine: EngineApi, passesDone = 0): Promise<Predictions | null> =>
    inBatches(strategy, passesDone, 'not-classification', joinPredictions, (images, onProgress) =>
      engine.predict(images, onProgress),
    );

  /**
   * The classes of pixels that a strategy names; null if it names none.
   * @param isLabelled images may have masks
   * @param reference see `joinMaskAnswers`; batch by batch, because all at once would hold up the page
   */
  const answerMasks = (
    strategy: Strategy,
    engine: EngineApi,
    isLabelled: boolean,
    reference: MaskAnswers | 'itself' | null,
  ): Promise<MaskAnswers | null> =>
    inBatches(
      strategy,
      0,
      'not-segmentation',
      (first: MaskAnswers | null, next: MaskAnswers) => joinMaskAnswers(first, next, reference),
      (images, onProgress) => engine.answerMasks(images, isLabelled, onProgress),
    );

  /**
   * The accuracy pass, in batches so that pausing need not wait for the whole.
   * @param unfit code of the failure of models that the pass makes no sense for
   */
  async function inBatches<T>(
    strategy: Strategy,
    passesDone: number,
    unfit: string,
    join: (first: T | null, next: T) => T,
    pass: (images: readonly number[], onProgress: (done: number) => void) => Promise<Result<T>>,
  ): Promise<T | null> {
    const work = workOf(strategy.id);
    const batch = Math.min(64, Math.max(1, Math.round(batchMs / (work.msPerInference ?? batchMs))));
    let answers: T | null = null;
    // Told progress may arrive after the result.
    let isOver = false;
    try {
      for (let first = 0; first < evaluated.length; first += batch) {
        if (control.gate.isPaused) tell('paused', strategy, null);
        await control.gate.passed(control.signal);
        const images = evaluated.slice(first, first + batch);
        const startedMs = performance.now();
        const outcome = await pass(images, (done) => {
          if (isOver) return;
          // A reference outside the plan is not in its total.
          book.noteDone(book.find(strategy.id) ? passesDone * evaluated.length + first + done : 0);
          tell('predicting', strategy, null);
        });
        if (!outcome.ok && outcome.failure.code === unfit) return null;
        answers = join(answers, orEnd(outcome));
        work.msPerInference = (performance.now() - startedMs) / images.length;
      }
      return answers;
    } finally {
      isOver = true;
      book.noteDone(0);
    }
  }

  return { prepare, setUp, measure, predict, answerMasks };
}

/** How long a batch of the accuracy pass should take: as long as one may have to wait for a pause. */
const batchMs = 2000;

function orEnd<T>(result: Result<T>): T {
  if (!result.ok) throw new VisitEnded(result.failure);
  return result.value;
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
