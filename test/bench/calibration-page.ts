// Runs in the page: the real model worker, engine and counting worker, on noise.
import type { Result } from '../../src/base/result.ts';
import { calibrate } from '../../src/clients/calibrate.ts';
import { openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../src/data/noise-dataset.ts';
import type { RangeOptions } from '../../src/transforms/quantize/calibrate/range-method.ts';
import { cifarResNet } from './cifar-resnet.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/**
 * Runs images through a model and calibrates it with them, taking turns at going first.
 * @returns of each turn, milliseconds from starting the worker that runs the model to the last image, or to the
 *   ranges; and milliseconds an image while it ran, NaN where that was too short to tell
 */
export async function compareCalibration(task: {
  /** Null: a ResNet-20 of noise. */
  readonly url: string | null;
  readonly size: number;
  readonly images: number;
  readonly threads: number;
  readonly options: RangeOptions;
  readonly turns: number;
}) {
  const { images, threads } = task;
  const client = openModelClient();
  const file = task.url === null ? new Blob([cifarResNet()]) : await (await fetch(task.url)).blob();
  const view = value(await client.api.open(file, 'model.onnx', []));
  const { plan, files } = value(await client.api.build([{ op: 'identity' }]));
  const turns: Turn[] = [];
  for (let turn = 0; turn < task.turns; turn++) {
    const noise = noiseDataset({ width: task.size, height: task.size, channels: 3 }, images);
    // Other images each time, as far as the lab knows: nothing is kept from the turn before.
    const dataset = { ...noise.dataset, id: `turn ${turn}` };
    const data = { dataset, pack: new Blob([noise.pack]) };
    const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
    const runs = {
      // Both start a worker and load the model.
      plain: async (told: (done: number) => void) => {
        told(0);
        const engine = openEngineClient();
        value(await engine.api.load({ plan, files, provider: 'wasm', threads, data, preprocessing }));
        value(
          await engine.api.predict(
            Array.from({ length: images }, (_, image) => image),
            told,
          ),
        );
        engine.terminate();
        return 0;
      },
      calibration: async (told: (done: number) => void) => {
        const recipe: Recipe = [{ op: 'quantize', mode: 'static', ...task.options, samples: images }];
        const job = { model: client.api, modelId: view.modelId, data, preprocessing, threads, recipe };
        const outcome = await calibrate(job, ({ done }) => told(done), new AbortController().signal);
        return value(outcome).ranges.size;
      },
    };
    const order = turn % 2 === 0 ? (['plain', 'calibration'] as const) : (['calibration', 'plain'] as const);
    const timed = { plain: none, calibration: none };
    for (const kind of order) timed[kind] = await timedRun(runs[kind]);
    turns.push(timed);
  }
  client.terminate();
  return turns;
}

interface Timed {
  readonly totalMs: number;
  readonly imageMs: number;
  readonly values: number;
}

interface Turn {
  readonly plain: Timed;
  readonly calibration: Timed;
}

const none: Timed = { totalMs: Number.NaN, imageMs: Number.NaN, values: 0 };

async function timedRun(run: (told: (done: number) => void) => Promise<number>): Promise<Timed> {
  const told: { readonly done: number; readonly atMs: number }[] = [];
  const values = await run((done) => told.push({ done, atMs: performance.now() }));
  const totalMs = performance.now() - (told[0]?.atMs ?? Number.NaN);
  const [, first, last] = [told[0], told[1], told.at(-1)];
  const imageMs =
    first && last && last.done > first.done
      ? (last.atMs - first.atMs) / (last.done - first.done)
      : Number.NaN;
  return { totalMs, imageMs, values };
}
