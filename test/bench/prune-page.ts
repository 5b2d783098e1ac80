// Runs in the page: the real workers and runtime, on noise.
import type { Result } from '../../src/base/result.ts';
import { type EngineClient, openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../src/data/noise-dataset.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';

const provider = 'wasm';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/**
 * Times recipes of a model in turns, each in a worker of its own.
 * @returns for each recipe its times, round by round
 */
export async function timeRecipes(task: {
  readonly url: string;
  readonly size: number;
  readonly rounds: number;
  readonly threads: number;
  readonly recipes: readonly Recipe[];
}): Promise<readonly (readonly number[])[]> {
  const { size, threads } = task;
  const client = openModelClient();
  const view = value(await client.api.open(await (await fetch(task.url)).blob(), 'model.onnx', []));
  const noise = noiseDataset({ width: size, height: size, channels: 3 }, 1);
  const data = { dataset: noise.dataset, pack: new Blob([noise.pack]) };
  const { preprocessing } = guessPreprocessing(view, noise.dataset, noise.dataset.imageSize ?? null);
  const engines: EngineClient[] = [];
  for (const recipe of task.recipes) {
    const { plan, files } = value(await client.api.build(recipe));
    const engine = openEngineClient();
    value(await engine.api.load({ plan, files, provider, threads, data, preprocessing }));
    engines.push(engine);
  }
  const timesMs = task.recipes.map((): number[] => []);
  for (let round = -1; round < task.rounds; round++) {
    for (const [at, engine] of engines.entries()) {
      const batch = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };
      const [sample] = value(await engine.api.measure(batch));
      if (round >= 0 && sample) timesMs[at]?.push(sample.computeMs);
    }
  }
  for (const engine of engines) engine.terminate();
  client.terminate();
  return timesMs;
}
