import { InputError } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { parseRecipe } from '../transforms/parse-recipe.ts';
import {
  amount,
  count,
  exitPlace,
  flag,
  imagePlace,
  list,
  nullable,
  object,
  oneOf,
  optional,
  parseVersioned,
  placeBelow,
  positive,
  type Reader,
  real,
  refuse,
  text,
  union,
} from './json-reader.ts';
import { readMaskAnswers } from './segmentation/read-mask-answers.ts';
import { checkStudy } from './check-study.ts';
import { PRESET_IDS } from './design/preset-ids.ts';
import { readPlacement } from './placement/read-placement.ts';
import {
  type Accuracy,
  type DeviceEvent,
  type DeviceProfile,
  type DeviceSignal,
  type EmulatedTimes,
  type Environment,
  type InputSize,
  NO_CLASS,
  type PredictedOutcome,
  type Predictions,
  type Protocol,
  type Sample,
  type StoppingRule,
  type Strategy,
  type StudiedModel,
  type Study,
  type Trial,
  type WarmUp,
} from './trial.ts';

/** A study as text: everything that was measured, readable by `parseStudy`. */
export function serialiseStudy(study: Study): string {
  return [...studyJsonInParts(study)].join('');
}

/** The same in parts, one after the other the whole text: of many samples it takes long. */
export function* studyJsonInParts({ trials, ...study }: Study): Generator<string, void, void> {
  yield `${openEnd(study)}"trials":[`;
  for (const [at, { samples, ...trial }] of trials.entries()) {
    yield `${at > 0 ? ',' : ''}${openEnd(trial)}"samples":[`;
    for (let first = 0; first < samples.length; first += SAMPLES_IN_A_PART) {
      const some = JSON.stringify(samples.slice(first, first + SAMPLES_IN_A_PART));
      yield `${first > 0 ? ',' : ''}${some.slice(1, -1)}`;
    }
    yield ']}';
  }
  yield ']}\n';
}

const SAMPLES_IN_A_PART = 500;

/** An object's JSON without its end, to which more can be added. */
function openEnd(some: object): string {
  return `${JSON.stringify(some).slice(0, -1)},`;
}

/**
 * A study from the text of a study.json.
 * @throws InputError `study-not-json` (truncated, another kind of file), `study-newer-version`, or
 *   `study-invalid` naming the path of what is wrong
 */
export function parseStudy(source: string): Study {
  const study = readStudy(parseVersioned(source, 'study'), '');
  checkStudy(study);
  return study;
}

/** A recipe, normalised. */
export const readRecipe: Reader<Strategy['recipe']> = (json, path) => {
  try {
    return parseRecipe(json);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const { failure } = thrown;
    throw new InputError({
      ...failure,
      code: 'study-invalid',
      message: `${path}: ${failure.message}`,
      where: path,
    });
  }
};

/** A provider's name. */
export const readProvider = oneOf('wasm', 'webgpu', 'webnn');

const side: Reader<number> = (json, path) => count(json, path) || refuse(json, path, 'at least 1 pixel');

/** Height and width of a model's input. */
export const readInputSize = object<InputSize>({ height: side, width: side });

/** A model of a study or plan. */
export const readStudiedModel = object<StudiedModel>({
  modelId: text,
  modelName: text,
  source: optional(text),
});

const readStrategy = object<Strategy>({
  id: text,
  name: text,
  modelId: text,
  recipe: readRecipe,
  provider: readProvider,
  threads: count,
  placement: optional(readPlacement),
  inputSize: optional(readInputSize),
});

/** How a study measures. */
export const readProtocol = object<Protocol>({
  name: oneOf('quick', 'standard', 'custom'),
  warmUpRuns: count,
  mostWarmUpRuns: optional(count),
  rounds: count,
  samplesPerRound: count,
  order: optional(oneOf('interleaved', 'sequential')),
  rebuildSessions: optional(oneOf('each-strategy', 'each-round')),
  images: optional(object<NonNullable<Protocol['images']>>({ kind: oneOf('largest'), count })),
  perRound: optional(oneOf('drawn-images', 'all-images')),
  accuracyRepetitions: optional(count),
  stopping: optional(object<StoppingRule>({ halfWidth: positive, leastRounds: count, budgetMs: positive })),
  sustained: optional(object<NonNullable<Protocol['sustained']>>({ durationMs: positive })),
  referenceSamples: optional(count),
  accuracyImages: nullable(count),
  seed: real,
});

