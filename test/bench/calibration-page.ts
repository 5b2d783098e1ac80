// Runs in the page: the real model worker, engine and counting worker, on noise.
import type { Result } from '../../src/base/result.ts';
import { calibrate } from '../../src/clients/calibrate.ts';
import { openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../src/data/noise-dataset.ts';
import type { RangeOptions } from '../../src/transforms/quantize/calibrate/range-method.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/**
 * Runs images through a model and calibrates it with them, taking turns.
 * @returns milliseconds of each turn, from starting the worker that runs the model to the last image, or to the ranges
 */
export async function compareCalibration(task: {
  readonly url: string;
  readonly size: number;
  readonly images: number;
  readonly threads: number;
  readonly options: RangeOptions;
  readonly turns: number;
}) {
  const { images, threads } = task;
  const client = openModelClient();
  const view = value(await client.api.open(await (await fetch(task.url)).blob(), 'model.onnx', []));
  const { plan, files } = value(await client.api.build([{ op: 'identity' }]));
  const plainMs: number[] = [];
  const calibrationMs: number[] = [];
  for (let turn = 0; turn < task.turns; turn++) {
    const noise = noiseDataset({ width: task.size, height: task.size, channels: 3 }, images);
    // Other images each time, as far as the lab knows: nothing is kept from the turn before.
    const dataset = { ...noise.dataset, id: `turn ${turn}` };
    const data = { dataset, pack: new Blob([noise.pack]) };
    const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
    const all = Array.from({ length: images }, (_, image) => image);
    const startedMs = performance.now();
    // Both start a worker and load the model.
    const engine = openEngineClient();
    value(await engine.api.load({ plan, files, provider: 'wasm', threads, data, preprocessing }));
    value(await engine.api.predict(all, () => {}));
    engine.terminate();
    plainMs.push(performance.now() - startedMs);
    let firstMs = Number.NaN;
    const calibration = value(
      await calibrate(
        {
          model: client.api,
          modelId: view.modelId,
          data,
          preprocessing,
          threads,
          recipe: [{ op: 'quantize', mode: 'static', ...task.options, samples: images }],
        },
        ({ done }) => {
          if (done === 0) firstMs = performance.now();
        },
        new AbortController().signal,
      ),
    );
    calibrationMs.push(performance.now() - firstMs);
    if (turn === task.turns - 1) {
      client.terminate();
      return { plainMs, calibrationMs, values: calibration.ranges.size };
    }
  }
  throw new Error('no turns');
}
