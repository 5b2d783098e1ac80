// Runs in the page: exits trained and evaluated by the real workers and runtime.
import type { Result } from '../../../src/base/result.ts';
import { openDataClient } from '../../../src/clients/data-client.ts';
import { measureExits } from '../../../src/clients/measure-exits.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { trainExits } from '../../../src/clients/train-exits.ts';
import { guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { splitImages } from '../../../src/study/evaluation-images.ts';
import { evaluateThresholds, NEVER, thresholdTable } from '../../../src/study/thresholds.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

const fetched = async (url: string): Promise<Blob> => (await fetch(url)).blob();

/** Trains an exit at each value on one half of the images, and runs all of them on the other. */
export async function trainedExits(modelUrl: string, dataUrl: string, values: readonly string[]) {
  const [models, files] = [openModelClient(), openDataClient()];
  try {
    const view = value(await models.api.open(await fetched(modelUrl), 'model.onnx', []));
    const archive = [{ path: 'images.zip', file: await fetched(dataUrl) }];
    const data = value(await files.api.open(archive, 'images', () => {}));
    const { dataset } = data;
    const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
    const job = { model: models.api, data, preprocessing, provider: 'wasm', threads: 1 } as const;
    const { signal } = new AbortController();
    const training = { ...job, modelId: view.modelId, values, seed: 1, backbone: [] };
    const heads = value(await trainExits(training, () => {}, signal));
    value(await models.api.useHeads(heads));
    const labels = dataset.items.map(({ label }) => label);
    const { evaluation } = splitImages(labels);
    const recipe = [{ op: 'early-exit', kind: 'trained', at: values }] as const;
    const pass = value(await measureExits({ ...job, recipe, imageIndices: evaluation }, () => {}, signal));
    const table = thresholdTable(
      pass,
      'max-softmax',
      evaluation.map((image) => labels[image] ?? null),
    );
    return heads.map(({ width, training: { validationAccuracy, ...counts } }, exit) => ({
      width,
      validationAccuracy,
      images: {
        training: counts.trainingImages + counts.validationImages,
        heldBack: counts.validationImages,
        evaluation: evaluation.length,
      },
      accuracy: evaluateThresholds(
        table,
        pass.exits.slice(1).map((_, each) => (each < exit ? NEVER : 0)),
      ).accuracy,
    }));
  } finally {
    models.terminate();
    files.terminate();
  }
}
