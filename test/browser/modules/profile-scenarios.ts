// Runs in the page: everything here uses the real clients, workers and runtime.
import type { Result } from '../../../src/base/result.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { profileModel, profileVariant } from '../../../src/clients/profile-model.ts';
import { guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import { timeDifference } from '../../../src/study/explain/time-difference.ts';
import type { ProfileProgress } from '../../../src/study/progress.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/** Profiles a gallery model on noise, and tells which nodes took how long. */
export async function profileOf(url: string, threads: number) {
  const blob = await (await fetch(url)).blob();
  const client = openModelClient();
  const view = value(await client.api.open(blob, 'model.onnx', []));
  const { dataset, pack } = noiseDataset({ width: 224, height: 224, channels: 3 }, 4);
  const data = { dataset, pack: new Blob([pack]) };
  const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
  const request = { model: client.api, view, data, preprocessing, provider: 'wasm' as const, threads };
  const steps: string[] = [];
  const told = (progress: ProfileProgress) => steps.push(progress.step);
  const profile = value(await profileModel(request, new AbortController().signal, told));
  // Once more, given up as soon as it runs.
  const control = new AbortController();
  const cancelled = await profileModel(request, control.signal, ({ step }) => {
    if (step === 'running') control.abort();
  });
  client.terminate();
  return {
    steps,
    cancelled: cancelled.ok ? 'finished' : cancelled.failure.code,
    guessedShare: profile.guessedShare,
    betweenNodesShare: profile.betweenNodesShare,
    runs: profile.runs,
    source: profile.source,
    imageBytes: profile.imageBytes,
    preprocessMs: profile.preprocessMs,
    nodes: view.nodes.map(({ index, opType, macs }) => ({ opType, macs, ms: profile.nodeMs[index] ?? 0 })),
  };
}

/** Profiles the bundled model and a variant of it on noise, and sets their times beside each other. */
export async function explained(recipe: Recipe) {
  const blob = await (await fetch('/samples/digits.onnx')).blob();
  const client = openModelClient();
  const view = value(await client.api.open(blob, 'model.onnx', []));
  const { dataset, pack } = noiseDataset({ width: 32, height: 32, channels: 3 }, 4);
  const data = { dataset, pack: new Blob([pack]) };
  const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
  const request = { model: client.api, view, data, preprocessing, provider: 'wasm' as const, threads: 1 };
  const timesOf = async (variant: Recipe) =>
    value(await profileVariant({ ...request, variant }, new AbortController().signal, () => {}));
  const before = { name: 'identity', latencyMs: 10, ...(await timesOf([{ op: 'identity' }])) };
  const after = { name: 'variant', latencyMs: 5, ...(await timesOf(recipe)) };
  client.terminate();
  return timeDifference(view, before, after);
}
