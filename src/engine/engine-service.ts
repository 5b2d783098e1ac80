import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { defined } from '../base/assert.ts';
import { attempt, failed, type Failure, InputError, ok, type Result } from '../base/result.ts';
import type { DatasetItem, DecodedImage } from '../data/dataset.ts';
import { preprocess } from '../data/preprocess.ts';
import { RANDOM_INPUTS_NOTE } from '../data/random-inputs.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type {
  ChannelMeansPass,
  DecodedImages,
  EngineApi,
  EngineLoad,
  EngineLoaded,
  ExitScoresPass,
  FeaturesPass,
  GatedPass,
} from '../protocol/engine-api.ts';
import type { ActivationPort } from '../protocol/sketch-api.ts';
import type { ProfiledRun } from '../study/profile/cost-profile.ts';
import { executionTimesMs, parseRuntimeProfile } from '../study/profile/runtime-profile.ts';
import { summarise } from '../study/statistics/summary.ts';
import { NO_CLASS, type Predictions, type Sample } from '../study/trial.ts';
import { confidenceOf } from '../transforms/exits/confidence.ts';
import { decidingInSinglePrecision } from '../transforms/exits/single-precision.ts';
import { decodeImage } from './decode-image.ts';
import { runtimeFailure } from './failures.ts';
import { identityModelBytes } from './identity-model.ts';
import { inputDims } from './input-dims.ts';
import { randomInputsOf, type RandomInput } from './random-inputs.ts';
import { nextTask } from './next-task.ts';
import { startRuntime, type Runtime } from './ort.ts';
import { bestClasses, classCountOf, requireClassScores } from './scores.ts';
import {
  createSegmentRunner,
  type Inference,
  outputsThatStay,
  scoresOf,
  type SegmentRunner,
} from './segment-runner.ts';
import { createActivationSender } from './send-activations.ts';
import { sessionInput } from './session-input.ts';

interface Loaded {
  readonly request: EngineLoad;
  readonly runtime: Runtime;
  readonly sessions: readonly InferenceSession[];
  readonly run: SegmentRunner;
  readonly dims: readonly number[];
  /** Inputs in place of images; null where images are given. */
  readonly random: readonly RandomInput[] | null;
}

/** Progress is told at most this often, so that messages do not slow the work. */
const progressIntervalMs = 100;

/** The engine of one worker: one strategy, loaded once, then measured and evaluated. */
export function createEngineService(): EngineApi {
  let loaded: Loaded | null = null;

  async function load(request: EngineLoad): Promise<EngineLoaded> {
    if (loaded !== null) {
      throw new InputError({
        code: 'engine-in-use',
        message:
          'This worker already runs a strategy; a second one would share its heap and spoil its numbers.',
      });
    }
    const { plan, preprocessing } = request;
    const random = preprocessing.random ? randomInputsOf(plan) : null;
    const dims = random === null ? inputDims(plan.input, preprocessing) : [];
    const runtime = await startRuntime(request.provider, request.threads);
    const startedMs = performance.now();
    const sessions: InferenceSession[] = [];
    for (const at of request.plan.segments.keys()) sessions.push(await openSession(runtime, request, at));
    const sessionCreateMs = performance.now() - startedMs;
    loaded = {
      request,
      runtime,
      sessions,
      dims,
      random,
      run: createSegmentRunner(plan, sessions, () => performance.now()),
    };
    return {
      sessionCreateMs,
      threadsUsed: runtime.threadsUsed,
      heapBytes: runtime.heapBytes(),
      warnings: warningsOf(request, runtime),
    };
  }

  return {
    load: (request) => guarded(request.plan.segments[0]?.file ?? 'the model', () => load(request)),

    measure: (request) =>
      guarded('the measurement', async () => {
        const engine = requireLoaded(loaded);
        const samples: Sample[] = [];
        for (const imageIndex of request.imageIndices) {
          samples.push(await timedInference(engine, imageIndex, request, samples.length));
          await nextTask();
        }
        return samples;
      }),

    predict: (imageIndices, onProgress, preprocessing) =>
      guarded('the accuracy pass', () => {
        const engine = requireLoaded(loaded);
        return predictAll(preprocessing ? prepared(engine, preprocessing) : engine, imageIndices, onProgress);
      }),

    exitScores: (imageIndices, onProgress) =>
      guarded('the pass over all exits', () => scoreExits(requireLoaded(loaded), imageIndices, onProgress)),

    profile: (imageIndices, warmUpRuns, onProgress) =>
      guarded('the profile', () => profileRuns(requireLoaded(loaded), imageIndices, warmUpRuns, onProgress)),

    features: (imageIndices, onProgress) =>
      guarded('the feature pass', () => allFeatures(requireLoaded(loaded), imageIndices, onProgress)),

    gatedScores: (request, onProgress) =>
      guarded('the pass with gates', () => scoreGated(requireLoaded(loaded), request, onProgress)),

    activations: (request, sink, onProgress) =>
      guarded('the calibration', () => sendActivations(requireLoaded(loaded), request, sink, onProgress)),

    channelMeans: (request, onProgress) =>
      guarded('the statistics of channels', () =>
        meansOfChannels(requireLoaded(loaded), request, onProgress),
      ),

    heapBytes: () => Promise.resolve(loaded?.runtime.heapBytes() ?? 0),
  };
}

