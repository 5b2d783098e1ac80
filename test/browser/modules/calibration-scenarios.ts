// Runs in the page: everything here uses the real clients, workers and runtime.
import type { Result } from '../../../src/base/result.ts';
import { calibrate, type CalibrationJob } from '../../../src/clients/calibrate.ts';
import { openDataClient } from '../../../src/clients/data-client.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { loadCalibrations, saveCalibrations } from '../../../src/persist/calibrations.ts';
import type { RangeOptions } from '../../../src/transforms/quantize/calibrate/range-method.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

const never = new AbortController().signal;

/** Calibrates the bundled model by each method on all images, and pruned on a few, given up in between. */
export async function calibrateSample(methods: readonly RangeOptions[]) {
  const file = async (name: string) => new File([await (await fetch(`/samples/${name}`)).blob()], name);
  const dataClient = openDataClient();
  const zip = { path: 'digits.zip', file: await file('digits.zip') };
  const data = value(await dataClient.api.open([zip], 'digits.zip', () => {}));
  dataClient.terminate();
  const client = openModelClient();
  const view = value(await client.api.open(await file('digits.onnx'), 'digits.onnx', []));
  const { preprocessing } = guessPreprocessing(view, data.dataset, data.dataset.imageSize ?? null);
  const job = (options: RangeOptions, samples: number, before: Recipe = []): CalibrationJob => ({
    model: client.api,
    modelId: view.modelId,
    data,
    preprocessing,
    threads: 1,
    recipe: [...before, { op: 'quantize', mode: 'static', ...options, samples }],
  });
  const progress: number[][] = [];
  const run = async (...asked: Parameters<typeof job>) => {
    const told: number[] = [];
    progress.push(told);
    return value(await calibrate(job(...asked), ({ done }) => told.push(done), never));
  };
  // One more than there are.
  const all = [];
  for (const options of methods) all.push(await run(options, 451));
  const entropy = { calibration: 'entropy' } as const;
  const pruned: Recipe = [{ op: 'prune', kind: 'unstructured', ratio: 0.7 }];
  const few = [await run({}, 40, pruned)];
  const control = new AbortController();
  const cancelled = await calibrate(job(entropy, 40, pruned), () => control.abort(), control.signal);
  // What it has seen must not count.
  few.push(await run(entropy, 40, pruned));
  client.terminate();
  const subject = { modelId: view.modelId, datasetId: data.dataset.id, preprocessing };
  const [first] = all;
  if (first === undefined) throw new Error('no method');
  value(await saveCalibrations(subject, all));
  value(await saveCalibrations(subject, [{ ...first, ranges: new Map([['more', { low: 0, high: 1 }]]) }]));
  const kept = await loadCalibrations(subject);
  const strangers = await loadCalibrations({ ...subject, datasetId: 'others' });
  return {
    kept: kept.map(({ method, ranges }) => [method.kind, ranges.size] as const),
    strangers: strangers.length,
    all: all.map(({ ranges, images, warnings }) => ({ ranges: [...ranges], images, warnings })),
    few: few.map(({ ranges, images, warnings }) => ({ ranges: [...ranges], images, warnings })),
    lastDone: progress.map((told) => told.at(-1) ?? null),
    cancelled: cancelled.ok ? 'finished' : cancelled.failure.code,
  };
}
