import { defined } from '../base/assert.ts';
import type { BuiltVariant } from '../protocol/model-api.ts';
import { medianTotalMs } from '../study/design/expected-time.ts';
import { restarted } from '../study/new-study.ts';
import { isSameDevice, referenceTrial } from '../study/measuring/reference.ts';
import { shortWarmUp } from '../study/measuring/warm-up.ts';
import {
  isMeasured,
  nextVisit,
  planRounds,
  referenceVisits,
  roundsNeeded,
  samplesOfVisit,
  type Visit,
} from '../study/plan.ts';
import { remainingMs, type StudyProgress } from '../study/progress.ts';
import type { Environment, Strategy, Study, Trial } from '../study/trial.ts';
import type { StudyCallbacks } from './run-study.ts';
import type { TimeAround } from './study-time-around.ts';

/** What is known about a strategy while the study runs. */
interface Work {
  built: BuiltVariant | null;
  /** Null until it ran. */
  msPerInference: number | null;
  /** The model's output names no classes, of images or of pixels: latency only. */
  isUnscored: boolean;
}

/** See `openStudyBook`. */
export type StudyBook = ReturnType<typeof openStudyBook>;

/**
 * A running study's trials as they grow, what is to be done of them, and how far all of it is.
 * @param environment this device: trials that were begun on another start over
 * @param evaluated how many images the accuracy pass has
 * @param images that are timed, see `timedImages`
 * @param around the time that is not for inferences
 */
