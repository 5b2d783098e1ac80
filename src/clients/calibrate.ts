import * as Comlink from 'comlink';
import { defined } from '../base/assert.ts';
import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { DecodedImages, EngineApi, EngineLoad } from '../protocol/engine-api.ts';
import type { CalibrationFiles, ModelApi } from '../protocol/model-api.ts';
import type { SketchedRanges } from '../protocol/sketch-api.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import {
  calibratedKey,
  type Calibration,
  staticOperatorOf,
} from '../transforms/quantize/calibrate/calibration.ts';
import { type Extremes, extremesIn } from '../transforms/quantize/calibrate/extremes-model.ts';
import {
  needsCounts,
  rangeBetween,
  rangeMethod,
  type RangeMethod,
} from '../transforms/quantize/calibrate/range-method.ts';
import { STATIC_DEFAULTS } from '../transforms/quantize/quantize-operator.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { tooManyBroken } from './decoded-images.ts';
import { inEngine } from './in-engine.ts';
import { openSketchClient, type SketchClient } from './sketch-client.ts';

export interface CalibrationJob {
  /** With the model open, and the heads of its trained exits. */
  readonly model: ModelApi;
  readonly modelId: string;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  /** With a static quantize operator. */
  readonly recipe: Recipe;
  /** Recipes that need the same calibration, perhaps of other values: seen in the same pass. */
  readonly others?: readonly Recipe[];
}

/** Images done, of all. */
export interface CalibrationProgress {
  readonly done: number;
  readonly total: number;
}

/** What was seen of one model on the same images. */
interface Seen {
  readonly key: string;
  readonly extremes: Map<string, Extremes>;
  /** The values that were counted, in a worker that holds their sketches. */
  readonly counted: Set<string>;
  counting: SketchClient | null;
  /** How many images there were: those that could be decoded. */
  images: number;
  /** How long all passes took. */
  elapsedMs: number;
}

/** Of the last model: another method, or a form that needs a few values more, need not run all images again. */
let kept: Seen | null = null;

/**
 * Calibrates the float model of a recipe: one pass over images of the training half, in the runtime on the CPU,
 * whatever the study runs on. Where extremes are enough the runtime finds them; else another worker counts what each
 * value holds.
 * @param signal cancels at once
 */
export async function calibrate(
  job: CalibrationJob,
  onProgress: (progress: CalibrationProgress) => void,
  signal: AbortSignal,
): Promise<Result<Calibration>> {
  const { modelId, data, preprocessing, recipe } = job;
  const operator = defined(staticOperatorOf(recipe), 'a static operator');
  const { samples = STATIC_DEFAULTS.samples } = operator;
  const method = rangeMethod(operator);
  const chosen = imagesToCalibrateWith(
    data.dataset.items.map(({ label }) => label),
    samples,
  );
  // Random inputs are the same every time.
  const images = preprocessing.random ? chosen.slice(0, 1) : chosen;
  if (images.length === 0) return failed(noImages);
  const shows = needsCounts(method) ? 'numbers' : 'extremes';
  const built = await job.model.buildForCalibration(recipe, job.others ?? [], shows);
  if (!built.ok) return built;
  if (signal.aborted) return failed(cancelled);
  const before = calibratedKey(recipe);
  const seen = seenOf(JSON.stringify([modelId, data.dataset.id, preprocessing, before, samples]));
  const wanted = [...new Set([...built.value.inputs, ...built.value.values])];
  const pass: Pass = { job, files: built.value, images, seen, onProgress, signal };
  const found = await (shows === 'extremes' && !wanted.every((value) => seen.counted.has(value))
    ? rangesBetweenExtremes(pass, wanted, method)
    : rangesOfCounts(pass, wanted, method));
  if (!found.ok) {
    // What was seen in part would count twice.
    forget(seen);
    return found;
  }
  const { ranges, notFinite } = found.value;
  if (2 * notFinite.length > wanted.length) return failed(noNumbers(notFinite, wanted.length));
  return ok({
    modelId,
    datasetId: data.dataset.id,
    before,
    method,
    samples,
    images: seen.images,
    elapsedMs: seen.elapsedMs,
    ranges: new Map(ranges),
    notFinite,
    warnings: [
      ...(preprocessing.random ? [RANDOM_NOTE] : warningsOfImages(seen.images, samples, images.length)),
      ...warningsOfValues(notFinite),
    ],
  });
}