/** The same engine with images prepared differently. */
function prepared({ request, ...engine }: Loaded, preprocessing: Preprocessing): Loaded {
  const dims = inputDims(request.plan.input, preprocessing);
  return { ...engine, dims, request: { ...request, preprocessing } };
}

async function openSession(runtime: Runtime, request: EngineLoad, at: number): Promise<InferenceSession> {
  const { plan, files, isProfiled } = request;
  const name = defined(plan.segments[at], `segment ${at}`).file;
  const { blob } = defined(
    files.find((file) => file.name === name),
    `file ${name}`,
  );
  try {
    // Nothing here keeps the bytes: the runtime copies them into its heap.
    const { modelBytes, externalData } = await sessionInput(
      blob,
      name,
      decidesInSinglePrecision(request) ? decidingInSinglePrecision : null,
    );
    return await runtime.createSession(modelBytes, {
      externalData,
      isProfiled,
      outputsThatStay: outputsThatStay(plan, at),
    });
  } catch (thrown) {
    throw new InputError(runtimeFailure(thrown, name));
  }
}

/** The runtime's build for GPUs has no float64. */
function decidesInSinglePrecision({ plan, provider }: EngineLoad): boolean {
  return plan.decision !== undefined && provider !== 'wasm';
}

function warningsOf(request: EngineLoad, runtime: Runtime): string[] {
  const warnings: string[] = [];
  if (request.preprocessing.random) warnings.push(RANDOM_INPUTS_NOTE);
  if (runtime.threadsUsed < request.threads) {
    warnings.push(
      `Runs with ${runtime.threadsUsed} thread instead of ${request.threads}: threads are not possible here.`,
    );
  }
  if (decidesInSinglePrecision(request)) {
    warnings.push(
      `On ${request.provider} the file decides in single precision: images whose confidence is within a millionth of the threshold may leave at another exit.`,
    );
  }
  const log = runtime.takeLog();
  if (log.some((line) => line.includes('not assigned to the preferred execution providers'))) {
    warnings.push(`Some operators are not available on ${request.provider} and run on the CPU instead.`);
  }
  return warnings;
}

