// Runs in the page: model and images through the real workers and runtime.
import type { Result } from '../../../src/base/result.ts';
import { openDataClient } from '../../../src/clients/data-client.ts';
import { openEngineClient } from '../../../src/clients/engine-client.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { createCalibrator } from '../../../src/clients/study-calibration.ts';
import { tryPreprocessings } from '../../../src/clients/try-preprocessings.ts';
import { candidatePreprocessings, guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { bestCandidate, candidateName } from '../../../src/data/rank-preprocessings.ts';
import { scorePredictions } from '../../../src/study/accuracy.ts';
import type { ValueRange } from '../../../src/transforms/quantize/quantization.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

async function fetchBlob(url: string): Promise<Blob> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.blob();
}

const nameOf = (url: string) => url.split('/').at(-1) as string;

/**
 * Top-1 of each recipe over every `step`-th image, with the guessed preprocessing; static int8 is calibrated first.
 * @returns shares of correct images, in the recipes' order, why the images were prepared as they were, and the ranges
 */
export async function accuracyOf(
  modelUrl: string,
  dataUrls: readonly string[],
  recipes: readonly Recipe[],
  step: number,
): Promise<{
  top1: number[];
  images: number;
  reasons: readonly string[];
  calibrations: readonly (readonly [method: string, readonly (readonly [value: string, ValueRange])[]])[];
}> {
  const models = openModelClient();
  const data = openDataClient();
  try {
    const view = value(await models.api.open(await fetchBlob(modelUrl), nameOf(modelUrl), []));
    const files = await Promise.all(
      dataUrls.map(async (url) => ({ path: nameOf(url), file: await fetchBlob(url) })),
    );
    const loaded = value(await data.api.open(files, 'test', () => {}));
    const { items } = loaded.dataset;
    const { preprocessing, reasons } = guessPreprocessing(
      view,
      loaded.dataset,
      loaded.dataset.imageSize ?? null,
    );
    const imageIndices = items.map((_, i) => i).filter((i) => i % step === 0);
    const labels = items.map((item) => item.label);
    const top1: number[] = [];
    const calibrator = createCalibrator(
      { modelId: view.modelId, data: loaded, preprocessing, threads: 1 },
      [],
      recipes,
      () => {},
    );
    for (const recipe of recipes) {
      value(await calibrator.prepare(models.api, recipe, () => {}, new AbortController().signal));
      const { plan, files: variantFiles } = value(await models.api.build(recipe));
      const engine = openEngineClient();
      value(
        await engine.api.load({
          plan,
          files: variantFiles,
          provider: 'wasm',
          threads: 1,
          data: loaded,
          preprocessing,
        }),
      );
      const predictions = value(await engine.api.predict(imageIndices, () => {}));
      engine.terminate();
      const { top1Correct } = scorePredictions(predictions, labels, preprocessing.classOffset, null);
      top1.push((top1Correct ?? 0) / imageIndices.length);
    }
    const calibrations = calibrator.all().map(({ method, ranges }) => [method.kind, [...ranges]] as const);
    return { top1, images: imageIndices.length, reasons, calibrations };
  } finally {
    models.terminate();
    data.terminate();
  }
}

/**
 * Tries the plausible normalisations of a model on labelled images.
 * @param cancelAfter progress reports to wait for before cancelling; null: never
 */
export async function triedNormalisations(
  modelUrl: string,
  dataUrl: string,
  cancelAfter: number | null,
): Promise<{
  outcome: Result<readonly { name: string; correct: number; images: number }[]>;
  best: string | null;
  progress: readonly (readonly [number, number])[];
}> {
  const models = openModelClient();
  const images = openDataClient();
  try {
    const view = value(await models.api.open(await fetchBlob(modelUrl), 'model.onnx', []));
    const files = [{ path: nameOf(dataUrl), file: await fetchBlob(dataUrl) }];
    const data = value(await images.api.open(files, 'test', () => {}));
    const candidates = candidatePreprocessings(view, data.dataset);
    const ends = new AbortController();
    const progress: [number, number][] = [];
    const outcome = await tryPreprocessings(
      { model: models.api, data, candidates, threads: 1 },
      (done, total) => {
        progress.push([done, total]);
        if (progress.length === cancelAfter) ends.abort();
      },
      ends.signal,
    );
    if (!outcome.ok) return { outcome, best: null, progress };
    const best = bestCandidate(outcome.value);
    const scores = outcome.value.map(({ candidate, correct, images: seen }) => ({
      name: candidateName(candidate),
      correct,
      images: seen,
    }));
    return { outcome: { ok: true, value: scores }, best: best && candidateName(best.candidate), progress };
  } finally {
    models.terminate();
    images.terminate();
  }
}