function seenOf(key: string): Seen {
  if (kept?.key === key) return kept;
  if (kept !== null) forget(kept);
  kept = { key, extremes: new Map(), counted: new Set(), counting: null, images: 0, elapsedMs: 0 };
  return kept;
}

function forget(seen: Seen): void {
  seen.counting?.terminate();
  if (kept === seen) kept = null;
}

/** A run of the images through the model that shows values. */
interface Pass {
  readonly job: CalibrationJob;
  readonly files: CalibrationFiles;
  readonly images: readonly number[];
  readonly seen: Seen;
  readonly onProgress: (progress: CalibrationProgress) => void;
  readonly signal: AbortSignal;
}

async function rangesBetweenExtremes(
  pass: Pass,
  wanted: readonly string[],
  method: RangeMethod,
): Promise<Result<SketchedRanges>> {
  const { files, seen } = pass;
  if (!wanted.every((value) => seen.extremes.has(value))) {
    const found: ReadonlyMap<string, Extremes>[] = [];
    const outcome = await runImages(pass, partsAtOnce(pass), async (engine, part, onDone) => {
      const told = await engine.features(part, onDone);
      if (!told.ok) return told;
      const rows = told.value.rows[0] ?? new Float32Array(0);
      found.push(extremesIn(rows, [...files.inputs, ...files.values]));
      return told;
    });
    if (!outcome.ok) return outcome;
    for (const part of found) for (const [name, each] of part) widen(seen.extremes, name, each);
  }
  const known = wanted.map((value) => [value, defined(seen.extremes.get(value), value)] as const);
  const isSymmetric = method.kind === 'minmax' && method.symmetric;
  return ok({
    ranges: known.flatMap(([value, each]) =>
      each.isFinite ? [[value, rangeBetween(each, isSymmetric)] as const] : [],
    ),
    notFinite: known.flatMap(([value, { isFinite }]) => (isFinite ? [] : [value])),
  });
}

function widen(extremes: Map<string, Extremes>, name: string, { low, high, isFinite }: Extremes): void {
  const other = extremes.get(name);
  extremes.set(name, {
    low: Math.min(low, other?.low ?? Infinity),
    high: Math.max(high, other?.high ?? -Infinity),
    isFinite: isFinite && (other?.isFinite ?? true),
  });
}

/** Counts what those values hold that were not counted yet, if there are any. */
async function rangesOfCounts(
  pass: Pass,
  wanted: readonly string[],
  method: RangeMethod,
): Promise<Result<SketchedRanges>> {
  const { files, images, seen } = pass;
  const counting = (seen.counting ??= openSketchClient());
  const outputs = files.values.flatMap((value, at) => {
    const name = files.plan.segments[0]?.outputs[at]?.name;
    return name !== undefined && !seen.counted.has(value) ? [{ value, name }] : [];
  });
  const inputs = files.inputs.filter((value) => !seen.counted.has(value));
  if (outputs.length + inputs.length > 0) {
    const names = [...outputs.map(({ value }) => value), ...inputs];
    // One after another: where bins lie depends on what came first.
    const inOrder = { parts: [images], threads: pass.job.threads };
    const outcome = await runImages(pass, inOrder, async (engine, part, onDone) => {
      const { port1, port2 } = new MessageChannel();
      const receiving = await counting.api.receive(Comlink.transfer(port1, [port1]), names);
      if (!receiving.ok) return receiving;
      return engine.activations(
        { imageIndices: part, outputs: outputs.map(({ name }) => name), inputs },
        Comlink.transfer(port2, [port2]),
        onDone,
      );
    });
    if (!outcome.ok) return outcome;
    for (const name of names) seen.counted.add(name);
  }
  return counting.api.ranges(wanted, method);
}