async function timedInference(
  engine: Loaded,
  imageIndex: number,
  batch: { readonly round: number; readonly warmUp: boolean; readonly firstSequence: number },
  position: number,
): Promise<Sample> {
  const { request, run } = engine;
  const item = itemAt(request, imageIndex);
  const startedMs = performance.now();
  const image = engine.random === null ? await decodeImage(request.data.pack, item) : null;
  const decodedMs = performance.now();
  const { input, others } = image === null ? randomInput(engine) : { input: makeInput(engine, image) };
  const preprocessedMs = performance.now();
  const inference = await run(input, others);
  const computedMs = performance.now();
  // The work an application would do: name the best classes and how sure the model is.
  if (classCountOf(inference.outputDims) !== null) {
    bestClasses(inference.scores, 5);
    confidenceOf(inference.scores, inference.scoresKind);
  }
  const endedMs = performance.now();
  return {
    round: batch.round,
    sequence: batch.firstSequence + position,
    startedAtMs: performance.timeOrigin + startedMs,
    imageIndex,
    warmUp: batch.warmUp,
    decodeMs: decodedMs - startedMs,
    preprocessMs: preprocessedMs - decodedMs,
    segmentMs: inference.segmentMs,
    postprocessMs: endedMs - computedMs,
    computeMs: inference.computeMs,
    totalMs: endedMs - startedMs,
    exitIndex: inference.exitIndex,
  };
}

async function profileRuns(
  engine: Loaded,
  imageIndices: readonly number[],
  warmUpRuns: number,
  onProgress: (done: number) => void,
): Promise<ProfiledRun> {
  const samples: Sample[] = [];
  for (const [run, imageIndex] of imageIndices.entries()) {
    const batch = { round: 0, warmUp: run < warmUpRuns, firstSequence: 0 };
    samples.push(await timedInference(engine, imageIndex, batch, run));
    onProgress(run + 1);
    await nextTask();
  }
  const lines = engine.sessions.flatMap((session) => engine.runtime.endProfile(session));
  const bytes = summarise(imageIndices.map((index) => itemAt(engine.request, index).length));
  return {
    nodes: parseRuntimeProfile(lines),
    samples,
    imageBytes: bytes?.median ?? 0,
    executionMs: executionTimesMs(lines),
    handOver: await handOverCosts(engine.runtime),
  };
}

const handOverRuns = 30;
const handOverFloats = 250_000;

/** What a session costs that does nothing, with one number and with many. */
async function handOverCosts(runtime: Runtime): Promise<NonNullable<ProfiledRun['handOver']>> {
  const medianMs = async (floats: number): Promise<number> => {
    const session = await runtime.createSession(identityModelBytes(floats));
    const x = new runtime.ort.Tensor('float32', new Float32Array(floats), [floats]);
    const timesMs: number[] = [];
    for (let run = 0; run < handOverRuns; run++) {
      const startedMs = performance.now();
      const outputs = await session.run({ x });
      timesMs.push(performance.now() - startedMs);
      outputs['y']?.dispose();
    }
    await session.release();
    return summarise(timesMs.slice(handOverRuns / 3))?.median ?? 0;
  };
  const ms = await medianMs(1);
  const manyMs = await medianMs(handOverFloats);
  // In, out, and once in between, which handing over does not do.
  return { ms, msPerByte: Math.max(0, ((2 / 3) * (manyMs - ms)) / (4 * handOverFloats)) };
}

