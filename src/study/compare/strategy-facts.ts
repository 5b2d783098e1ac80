import { seedFromText } from '../../base/random.ts';
import { recipeLetters } from '../../transforms/recipe-name.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import { type AxisId, isEmulatedTrial, latencyMsOf, timedSamples, trialMetrics } from '../metrics.ts';
import { tableConditions } from '../devices/comparable.ts';
import { linkLoads, type LinkLoads } from '../placement/link-loads.ts';
import { type ClassPixels, type Environment, NO_CLASS, type Strategy, type Trial } from '../trial.ts';

/**
 * What comparing and advising need of a trial: plain columns of numbers, which cross to a worker a hundred times
 * faster than samples do.
 */
export interface StrategyFacts {
  readonly trialId: string;
  readonly studyId: string;
  readonly name: string;
  readonly strategy: Strategy;
  /** What it combines, in the letters of the papers. */
  readonly letters: string;
  readonly isIdentity: boolean;
  readonly modelName: string;
  /** The same for trials whose times may be compared. */
  readonly deviceId: string;
  /** For people. */
  readonly deviceName: string;
  readonly datasetName: string;
  /** The same for trials whose numbers mean the same, see `tableConditions`. */
  readonly conditions: string;
  readonly state: Trial['state']['kind'];
  readonly isEmulated: boolean;
  /** Inputs were noise: answers mean nothing. */
  readonly isRandom: boolean;
  /** Timed inferences in order, without the warm-up, in milliseconds. */
  readonly latencyMs: Float64Array;
  /** Round of each. */
  readonly round: Uint32Array;
  /** Exit that each took; -1 for models with one output. */
  readonly exit: Int16Array;
  /** Order of execution of the first and last of them; null if nothing was timed. */
  readonly sequences: readonly [first: number, last: number] | null;
  readonly answers: Answers | null;
  /** In place of them, of models that name the class of every pixel. */
  readonly pixels: PixelAnswers | null;
  /** Values that are known. */
  readonly values: ReadonlyMap<AxisId, number>;
  /** What crosses links; null if nothing is emulated. */
  readonly loads: LinkLoads | null;
}

/** Predictions of the accuracy pass by image. */
export interface Answers {
  readonly datasetId: string;
  readonly modelId: string;
  readonly image: Uint32Array;
  /** Best class; `NO_CLASS` where the scores are not numbers. */
  readonly top1: Int32Array;
  /** 1 right, 0 wrong, -1 without a label; null where labels were not kept. */
  readonly right: Int8Array | null;
}

/** Pixels of each class that were named rightly and wrongly, by image; see `MaskAnswers`. */
export interface PixelAnswers {
  readonly datasetId: string;
  readonly images: readonly number[];
  /** Against masks. */
  readonly counts: readonly (ClassPixels | null)[];
  /** Against the answers of the unchanged model; null where it did not run. */
  readonly agreement: readonly (ClassPixels | null)[] | null;
}

const known = new WeakMap<Trial, StrategyFacts>();

/** The facts of a trial; trials never change, so they are gathered once. */
export function factsOf(trial: Trial): StrategyFacts {
  const kept = known.get(trial);
  if (kept) return kept;
  const facts = gatherFacts(trial);
  known.set(trial, facts);
  return facts;
}

function gatherFacts(trial: Trial): StrategyFacts {
  const { strategy, environment, state } = trial;
  const samples = timedSamples(trial);
  const [first, last] = [samples[0], samples.at(-1)];
  const values = new Map<AxisId, number>();
  for (const [axis, measure] of Object.entries(trialMetrics(trial)))
    if (measure !== null) values.set(axis as AxisId, measure.value);
  return {
    trialId: trial.id,
    studyId: trial.studyId,
    name: strategy.name,
    strategy,
    letters: recipeLetters(strategy.recipe),
    isIdentity: isIdentity(strategy.recipe),
    modelName: trial.modelName,
    deviceId: deviceIdOf(environment),
    deviceName: deviceNameOf(environment),
    datasetName: trial.datasetName,
    conditions: tableConditions(trial),
    state: state.kind,
    isEmulated: isEmulatedTrial(trial),
    isRandom: trial.preprocessing.random === true,
    latencyMs: Float64Array.from(samples, latencyMsOf),
    round: Uint32Array.from(samples, ({ round }) => round),
    exit: Int16Array.from(samples, ({ exitIndex }) => exitIndex ?? -1),
    sequences: first && last ? [first.sequence, last.sequence] : null,
    answers: answersOf(trial),
    pixels: pixelsOf(trial),
    values,
    loads: linkLoads(trial),
  };
}

function answersOf({ predictions, datasetId, preprocessing, strategy }: Trial): Answers | null {
  if (predictions === null || predictions.imageIndices.length === 0) return null;
  const { imageIndices, top1, labels } = predictions;
  const isRight = (label: number | null, at: number): number => {
    if (label === null) return -1;
    const best = top1[at] ?? NO_CLASS;
    return best !== NO_CLASS && best === label + preprocessing.classOffset ? 1 : 0;
  };
  return {
    datasetId,
    modelId: strategy.modelId,
    image: Uint32Array.from(imageIndices),
    top1: Int32Array.from(top1),
    right: labels ? Int8Array.from(labels, isRight) : null,
  };
}

function pixelsOf({ maskAnswers, datasetId }: Trial): PixelAnswers | null {
  if (!maskAnswers || maskAnswers.imageIndices.length === 0) return null;
  const { imageIndices, counts, agreement = null } = maskAnswers;
  return { datasetId, images: imageIndices, counts, agreement };
}

/** Two devices of one make and browser cannot be told apart, and need not be. */
export function deviceIdOf({
  userAgent,
  hardwareConcurrency,
  webgpu,
  crossOriginIsolated,
}: Environment): string {
  const adapter = webgpu.available ? webgpu.adapter : '';
  return seedFromText([userAgent, hardwareConcurrency, adapter, crossOriginIsolated].join('\n')).toString(16);
}

/** `Android, 8 cores`. */
export function deviceNameOf({ platform, hardwareConcurrency }: Environment): string {
  return `${platform || 'unknown system'}, ${hardwareConcurrency} ${hardwareConcurrency === 1 ? 'core' : 'cores'}`;
}