/** Lets engines of their own run the images, a part each, and notes how many there were and how long it took. */
async function runImages(
  { job: { data, preprocessing }, files: { plan, files }, images, seen, onProgress, signal }: Pass,
  { parts, threads }: { readonly parts: readonly (readonly number[])[]; readonly threads: number },
  run: (
    engine: EngineApi,
    part: readonly number[],
    onDone: (done: number) => void,
  ) => Promise<Result<DecodedImages>>,
): Promise<Result<null>> {
  const startedMs = performance.now();
  const total = images.length;
  const done = parts.map(() => 0);
  const tell = (part: number, count: number) => {
    done[part] = count;
    onProgress({ done: done.reduce((sum, each) => sum + each, 0), total });
  };
  onProgress({ done: 0, total });
  const variant: EngineLoad = { plan, files, provider: 'wasm', threads, data, preprocessing };
  const all = allDecoded(
    await Promise.all(
      parts.map((part, at) =>
        inEngine(variant, signal, cancelled, (engine) => run(engine, part, (count) => tell(at, count))),
      ),
    ),
  );
  if (!all.ok) return all;
  // What is told of the last image may come after the answer, and is lost then.
  onProgress({ done: total, total });
  const broken = tooManyBroken(all.value, total, 'calibration images');
  if (broken) return failed(broken);
  seen.images = all.value.imageIndices.length;
  seen.elapsedMs += performance.now() - startedMs;
  return ok(null);
}

function allDecoded(outcomes: readonly Result<DecodedImages>[]): Result<DecodedImages> {
  const imageIndices: number[] = [];
  let undecodable: Failure | null = null;
  for (const outcome of outcomes) {
    if (!outcome.ok) return outcome;
    imageIndices.push(...outcome.value.imageIndices);
    undecodable ??= outcome.value.undecodable;
  }
  return ok({ imageIndices, undecodable });
}

/** Multiply-accumulates, of all images: less is done sooner than a second engine starts. */
const LEAST_MACS_OF_TWO_ENGINES = 7e9;
/** Each engine has a copy of the model in its heap. */
const LARGEST_MODEL_OF_TWO_ENGINES = 150e6;

/**
 * Where the order of images does not matter two engines take turns at them: inference with half the threads, twice
 * at a time, is at least as fast as with all, and uses a core that one thread leaves idle.
 */
function partsAtOnce({ images, files, job }: Pass): {
  readonly parts: readonly (readonly number[])[];
  readonly threads: number;
} {
  const { threads } = job;
  if (
    images.length < 2 ||
    images.length * files.macs < LEAST_MACS_OF_TWO_ENGINES ||
    navigator.hardwareConcurrency < 2 ||
    files.rawBytes > LARGEST_MODEL_OF_TWO_ENGINES
  ) {
    return { parts: [images], threads };
  }
  return {
    parts: [0, 1].map((part) => images.filter((_, at) => at % 2 === part)),
    threads: Math.max(1, Math.floor(threads / 2)),
  };
}

const RANDOM_NOTE = 'Calibrated with random inputs: good for latency and size, not for use.';

function warningsOfImages(images: number, samples: number, chosen: number): readonly string[] {
  if (chosen < samples) {
    return [
      `Calibrated with ${images} ${images === 1 ? 'image' : 'images'}, all there are, instead of ${samples}: larger activations of other images will be clipped.`,
    ];
  }
  if (images === chosen) return [];
  return [`${chosen - images} of ${chosen} calibration images could not be decoded and were left out.`];
}

function warningsOfValues(notFinite: readonly string[]): readonly string[] {
  return notFinite.length === 0
    ? []
    : [`Activations are not finite at ${named(notFinite)}: what reads or makes them stays in floats.`];
}

function named(values: readonly string[]): string {
  const rest = values.length - 3;
  return (
    values
      .slice(0, 3)
      .map((value) => `"${value}"`)
      .join(', ') + (rest > 0 ? ` and ${rest} more` : '')
  );
}

function noNumbers(notFinite: readonly string[], count: number): Failure {
  const [first = ''] = notFinite;
  return {
    code: 'calibration-not-finite',
    message: `quantize: found infinite or undefined activations at ${notFinite.length} of ${count} values, the first at "${first}"`,
    where: first,
    hint: 'Check that images are prepared as the model wants them, and that its weights are finite.',
  };
}

const noImages: Failure = {
  code: 'no-calibration-images',
  message: 'quantize: found no images, wanted some to calibrate the ranges of activations with',
  hint: 'Open images, or use "mode": "dynamic", which needs none.',
};

const cancelled = cancellation('The calibration');