export function openStudyBook(
  study: Study,
  environment: Environment,
  evaluated: number,
  images: readonly number[],
  around: TimeAround,
  callbacks: Pick<StudyCallbacks, 'onTrial' | 'onProgress'>,
) {
  const { protocol } = study;
  const trials = new Map(
    study.trials.map((trial) => [
      trial.strategy.id,
      canContinue(trial, environment) ? trial : restarted(trial, environment, Date.now()),
    ]),
  );
  const works = new Map<string, Work>();
  let setups = 0;
  let setupMs = 0;
  /** Inferences of the call under way that are done. */
  let doneInCall = 0;

  const plan = planRounds(protocol, [...trials.keys()], images);
  let visitsSinceReference = Infinity;
  /** Inferences of all accuracy passes of a trial. */
  const evaluations = evaluated * Math.max(1, protocol.accuracyRepetitions ?? 1);

  let isReferenceLost = false;

  function reference(): Trial | null {
    return isReferenceLost ? null : referenceTrial([...trials.values()], environment);
  }

  function trialOf(strategyId: string): Trial {
    return defined(trials.get(strategyId), `trial of ${strategyId}`);
  }

  function workOf(strategyId: string): Work {
    let work = works.get(strategyId);
    if (!work) {
      const trial = trials.get(strategyId);
      // A study that goes on knows what it took before.
      const msPerInference = trial && isSameDevice(trial.environment, environment) ? medianTotalMs(trial) : 0;
      works.set(
        strategyId,
        (work = { built: null, msPerInference: msPerInference || null, isUnscored: false }),
      );
    }
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
    const msOf = msByModel();
    const { sustained, warmUpRuns, rebuildSessions } = protocol;
    const remaining = remainingMs(
      all.map(({ trial, left, roundsLeft }) => {
        const { built } = workOf(trial.strategy.id);
        const hasSession =
          trial.strategy.id === strategy.id && (step === 'predicting' || step === 'measuring');
        const isAnew = rebuildSessions === 'each-round';
        const setups = left === 0 ? 0 : isAnew ? roundsLeft - Number(hasSession) : Number(!built);
        const rewarmed = isAnew ? Math.max(0, setups - Number(trial.samples.length === 0)) * warmUpRuns : 0;
        const timed = sustained ? roundsLeft * samplesOfVisit(protocol, images) : 0;
        return {
          inferences: left - timed + rewarmed,
          sustainedMs: sustained ? (roundsLeft / protocol.rounds) * sustained.durationMs : 0,
          setups,
          msPerInference: msOf(trial.strategy),
        };
      }),
      setups > 0 ? setupMs / setups : null,
    );
    const open = all.filter(({ left }) => left > 0);
    const visitsLeft = referenceVisits(
      protocol,
      open.length,
      open.reduce((most, { roundsLeft }) => Math.max(most, roundsLeft), 0),
    );
    callbacks.onProgress({
      step,
      strategy: strategy.name,
      round,
      rounds: Math.max(1, ...all.map(({ trial }) => roundsNeeded(protocol, trial))),
      doneInferences: all.reduce((sum, { total, left }) => sum + total - left, doneInCall),
      totalInferences: all.reduce((sum, { total }) => sum + total, 0),
      remainingMs:
        remaining === null
          ? null
          : remaining +
            visitsLeft * referenceVisitMs() +
            around.leftMs({ strategy, step, ...known }, [...trials.values()], {
              msOf: (each) => msOf(each) ?? 0,
              setupMs: setupMs / Math.max(1, setups),
              isBuilt: (each) => workOf(each.id).built !== null,
            }),
      ...known,
    });
  }

  /** What an inference of a strategy takes: as it did before, else as those of its model do at its size, else as all do. */
  function msByModel(): (strategy: Strategy) => number | null {
    const known = [...trials.values()].flatMap(({ strategy, preprocessing }) => {
      const { msPerInference: ms } = workOf(strategy.id);
      return ms === null ? [] : [{ modelId: strategy.modelId, ms, pixels: pixelsOf(preprocessing) }];
    });
    const ofModels = new Map(
      known.map(({ modelId }) => {
        const own = known.filter((each) => each.modelId === modelId);
        // Of all pixels together: what the smallest images take is not theirs.
        return [modelId, sumOf(own.map(({ ms }) => ms)) / sumOf(own.map(({ pixels }) => pixels))];
      }),
    );
    const ofAll = known.length === 0 ? null : sumOf(known.map(({ ms }) => ms)) / known.length;
    return ({ id, modelId }) => {
      const msPerPixel = ofModels.get(modelId) ?? null;
      // A reference outside the plan has no trial.
      const trial = trials.get(id);
      const atItsSize = msPerPixel === null || !trial ? null : msPerPixel * pixelsOf(trial.preprocessing);
      return workOf(id).msPerInference ?? atItsSize ?? ofAll;
    };
  }

  /** What a visit of the reference takes, by what it took so far. */
  function referenceVisitMs(): number {
    const { referenceSamples = 0, rebuildSessions } = protocol;
    const visited = reference();
    const ms = (visited && workOf(visited.strategy.id).msPerInference) ?? 0;
    const sessionMs = setupMs / Math.max(1, setups) + shortWarmUp(protocol).warmUpRuns * ms;
    return referenceSamples * ms + (rebuildSessions === undefined ? 0 : sessionMs);
  }

  /** Inferences a trial takes, and how many of them are to be done. */
  function inferencesOf(trial: Trial): { total: number; left: number; roundsLeft: number } {
    const perRound = samplesOfVisit(protocol, images);
    const needed = roundsNeeded(protocol, trial);
    const total = protocol.warmUpRuns + evaluations + needed * perRound;
    if (isMeasured(protocol, trial, [])) return { total, left: 0, roundsLeft: 0 };
    const rounds = trial.state.kind === 'running' ? trial.state.roundsDone : 0;
    const isEvaluated =
      trial.predictions !== null || trial.maskAnswers !== undefined || workOf(trial.strategy.id).isUnscored;
    const isWarm = trial.samples.length > 0;
    const done = rounds * perRound + (isEvaluated ? evaluations : 0) + (isWarm ? protocol.warmUpRuns : 0);
    return { total, left: total - done, roundsLeft: needed - rounds };
  }

  return {
    trials: (): readonly Trial[] => [...trials.values()],
    /** Null for a strategy outside the plan, as the reference may be. */
    find: (strategyId: string): Trial | null => trials.get(strategyId) ?? null,
    trialOf,
    workOf,
    update,
    /** Also without what it had before. */
    replace: (trial: Trial): void => void trials.set(trial.strategy.id, trial),
    publish,
    tell,
    /** Whether it only shows how the device changes, and is visited as long as others are. */
    isReference: (strategyId: string): boolean =>
      (protocol.referenceSamples ?? 0) > 0 && reference()?.strategy.id === strategyId,
    /** The visit to be made next; null at the end. */
    next: (): Visit | null =>
      nextVisit(protocol, plan, images, {
        trials: [...trials.values()],
        reference: reference(),
        visitsSinceReference,
      }),
    /** A visit was made, whatever came of it. */
    noteVisit: ({ strategyId }: Visit): void => {
      visitsSinceReference = reference()?.strategy.id === strategyId ? 0 : visitsSinceReference + 1;
    },
    /** The reference cannot be run any more. */
    loseReference: (): void => {
      isReferenceLost = true;
    },
    /** Whether a trial needs no more rounds. */
    isMeasured: (strategyId: string): boolean =>
      isMeasured(protocol, trialOf(strategyId), [...trials.values()]),
    /** The files of a worker that is gone are gone, too. */
    forgetBuilt: (): void => {
      for (const work of works.values()) work.built = null;
    },
    noteSetup: (tookMs: number): void => {
      setups++;
      setupMs += tookMs;
    },
    /** How many inferences of the call under way are done; 0 when it is over. */
    noteDone: (inferences: number): void => {
      doneInCall = inferences;
    },
    study: (): Study => ({ ...study, trials: study.trials.map((trial) => trialOf(trial.strategy.id)) }),
  };
}

/** What work grows with; models of anything but images have one size. */
function pixelsOf({ height, width }: Trial['preprocessing']): number {
  return Math.max(1, height * width);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Samples of different devices do not belong into one trial. */
function canContinue(trial: Trial, here: Environment): boolean {
  return trial.state.kind !== 'running' || isSameDevice(trial.environment, here);
}
