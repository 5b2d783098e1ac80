import { headsToTrain } from '../../transforms/exits/heads-of-recipe.ts';
import type { TrainedHead } from '../../transforms/exits/trained-head.ts';
import { imagesPrunedWith } from '../../transforms/prune/statistics/channel-statistics.ts';
import { calibrationKey, staticOperatorOf } from '../../transforms/quantize/calibrate/calibration.ts';
import { STATIC_DEFAULTS } from '../../transforms/quantize/quantize-operator.ts';
import { leavesFormOpen } from '../forms/choose-form.ts';
import { figuresFor, type FormFigures } from '../forms/form-figures.ts';
import { summarise } from '../statistics/summary.ts';
import type { Environment, Strategy, Trial } from '../trial.ts';
import { medianTotalMs, trialsOfDevice } from './expected-time.ts';

/** Something that is learnt or compared before strategies can be measured. */
export interface Preparation {
  readonly what: 'comparing forms' | 'looking at channels' | 'training exits' | 'calibrating';
  readonly ms: number;
}

/** What preparations take, and which of them were made before. */
export interface PreparationSources {
  readonly environment: Environment;
  /** Of any study; those of other devices do not count. */
  readonly trials: readonly Trial[];
  /** How many images are open. */
  readonly openImages: number;
  /** How many exits are trained with. */
  readonly trainingImages: number;
  /** Of any model, on the open images. */
  readonly heads: readonly TrainedHead[];
  /** Keys of what was calibrated, see `preparedKey`. */
  readonly calibrated: ReadonlySet<string>;
  readonly forms: readonly FormFigures[];
  /** What a session takes to be made. */
  readonly setupMs: number;
}

/** Layers are timed in every form for 25 s, and their sessions are made. */
const COMPARING_LAYERS_MS = 35_000;
/** A model is timed in float32 and some three forms, in at most 41 rounds or so long. */
const COMPARED = { forms: 4, rounds: 41, mostMs: 12_000 } as const;
/** Inferences that an image takes which is only looked at: it is decoded, and results are summed up. */
const LOOKING = 2;
/** The same of an image that ranges are calibrated with, where nothing was calibrated here yet. */
const CALIBRATING = { minmax: 6, entropy: 15, percentile: 15 } as const;
/** What exits learn from features, once these are there. */
const LEARNING_MS = 1500;

/** Names what a strategy calibrates, among all models and sizes. */
export function preparedKey(
  { modelId, inputSize }: Pick<Strategy, 'modelId' | 'inputSize'>,
  key: string,
): string {
  return JSON.stringify([modelId, inputSize ?? null, key]);
}

/**
 * Expects what has to be done before strategies can be measured; strategies that need the same share it.
 * @param msOf what an inference of a strategy takes
 * @returns each that takes any time, in the order in which it is done
 */
export function expectedPreparations(
  strategies: readonly Strategy[],
  msOf: (strategy: Strategy) => number,
  sources: PreparationSources,
): readonly Preparation[] {
  const all = [
    { what: 'comparing forms', ms: comparingMs(strategies, msOf, sources) },
    { what: 'looking at channels', ms: lookingMs(strategies, msOf, sources) },
    { what: 'training exits', ms: trainingMs(strategies, msOf, sources) },
    { what: 'calibrating', ms: calibratingMs(strategies, msOf, sources) },
  ] as const;
  return all.filter(({ ms }) => ms > 0);
}

type MsOf = (strategy: Strategy) => number;

function comparingMs(
  strategies: readonly Strategy[],
  msOf: MsOf,
  { environment, forms }: PreparationSources,
): number {
  const open = strategies.filter(({ recipe }) => leavesFormOpen(recipe));
  const unknown = open.filter((place) => figuresFor(forms, { environment, ...place }) === null);
  const places = new Set(unknown.map(({ provider, threads }) => `${provider} ${threads}`));
  const models = oneOfEach(unknown, (each) => preparedKey(each, JSON.stringify(each.recipe)));
  return models.reduce(
    (sum, each) => sum + Math.min(COMPARED.mostMs, COMPARED.forms * COMPARED.rounds * msOf(each)),
    places.size * COMPARING_LAYERS_MS,
  );
}

function lookingMs(
  strategies: readonly Strategy[],
  msOf: MsOf,
  { environment, trials, openImages, setupMs }: PreparationSources,
): number {
  const steps = ({ recipe }: Strategy) => recipe.filter((each) => imagesPrunedWith([each]) > 0);
  const keyOf = (each: Strategy): string => preparedKey(each, JSON.stringify(steps(each)));
  const done = new Set(trialsOfDevice(trials, environment).map(({ strategy }) => keyOf(strategy)));
  const needed = strategies.filter((each) => steps(each).length > 0 && !done.has(keyOf(each)));
  return oneOfEach(needed, keyOf).reduce(
    (sum, each) => sum + setupMs + Math.min(openImages, imagesPrunedWith(each.recipe)) * LOOKING * msOf(each),
    0,
  );
}

function trainingMs(
  strategies: readonly Strategy[],
  msOf: MsOf,
  { heads, trainingImages, setupMs }: PreparationSources,
): number {
  const missing = strategies.flatMap((each) => {
    const own = heads.filter(({ modelId }) => modelId === each.modelId);
    const training = each.inputSize === undefined ? headsToTrain(each.recipe, own) : null;
    return training === null ? [] : [{ each, key: preparedKey(each, JSON.stringify(training)), training }];
  });
  return oneOfEach(missing, ({ key }) => key).reduce(
    (sum, { each, training }) =>
      sum + setupMs + trainingImages * LOOKING * msOf(each) + training.values.length * LEARNING_MS,
    0,
  );
}

function calibratingMs(
  strategies: readonly Strategy[],
  msOf: MsOf,
  { environment, trials, openImages, calibrated, setupMs }: PreparationSources,
): number {
  const jobs = (some: readonly Strategy[]) =>
    some.flatMap((each) => {
      const operator = staticOperatorOf(each.recipe);
      if (operator === null) return [];
      const { samples = STATIC_DEFAULTS.samples, calibration = 'minmax' } = operator;
      const images = Math.min(openImages, samples);
      return [{ each, key: preparedKey(each, calibrationKey(each.recipe, operator)), images, calibration }];
    });
  const measured = trialsOfDevice(trials, environment).flatMap((trial) => {
    const { calibrationMs, strategy } = trial;
    return calibrationMs
      ? jobs([strategy]).map((job) => ({ ...job, calibrationMs, ms: medianTotalMs(trial) }))
      : [];
  });
  const done = new Set([...calibrated, ...measured.map(({ key }) => key)]);
  const inferencesAnImage = (method: keyof typeof CALIBRATING): number => {
    const same = measured.filter(({ calibration, ms }) => calibration === method && ms > 0);
    const rates = same.map(({ calibrationMs, images, ms }) => calibrationMs / (images * ms));
    return summarise(rates)?.median ?? CALIBRATING[method];
  };
  return oneOfEach(
    jobs(strategies).filter(({ key }) => !done.has(key)),
    ({ key }) => key,
  ).reduce(
    (sum, { each, images, calibration }) =>
      sum + setupMs + images * inferencesAnImage(calibration) * msOf(each),
    0,
  );
}

/** The first of each key. */
function oneOfEach<T>(all: readonly T[], keyOf: (each: T) => string): readonly T[] {
  const first = new Map<string, T>();
  for (const each of all) if (!first.has(keyOf(each))) first.set(keyOf(each), each);
  return [...first.values()];
}