const isTrue: Reader<true> = (json, path) => flag(json, path) as true;

const readPreprocessing = object<Preprocessing>({
  inputName: text,
  layout: oneOf('NCHW', 'NHWC'),
  height: count,
  width: count,
  channels: oneOf(1, 3),
  channelOrder: oneOf('RGB', 'BGR'),
  fit: union<Preprocessing['fit']>('kind', [
    ['stretch', object<Preprocessing['fit'] & { kind: 'stretch' }>({ kind: oneOf('stretch') })],
    ['crop', object<Preprocessing['fit'] & { kind: 'crop' }>({ kind: oneOf('crop'), shorterSide: count })],
  ]),
  scale: real,
  mean: list(real),
  std: list(real),
  dataType: oneOf('float32', 'float16', 'uint8', 'int8'),
  invert: flag,
  classOffset: real,
  ignoredLabel: optional(count),
  random: optional(isTrue),
  length: optional(count),
});

const isFalse: Reader<false> = (json, path) => flag(json, path) as false;

type Webgpu = Environment['webgpu'];
type Webnn = Environment['webnn'];

const readSignal = union<DeviceSignal>('available', [
  [true, object<DeviceSignal & { available: true }>({ available: isTrue })],
  [false, object<DeviceSignal & { available: false }>({ available: isFalse, reason: text })],
]);

const readEnvironment = object<Environment>({
  userAgent: text,
  platform: text,
  crossOriginIsolated: flag,
  hardwareConcurrency: count,
  deviceMemoryGb: nullable(amount),
  timerResolutionUs: amount,
  wasm: object<Environment['wasm']>({ simd: flag, threads: flag, maxHeapBytes: amount }),
  webgpu: union<Webgpu>('available', [
    [
      true,
      object<Webgpu & { available: true }>({
        available: isTrue,
        adapter: text,
        isFallback: flag,
        shaderF16: flag,
        maxBufferBytes: amount,
      }),
    ],
    [false, object<Webgpu & { available: false }>({ available: isFalse, reason: text })],
  ]),
  webnn: union<Webnn>('available', [
    [true, object<Webnn & { available: true }>({ available: isTrue, devices: list(text) })],
    [false, object<Webnn & { available: false }>({ available: isFalse, reason: text })],
  ]),
  storage: nullable(
    object<NonNullable<Environment['storage']>>({ quotaBytes: amount, usedBytes: amount, persisted: flag }),
  ),
  signals: optional(
    object<NonNullable<Environment['signals']>>({ battery: readSignal, pressure: readSignal }),
  ),
  runtimeVersion: text,
  appVersion: text,
});

const readSample = object<Sample>({
  round: placeBelow(2 ** 32),
  sequence: count,
  startedAtMs: amount,
  imageIndex: imagePlace,
  warmUp: flag,
  reference: optional(isTrue),
  decodeMs: amount,
  preprocessMs: amount,
  segmentMs: list(amount),
  postprocessMs: amount,
  computeMs: amount,
  totalMs: amount,
  exitIndex: nullable(exitPlace),
  emulated: optional(
    object<EmulatedTimes>({
      decodeMs: amount,
      preprocessMs: amount,
      computeMs: amount,
      tierMs: optional(list(amount)),
      transferBytes: amount,
      transferMs: amount,
      postprocessMs: amount,
      totalMs: amount,
    }),
  ),
});

/** As statistics hold them. */
const readClass = placeBelow(2 ** 31);

const topClass: Reader<number> = (json, path) => (json === NO_CLASS ? NO_CLASS : readClass(json, path));

const readPredictionLists = object<Predictions>({
  imageIndices: list(imagePlace),
  top1: list(topClass),
  top5: list(list(readClass)),
  confidence: list(real),
  exitIndex: list(nullable(exitPlace)),
  labels: optional(list(nullable(readClass))),
});

const readPredictions: Reader<Predictions> = (json, path) => {
  const predictions = readPredictionLists(json, path);
  const { imageIndices, top1, top5, confidence, exitIndex, labels = imageIndices } = predictions;
  for (const column of [top1, top5, confidence, exitIndex, labels]) {
    if (column.length !== imageIndices.length) refuse(column.length, path, `lists of ${imageIndices.length}`);
  }
  return predictions;
};

