import type { Preprocessing } from '../data/preprocessing.ts';
import { distinctlyNamed, freeName } from '../transforms/recipe-name.ts';
import type { PresetId } from './design/preset-ids.ts';
import { timedSamples } from './metrics.ts';
import { contentHash } from './strategy-id.ts';
import type {
  Environment,
  InputSize,
  PredictedOutcome,
  Protocol,
  Strategy,
  StudiedModel,
  Study,
  Trial,
} from './trial.ts';

/** A model at an input size, and how images are prepared for it. */
export interface PreparedModel extends StudiedModel {
  /** Left out: what suits model and images. */
  readonly inputSize?: InputSize;
  readonly preprocessing: Preprocessing;
}

/** What a study is about; everything its trials have in common, of the only model or the first. */
export interface StudySubject {
  readonly name: string;
  readonly modelId: string;
  readonly modelName: string;
  readonly datasetId: string;
  readonly datasetName: string;
  readonly classNames: readonly string[];
  readonly preprocessing: Preprocessing;
  readonly protocol: Protocol;
  readonly environment: Environment;
  readonly preset?: PresetId | undefined;
  /** Every model at every size, where there are several. */
  readonly models?: readonly PreparedModel[];
}

/**
 * A study with one queued trial for each strategy.
 * @param strategies repeated ones (same id) are kept once
 * @param nowMs Unix time
 */
export function newStudy(subject: StudySubject, strategies: readonly Strategy[], nowMs: number): Study {
  const { name, modelId, modelName, datasetId, datasetName, classNames, protocol, preset } = subject;
  const unique = distinctlyNamed([
    ...new Map(strategies.map((strategy) => [strategy.id, strategy])).values(),
  ]);
  const id = contentHash([modelId, datasetId, unique.map((strategy) => strategy.id), protocol, nowMs]);
  return {
    format: 'paretoscope-study',
    formatVersion: 1,
    id,
    name,
    createdAtMs: nowMs,
    modelId,
    modelName,
    ...severalModels(subject),
    datasetId,
    datasetName,
    classNames,
    protocol,
    ...(preset !== undefined && { preset }),
    trials: unique.map((strategy) => queuedTrial(id, subject, strategy, nowMs)),
  };
}

/**
 * The study with these strategies to do: those it does not have are appended, failed ones start over, and what
 * was planned but never begun and is not asked for any more goes. What was measured stays, under the name it has now;
 * no two have the same.
 * @param subject must be what the study is about
 */
export function extendedStudy(
  study: Study,
  subject: StudySubject,
  strategies: readonly Strategy[],
  nowMs: number,
): Study {
  const wanted = new Map(strategies.map((strategy) => [strategy.id, strategy]));
  const kept = study.trials.flatMap((old) => {
    // A strategy may have got another name since.
    const strategy = wanted.get(old.strategy.id) ?? old.strategy;
    const trial = strategy.name === old.strategy.name ? old : { ...old, strategy };
    const isWanted = wanted.delete(strategy.id);
    if (isWanted && trial.state.kind === 'failed') return [restarted(trial, subject.environment, nowMs)];
    return isWanted || trial.state.kind !== 'queued' ? [trial] : [];
  });
  const names = new Set(kept.map((trial) => trial.strategy.name));
  const added = [...wanted.values()].map((strategy) => {
    const name = freeName(strategy.name, names);
    names.add(name);
    return queuedTrial(study.id, subject, { ...strategy, name }, nowMs);
  });
  return { ...study, trials: [...kept, ...added] };
}

/**
 * The study with more rounds to do of all that was measured in it. Where rounds ended as soon as medians were known well
 * enough, they do not any more: all get as many.
 * @param more rounds beyond the most that any strategy has
 */
export function withMoreRounds(study: Study, more: number): Study {
  const { stopping: _, ...protocol } = study.protocol;
  const rounds = Math.max(0, ...study.trials.map(roundsOf)) + more;
  const longer: Protocol = { ...protocol, rounds };
  const trials = study.trials.map((trial): Trial => {
    const { kind } = trial.state;
    if (kind === 'failed') return trial;
    const isBegun = kind === 'done' || kind === 'running';
    return {
      ...trial,
      protocol: longer,
      ...(isBegun && { state: { kind: 'running', roundsDone: roundsOf(trial) }, finishedAtMs: null }),
    };
  });
  return { ...study, protocol: longer, trials };
}

/** Rounds that a trial was timed in. */
export function roundsOf(trial: Trial): number {
  return timedSamples(trial).reduce((most, { round }) => Math.max(most, round + 1), 0);
}

/**
 * The same study under another id, to stand beside the one it came from.
 * @param nowMs Unix time; tells several copies apart
 */
export function copiedStudy(study: Study, nowMs: number): Study {
  const id = contentHash([study.id, 'copy', nowMs]);
  return {
    ...study,
    id,
    name: `${study.name} (copy)`,
    trials: study.trials.map((trial) => ({ ...trial, id: `${id}-${trial.strategy.id}`, studyId: id })),
  };
}

/** The study with what is expected of the trials that have not begun. */
export function withPredictions(
  study: Study,
  predictionOf: (strategy: Strategy) => PredictedOutcome | undefined,
): Study {
  const trials = study.trials.map((trial): Trial => {
    const predicted = trial.state.kind === 'queued' ? predictionOf(trial.strategy) : undefined;
    return predicted === undefined ? trial : { ...trial, predicted };
  });
  return { ...study, trials };
}

/** The models of a study by their fingerprints, where there are several. */
function severalModels({ models = [] }: StudySubject): Pick<Study, 'models'> {
  const distinct = new Map(
    models.map(({ modelId, modelName, source }) => [
      modelId,
      { modelId, modelName, ...(source !== undefined && { source }) },
    ]),
  );
  return distinct.size < 2 ? {} : { models: [...distinct.values()] };
}

/** The model that a strategy is about, at its size. */
function preparedFor(
  subject: StudySubject,
  { modelId, inputSize }: Strategy,
): Pick<PreparedModel, 'modelName' | 'preprocessing'> {
  const isMeant = (model: PreparedModel): boolean =>
    model.modelId === modelId &&
    model.inputSize?.height === inputSize?.height &&
    model.inputSize?.width === inputSize?.width;
  return subject.models?.find(isMeant) ?? subject;
}

/** What a trial knows of its results before anything ran. */
const unmeasured = {
  finishedAtMs: null,
  state: { kind: 'queued' },
  samples: [],
  predictions: null,
  accuracy: null,
  size: null,
  buildMs: null,
  sessionCreateMs: null,
  heapBytes: null,
  warnings: [],
} as const satisfies Partial<Trial>;

function queuedTrial(studyId: string, subject: StudySubject, strategy: Strategy, nowMs: number): Trial {
  const { datasetId, datasetName, protocol, environment } = subject;
  const { modelName, preprocessing } = preparedFor(subject, strategy);
  return {
    id: `${studyId}-${strategy.id}`,
    studyId,
    strategy,
    modelName,
    datasetId,
    datasetName,
    preprocessing,
    protocol,
    environment,
    startedAtMs: nowMs,
    ...unmeasured,
  };
}

/** A trial set back to the start, to be measured again here and now. */
export function restarted(trial: Trial, environment: Environment, nowMs: number): Trial {
  const { id, studyId, strategy, modelName, datasetId, datasetName, preprocessing, protocol, predicted } =
    trial;
  return {
    id,
    studyId,
    strategy,
    modelName,
    datasetId,
    datasetName,
    preprocessing,
    protocol,
    environment,
    startedAtMs: nowMs,
    ...(predicted && { predicted }),
    ...unmeasured,
  };
}
