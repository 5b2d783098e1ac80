// Runs in the page, on the project's own clients and workers.
import type { Result } from '../../src/base/result.ts';
import { shuffled, seededRandom } from '../../src/base/random.ts';
import { openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import type { LoadedDataset } from '../../src/protocol/data-api.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/** One grey image of this size. */
function greyImage(width: number, height: number): LoadedDataset {
  const encoding = { kind: 'pixels', width, height, channels: 3 } as const;
  const length = width * height * 3;
  return {
    dataset: {
      id: 'grey',
      name: 'grey',
      items: [{ name: 'grey', label: null, offset: 0, length, encoding }],
      classNames: [],
      labelSource: 'none',
      warnings: [],
    },
    pack: new Blob([new Uint8Array(length).fill(128)]),
  };
}

/**
 * Latencies of one model in the lab's engine and in a bare loop around `session.run`, each in its own worker with
 * one thread, taking turns in random order.
 * @returns one entry per round
 * @param url of the model; its input is `[1, channels, size, size]`
 */
export async function compareLatency(
  url: string,
  channels: 1 | 3,
  size: number,
  rounds: number,
  runsPerRound: number,
): Promise<readonly { readonly labMs: readonly number[]; readonly bareMs: readonly number[] }[]> {
  const models = openModelClient();
  value(await models.api.open(await (await fetch(url)).blob(), 'model.onnx', []));
  const { plan, files } = value(await models.api.build([{ op: 'identity' }]));
  const engine = openEngineClient();
  const preprocessing = {
    inputName: plan.input.name,
    layout: 'NCHW',
    height: size,
    width: size,
    channels,
    channelOrder: 'RGB',
    fit: { kind: 'stretch' },
    scale: 1 / 255,
    mean: channels === 1 ? [0] : [0, 0, 0],
    std: channels === 1 ? [1] : [1, 1, 1],
    dataType: 'float32',
    invert: false,
    classOffset: 0,
  } as const;
  const data = greyImage(size, size);
  value(await engine.api.load({ plan, files, provider: 'wasm', threads: 1, data, preprocessing }));

  const bare = new Worker(new URL('./bare-loop-worker.ts', import.meta.url), { type: 'module' });
  const runBare = (runs: number, model?: Blob) =>
    new Promise<number[]>((resolve, reject) => {
      bare.onmessage = (event: MessageEvent<number[]>) => resolve(event.data);
      bare.onerror = (event) => reject(new Error(event.message));
      const dims = [1, channels, size, size];
      bare.postMessage({ inputName: plan.input.name, dims, runs, ...(model && { model }) });
    });
  const runLab = async (round: number) => {
    const imageIndices = Array.from({ length: runsPerRound }, () => 0);
    const batch = { imageIndices, round, warmUp: false, firstSequence: 0 };
    return value(await engine.api.measure(batch)).map((sample) => sample.computeMs);
  };
  await runBare(10, files[0]?.blob);
  await runLab(0);

  const random = seededRandom(1);
  const results = [];
  for (let round = 0; round < rounds; round++) {
    let labMs: readonly number[] = [];
    let bareMs: readonly number[] = [];
    for (const side of shuffled(['lab', 'bare'], random)) {
      if (side === 'lab') labMs = await runLab(round);
      else bareMs = await runBare(runsPerRound);
    }
    results.push({ labMs, bareMs });
  }
  models.terminate();
  engine.terminate();
  bare.terminate();
  return results;
}