async function predictAll(
  engine: Loaded,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<Predictions> {
  requireImages(engine);
  const top1: number[] = [];
  const top5: number[][] = [];
  const confidence: number[] = [];
  const exitIndex: (number | null)[] = [];
  await forEachImage(engine, engine.run, imageIndices, onProgress, (inference) => {
    requireClassScores(inference.outputDims, inference.outputName);
    const best = bestClasses(inference.scores, 5);
    top1.push(best[0] ?? NO_CLASS);
    top5.push(best);
    const sure = confidenceOf(inference.scores, inference.scoresKind);
    confidence.push(Number.isNaN(sure) ? 0 : sure);
    exitIndex.push(inference.exitIndex);
  });
  return { imageIndices, top1, top5, confidence, exitIndex };
}

/** Every exit's scores of all images; thresholds must not be reached before the end. */
async function scoreExits(
  engine: Loaded,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<ExitScoresPass> {
  requireImages(engine);
  const { plan } = engine.request;
  const exits = plan.segments.flatMap(({ exit }) => (exit === null ? [] : [exit]));
  const scores = new Map<number, Float32Array>();
  let classCount = 0;
  let image = 0;
  const run = createSegmentRunner(
    plan,
    engine.sessions,
    () => performance.now(),
    (exit, of) => {
      classCount ||= of.length;
      if (of.length !== classCount) throw exitsDiffer(exit.output, of.length, classCount);
      let all = scores.get(exit.index);
      if (!all) scores.set(exit.index, (all = new Float32Array(imageIndices.length * classCount)));
      all.set(of, image * classCount);
    },
  );
  await forEachImage(engine, run, imageIndices, onProgress, () => {
    image++;
  });
  return {
    classCount,
    exits: exits.map(({ index, output, scores: kind }) => ({
      index,
      output,
      kind,
      scores: scores.get(index) ?? new Float32Array(0),
    })),
  };
}

function exitsDiffer(output: string, found: number, wanted: number): InputError {
  return new InputError({
    code: 'exits-differ',
    message: `The exit ${output} scores ${found} classes, the exits before it ${wanted}.`,
    where: output,
  });
}

/** Runs the model on images that are decoded ahead: for passes that time nothing. */
async function forEachImage(
  engine: Loaded,
  run: SegmentRunner,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
  use: (inference: Inference) => void,
): Promise<void> {
  const { request } = engine;
  let toldMs = performance.now();
  let next = decodeAt(request, imageIndices[0]);
  for (let i = 0; i < imageIndices.length; i++) {
    const image = defined(await next, 'decoded image');
    // Nothing is timed here, so the browser may decode the next image meanwhile.
    next = decodeAt(request, imageIndices[i + 1]);
    // Its failure belongs to its own turn, not to an unhandled rejection.
    next.catch(() => {});
    use(await run(makeInput(engine, image)));
    const nowMs = performance.now();
    if (nowMs - toldMs >= progressIntervalMs) {
      toldMs = nowMs;
      onProgress(i + 1);
      await nextTask();
    }
  }
  onProgress(imageIndices.length);
}

/** Inputs besides those of an image, by name. */
type MoreInputs = readonly (readonly [string, Tensor])[];

/**
 * Runs the first segment over the images that can be decoded, which are decoded ahead, or on random inputs.
 * @param settings each image runs with each of these
 */
async function runFirstSegment(
  engine: Loaded,
  {
    fetches,
    imageIndices,
    settings = [[]],
  }: {
    readonly fetches: readonly string[];
    readonly imageIndices: readonly number[];
    readonly settings?: readonly MoreInputs[];
  },
  onProgress: (inferences: number) => void,
  use: (
    outputs: readonly Tensor[],
    inputs: ReadonlyMap<string, Tensor>,
    position: number,
    setting: number,
  ) => void | Promise<void>,
  during: <T>(run: () => Promise<T>) => Promise<T> = (run) => run(),
): Promise<DecodedImages> {
  const { request } = engine;
  const session = defined(engine.sessions[0], 'a session');
  const decoded: number[] = [];
  let undecodable: Failure | null = null;
  let toldMs = performance.now();
  const isRandom = engine.random !== null;
  const decode = (at: number) => attempt(() => (isRandom ? null : decodeAt(request, imageIndices[at])));
  let next = decode(0);
  for (const [at, imageIndex] of imageIndices.entries()) {
    const image = await next;
    next = decode(at + 1);
    if (!image.ok) {
      undecodable ??= image.failure;
      continue;
    }
    const { input, others = [] } = isRandom
      ? randomInput(engine)
      : { input: makeInput(engine, defined(image.value, 'decoded image')) };
    for (const [setting, more] of settings.entries()) {
      const inputs = new Map([[request.plan.input.name, input], ...others, ...more]);
      const values = await during(() => session.run(Object.fromEntries(inputs), fetches));
      const outputs = fetches.map((name) => defined(values[name], `output ${name}`));
      await use(outputs, inputs, decoded.length, setting);
      for (const output of outputs) output.dispose();
      const nowMs = performance.now();
      if (nowMs - toldMs < progressIntervalMs) continue;
      toldMs = nowMs;
      onProgress(at * settings.length + setting + 1);
      await nextTask();
    }
    decoded.push(imageIndex);
  }
  onProgress(imageIndices.length * settings.length);
  return { imageIndices: decoded, undecodable };
}

/** Lines the outputs of the first segment up as rows. */
async function allFeatures(
  engine: Loaded,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<FeaturesPass> {
  const { outputs } = defined(engine.request.plan.segments[0], 'a segment');
  const fetches = outputs.map(({ name }) => name);
  let rows: readonly Float32Array[] = [];
  const decoded = await runFirstSegment(
    engine,
    { fetches, imageIndices },
    onProgress,
    (tensors, _, position) => {
      const row = tensors.map(scoresOf);
      if (position === 0) rows = row.map(({ length }) => new Float32Array(length * imageIndices.length));
      rows.forEach((all, output) => all.set(row[output] ?? [], position * (row[output]?.length ?? 0)));
    },
  );
  const shareDecoded = decoded.imageIndices.length / imageIndices.length;
  const cut = (all: Float32Array) => all.subarray(0, all.length * shareDecoded);
  return { ...decoded, rows: decoded.undecodable ? rows.map(cut) : rows };
}

/** What a gated model scores with all gates open, then with each setting. */
async function scoreGated(
  engine: Loaded,
  { imageIndices, gates, settings }: Parameters<EngineApi['gatedScores']>[0],
  onProgress: (inferences: number) => void,
): Promise<GatedPass> {
  const { runtime, request } = engine;
  const given = (setting: Float32Array): MoreInputs => [
    [gates, new runtime.ort.Tensor('float32', setting, [setting.length])],
  ];
  const allOpen = new Float32Array(settings[0]?.length ?? 0).fill(1);
  const count = imageIndices.length;
  const whole = { best: new Int32Array(count), power: new Float64Array(count) };
  const found = settings.map(() => ({ best: new Int32Array(count), noise: new Float64Array(count) }));
  let scoresOfWhole = new Float64Array(0);
  const fetches = [request.plan.output.name];
  const runs = { fetches, imageIndices, settings: [allOpen, ...settings].map(given) };
  const decoded = await runFirstSegment(engine, runs, onProgress, ([output], _, position, run) => {
    const scores = scoresOf(defined(output, 'scores'));
    const best = bestClasses(scores, 1)[0] ?? -1;
    if (run === 0) {
      scoresOfWhole = Float64Array.from(scores);
      whole.best[position] = best;
      whole.power[position] = scoresOfWhole.reduce((sum, score) => sum + score * score, 0);
      return;
    }
    const setting = defined(found[run - 1], `setting ${run - 1}`);
    setting.best[position] = best;
    setting.noise[position] = scoresOfWhole.reduce(
      (sum, score, at) => sum + (score - (scores[at] as number)) ** 2,
      0,
    );
  });
  const seen = decoded.imageIndices.length;
  return {
    ...decoded,
    whole: { best: whole.best.subarray(0, seen), power: whole.power.subarray(0, seen) },
    settings: found.map(({ best, noise }) => ({
      best: best.subarray(0, seen),
      noise: noise.subarray(0, seen),
    })),
  };
}

/** Hands what the first segment makes of each image on, in messages of which one at most waits there. */
async function sendActivations(
  engine: Loaded,
  { imageIndices, outputs, inputs }: Parameters<EngineApi['activations']>[0],
  port: ActivationPort,
  onProgress: (done: number) => void,
): Promise<DecodedImages> {
  const { during, send, finish } = createActivationSender(port);
  const use = (tensors: readonly Tensor[], given: ReadonlyMap<string, Tensor>) =>
    send([...tensors, ...inputs.map((name) => defined(given.get(name), `input ${name}`))]);
  try {
    return await runFirstSegment(engine, { fetches: outputs, imageIndices }, onProgress, use, during);
  } finally {
    await finish();
  }
}

/** Adds up what the first segment tells of images, some at a time. */
async function meansOfChannels(
  engine: Loaded,
  { imageIndices, batch }: Parameters<EngineApi['channelMeans']>[0],
  onProgress: (done: number) => void,
): Promise<ChannelMeansPass> {
  const { request, runtime } = engine;
  const { outputs } = defined(request.plan.segments[0], 'a segment');
  const fetches = outputs.map(({ name }) => name);
  let sums = new Float64Array(0);
  const add = (output: Tensor | undefined, images: number): void => {
    const told = scoresOf(defined(output, 'an output'));
    if (sums.length === 0) sums = new Float64Array(told.length);
    for (let at = 0; at < told.length; at++) sums[at] = (sums[at] as number) + images * (told[at] as number);
  };
  const meansOf = (decoded: DecodedImages): ChannelMeansPass => {
    const count = Math.max(1, decoded.imageIndices.length);
    return { ...decoded, means: sums.map((sum) => sum / count) };
  };
  if (batch === 1 || engine.random !== null) {
    const all = { fetches, imageIndices };
    return meansOf(await runFirstSegment(engine, all, onProgress, ([output]) => add(output, 1)));
  }
  const session = defined(engine.sessions[0], 'a session');
  const [, ...dims] = engine.dims;
  const decoded: number[] = [];
  let undecodable: Failure | null = null;
  const batches = Math.ceil(imageIndices.length / batch);
  for (let at = 0; at < batches; at++) {
    const [from, to] = [at, at + 1].map((each) => Math.round((each * imageIndices.length) / batches));
    const inputs: Tensor[] = [];
    for (const imageIndex of imageIndices.slice(from, to)) {
      const image = await attempt(() => decodeImage(request.data.pack, itemAt(request, imageIndex)));
      if (!image.ok) {
        undecodable ??= image.failure;
        continue;
      }
      inputs.push(makeInput(engine, image.value));
      decoded.push(imageIndex);
    }
    if (inputs.length === 0) continue;
    const each = inputs.map(({ data }) => data as Float32Array);
    const numbers = new Float32Array(each.reduce((sum, { length }) => sum + length, 0));
    each.forEach((image, position) => numbers.set(image, position * image.length));
    const many = new runtime.ort.Tensor('float32', numbers, [inputs.length, ...dims]);
    const values = await session.run({ [request.plan.input.name]: many }, fetches);
    add(values[defined(fetches[0], 'an output')], inputs.length);
    onProgress(to ?? 0);
    await nextTask();
  }
  return meansOf({ imageIndices: decoded, undecodable });
}

async function decodeAt(request: EngineLoad, imageIndex: number | undefined) {
  if (imageIndex === undefined) return null;
  return decodeImage(request.data.pack, itemAt(request, imageIndex));
}

function randomInput({ runtime, random }: Loaded): {
  readonly input: Tensor;
  readonly others: readonly (readonly [string, Tensor])[];
} {
  const [input, ...others] = defined(random, 'random inputs').map(
    ({ name, type, data, dims }) => [name, new runtime.ort.Tensor(type, data, dims)] as const,
  );
  return { input: defined(input, 'an input')[1], others };
}

/** What images say is asked for where there are only random numbers. */
function requireImages({ random, request }: Loaded): void {
  if (random === null) return;
  throw new InputError({
    // As of models whose output scores no classes: what is left is latency.
    code: 'not-classification',
    message: `${request.plan.input.name} gets random numbers, whose answers mean nothing.`,
    hint: 'Latency and size are measured; accuracy, thresholds and training need a model that takes images.',
  });
}

function makeInput({ request, runtime, dims }: Loaded, image: DecodedImage): Tensor {
  const { data } = preprocess(image, request.preprocessing);
  return new runtime.ort.Tensor(request.preprocessing.dataType, data, dims);
}

function itemAt(request: EngineLoad, imageIndex: number): DatasetItem {
  return defined(request.data.dataset.items[imageIndex], `image ${imageIndex}`);
}

function requireLoaded(loaded: Loaded | null): Loaded {
  return defined(loaded, 'a loaded strategy');
}

async function guarded<T>(where: string, work: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await work());
  } catch (thrown) {
    return failed(runtimeFailure(thrown, where));
  }
}