const readAccuracy = object<Accuracy>({
  images: count,
  labelledImages: count,
  top1Correct: nullable(count),
  top5Correct: nullable(count),
  agreeing: nullable(count),
});

const readState = union<Trial['state']>('kind', [
  ['queued', object<Trial['state'] & { kind: 'queued' }>({ kind: oneOf('queued') })],
  ['running', object<Trial['state'] & { kind: 'running' }>({ kind: oneOf('running'), roundsDone: count })],
  ['done', object<Trial['state'] & { kind: 'done' }>({ kind: oneOf('done') })],
  [
    'failed',
    object<Trial['state'] & { kind: 'failed' }>({ kind: oneOf('failed'), code: text, message: text }),
  ],
]);

const readWarmUp = object<WarmUp>({
  firstSequence: count,
  runs: count,
  steadyFrom: nullable(count),
  state: oneOf('steady', 'never-steady', 'fixed'),
});

type BatteryEvent = Extract<DeviceEvent, { kind: 'battery' }>;
type PressureEvent = Extract<DeviceEvent, { kind: 'pressure' }>;
type PageEvent = Exclude<DeviceEvent, BatteryEvent | PressureEvent>;

const readPageEvent = object<PageEvent>({
  kind: oneOf('page-hidden', 'page-shown', 'paused'),
  atMs: amount,
});

const readEvent = union<DeviceEvent>('kind', [
  ['page-hidden', readPageEvent],
  ['page-shown', readPageEvent],
  ['paused', readPageEvent],
  ['battery', object<BatteryEvent>({ kind: oneOf('battery'), atMs: amount, level: amount, charging: flag })],
  [
    'pressure',
    object<PressureEvent>({
      kind: oneOf('pressure'),
      atMs: amount,
      state: oneOf('nominal', 'fair', 'serious', 'critical'),
    }),
  ],
]);

const readTrial = object<Trial>({
  id: text,
  studyId: text,
  strategy: readStrategy,
  modelName: text,
  datasetId: text,
  datasetName: text,
  preprocessing: readPreprocessing,
  protocol: readProtocol,
  environment: readEnvironment,
  startedAtMs: amount,
  finishedAtMs: nullable(amount),
  state: readState,
  samples: list(readSample),
  predictions: nullable(readPredictions),
  accuracy: nullable(readAccuracy),
  maskAnswers: optional(readMaskAnswers),
  accuracyRuns: optional(list(readAccuracy)),
  warmUps: optional(list(readWarmUp)),
  events: optional(list(readEvent)),
  predicted: optional(
    object<PredictedOutcome>({
      accuracyTop1: nullable(amount),
      agreement: nullable(amount),
      latencyMeanMs: amount,
      totalMeanMs: optional(amount),
      basis: optional(oneOf('nodes', 'whole-model')),
    }),
  ),
  size: nullable(
    object<NonNullable<Trial['size']>>({
      rawBytes: count,
      gzipBytes: nullable(count),
      sparseBytes: optional(count),
      params: count,
      nonZeroParams: count,
      macs: count,
      macsToExit: list(object({ exitIndex: count, macs: count })),
    }),
  ),
  buildMs: nullable(amount),
  calibrationMs: optional(nullable(amount)),
  trainingMs: optional(nullable(amount)),
  sessionCreateMs: nullable(amount),
  heapBytes: nullable(amount),
  warnings: list(text),
});

const readStudy = object<Study>({
  format: oneOf('paretoscope-study'),
  formatVersion: oneOf(1),
  id: text,
  name: text,
  createdAtMs: amount,
  deviceName: optional(text),
  modelId: text,
  modelName: text,
  models: optional(list(readStudiedModel)),
  datasetId: text,
  datasetName: text,
  classNames: list(text),
  protocol: readProtocol,
  preset: optional(oneOf(...PRESET_IDS)),
  trials: list(readTrial),
  profiles: optional(
    list(
      object<DeviceProfile>({
        provider: readProvider,
        threads: count,
        arithmetic: text,
        nodeMs: list(amount),
        startMs: optional(amount),
        handOverMs: optional(amount),
        handOverMsPerByte: optional(amount),
        decodeMs: amount,
        preprocessMs: amount,
        postprocessMs: amount,
        imageBytes: amount,
      }),
    ),
  ),
});
