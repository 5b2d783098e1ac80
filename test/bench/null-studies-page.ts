// Runs in the page: real studies of strategies that are one and the same.
import { detectEnvironment } from '../../src/clients/capabilities.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { createPauseGate } from '../../src/clients/pause-gate.ts';
import { runStudy } from '../../src/clients/run-study.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../src/data/noise-dataset.ts';
import { newStudy } from '../../src/study/new-study.ts';
import { PROTOCOLS } from '../../src/study/plan.ts';
import { makeStrategy } from '../../src/study/strategy-id.ts';
import type { Study } from '../../src/study/trial.ts';

/** Measures copies of the unchanged model, each in a worker of its own, with the standard protocol. */
export async function measureCopies(task: {
  readonly url: string;
  readonly size: number;
  readonly copies: number;
  readonly seed: number;
}): Promise<Study> {
  const modelFile = await (await fetch(task.url)).blob();
  const client = openModelClient();
  const opened = await client.api.open(modelFile, 'model.onnx', []);
  client.terminate();
  if (!opened.ok) throw new Error(opened.failure.message);
  const environment = await detectEnvironment();
  const noise = noiseDataset({ width: task.size, height: task.size, channels: 3 }, 20);
  const data = { dataset: noise.dataset, pack: new Blob([noise.pack]) };
  const { preprocessing } = guessPreprocessing(opened.value, noise.dataset, noise.dataset.imageSize ?? null);
  const { modelId } = opened.value;
  const subject = {
    name: 'copies',
    modelId,
    modelName: 'model.onnx',
    datasetId: data.dataset.id,
    datasetName: data.dataset.name,
    classNames: [],
    preprocessing,
    protocol: { ...PROTOCOLS.standard, seed: task.seed },
    environment,
  };
  const strategies = Array.from({ length: task.copies }, (_, copy) => {
    const name = `copy ${copy}`;
    // The same recipe has the same id, and would be measured once.
    return {
      ...makeStrategy(modelId, { name, recipe: [{ op: 'identity' }] }, 'wasm', 1),
      id: `copy-${copy}`,
    };
  });
  const study = newStudy(subject, strategies, Date.now());
  const inputs = { modelFile, fileName: 'model.onnx', externalFiles: [], data, environment };
  const control = { signal: new AbortController().signal, gate: createPauseGate() };
  const measured = await runStudy(study, inputs, { onTrial: () => {}, onProgress: () => {} }, control);
  if (!measured.ok) throw new Error(measured.failure.message);
  return measured.value;
}
