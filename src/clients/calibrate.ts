import * as Comlink from 'comlink';
import { defined } from '../base/assert.ts';
import { type Failure, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { DecodedImages } from '../protocol/engine-api.ts';
import type { CalibrationFiles, ModelApi } from '../protocol/model-api.ts';
import { imagesToCalibrateWith } from '../study/evaluation-images.ts';
import {
  calibratedKey,
  type Calibration,
  staticOperatorOf,
} from '../transforms/quantize/calibrate/calibration.ts';
import { needsCounts, rangeMethod } from '../transforms/quantize/calibrate/range-method.ts';
import { STATIC_DEFAULTS } from '../transforms/quantize/quantize-operator.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { openEngineClient } from './engine-client.ts';
import { openSketchClient, type SketchClient } from './sketch-client.ts';

/** With more than this share of broken images, something is wrong with all. */
const MOST_UNDECODABLE = 0.05;

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

/** What was seen of one model on the same images; its worker holds the sketches. */
interface Sketches {
  readonly key: string;
  readonly client: SketchClient;
  /** For each value, whether it was counted. */
  readonly values: Map<string, boolean>;
  /** How many images were seen, and why the first of the others was not. */
  images: number;
  /** How long all passes took. */
  elapsedMs: number;
}

/** Of the last model: another method, or a form that needs a few values more, need not run all images again. */
let kept: Sketches | null = null;

/**
 * Calibrates the float model of a recipe: one pass over images of the training half, in the runtime on the CPU,
 * whatever the study runs on, while another worker counts what each value holds.
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
  const images = imagesToCalibrateWith(
    data.dataset.items.map(({ label }) => label),
    samples,
  );
  if (images.length === 0) return failed(noImages);
  const built = await job.model.buildForCalibration(recipe, job.others);
  if (!built.ok) return built;
  if (signal.aborted) return failed(cancelled);
  const before = calibratedKey(recipe);
  const sketches = sketchesOf(JSON.stringify([modelId, data.dataset.id, preprocessing, before, samples]));
  const seen = await completeSketches(
    job,
    needsCounts(method),
    sketches,
    built.value,
    images,
    onProgress,
    signal,
  );
  if (!seen.ok) {
    // What was seen in part would count twice.
    forget(sketches);
    return seen;
  }
  const wanted = [...built.value.inputs, ...built.value.values];
  const found = await sketches.client.api.ranges(wanted, method);
  if (!found.ok) {
    forget(sketches);
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
    images: sketches.images,
    elapsedMs: sketches.elapsedMs,
    ranges: new Map(ranges),
    notFinite,
    warnings: warningsOf(sketches.images, samples, images.length, notFinite),
  });
}

function sketchesOf(key: string): Sketches {
  if (kept?.key === key) return kept;
  kept?.client.terminate();
  kept = { key, client: openSketchClient(), values: new Map(), images: 0, elapsedMs: 0 };
  return kept;
}

function forget(sketches: Sketches): void {
  sketches.client.terminate();
  if (kept === sketches) kept = null;
}

/** Runs the images for those values that were not seen yet, if there are any. */
async function completeSketches(
  { data, preprocessing, threads }: CalibrationJob,
  withCounts: boolean,
  sketches: Sketches,
  { plan, files, values, inputs }: CalibrationFiles,
  images: readonly number[],
  onProgress: (progress: CalibrationProgress) => void,
  signal: AbortSignal,
): Promise<Result<null>> {
  const isMissing = (value: string): boolean => {
    const isCounted = sketches.values.get(value);
    return isCounted === undefined || (withCounts && !isCounted);
  };
  const outputs = values.flatMap((value, at) => {
    const name = plan.segments[0]?.outputs[at]?.name;
    return name !== undefined && isMissing(value) ? [{ value, name }] : [];
  });
  const missingInputs = inputs.filter(isMissing);
  if (outputs.length + missingInputs.length === 0) return ok(null);
  const startedMs = performance.now();
  const engine = openEngineClient();
  const stop = () => {
    engine.terminate();
    sketches.client.terminate();
  };
  signal.addEventListener('abort', stop);
  try {
    const total = images.length;
    onProgress({ done: 0, total });
    const loaded = await engine.api.load({ plan, files, provider: 'wasm', threads, data, preprocessing });
    if (!loaded.ok) return loaded;
    const { port1, port2 } = new MessageChannel();
    const names = [...outputs.map(({ value }) => value), ...missingInputs];
    const receiving = await sketches.client.api.receive(Comlink.transfer(port1, [port1]), names, withCounts);
    if (!receiving.ok) return receiving;
    const outcome = await engine.api.activations(
      {
        imageIndices: images,
        outputs: outputs.map(({ name }) => name),
        withInput: missingInputs.length > 0,
      },
      Comlink.transfer(port2, [port2]),
      (done) => onProgress({ done, total }),
    );
    if (!outcome.ok) return outcome;
    const broken = tooManyBroken(outcome.value, total);
    if (broken) return failed(broken);
    for (const name of names) sketches.values.set(name, withCounts);
    sketches.images = outcome.value.imageIndices.length;
    sketches.elapsedMs += performance.now() - startedMs;
    return ok(null);
  } finally {
    signal.removeEventListener('abort', stop);
    engine.terminate();
  }
}

function tooManyBroken({ imageIndices, undecodable }: DecodedImages, total: number): Failure | null {
  const broken = total - imageIndices.length;
  if (undecodable === null || broken <= MOST_UNDECODABLE * total) return null;
  return {
    ...undecodable,
    message: `Found ${broken} of ${total} calibration images that cannot be decoded, wanted at most ${100 * MOST_UNDECODABLE} %. The first: ${undecodable.message}`,
  };
}

function warningsOf(
  images: number,
  samples: number,
  chosen: number,
  notFinite: readonly string[],
): readonly string[] {
  const warnings: string[] = [];
  if (chosen < samples) {
    warnings.push(
      `Calibrated with ${images} ${images === 1 ? 'image' : 'images'}, all there are, instead of ${samples}: larger activations of other images will be clipped.`,
    );
  } else if (images < chosen) {
    warnings.push(
      `${chosen - images} of ${chosen} calibration images could not be decoded and were left out.`,
    );
  }
  if (notFinite.length > 0) {
    warnings.push(
      `Activations are not finite at ${named(notFinite)}: what reads or makes them stays in floats.`,
    );
  }
  return warnings;
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

const cancelled: Failure = { code: 'cancelled', message: 'The calibration was cancelled.' };
