// Runs in the page: everything here uses the real clients, workers and runtime.
import { seededRandom } from '../../../src/base/random.ts';
import type { Result } from '../../../src/base/result.ts';
import { calibrate, type CalibrationJob } from '../../../src/clients/calibrate.ts';
import { openDataClient } from '../../../src/clients/data-client.ts';
import { openEngineClient } from '../../../src/clients/engine-client.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import { makeNode } from '../../../src/onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../../src/onnx/make-model.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { elementCount, floatTensor } from '../../../src/onnx/tensor.ts';
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

/** A network of a few layers, two of whose values are logarithms of numbers below zero. */
function logarithms(): Uint8Array<ArrayBuffer> {
  const random = seededRandom(3);
  const weights = (name: string, dims: readonly number[]) =>
    floatTensor(
      name,
      dims,
      Float32Array.from({ length: elementCount(dims) }, () => random() - 0.5),
    );
  return modelToBytes(
    makeModel({
      name: 'logarithms',
      nodes: [
        makeNode('Conv', ['image', 'w1'], ['fine']),
        makeNode('Log', ['fine'], ['broken']),
        makeNode('Conv', ['broken', 'w2'], ['broken too']),
        makeNode('IsNaN', ['broken too'], ['is broken']),
        makeNode('Where', ['is broken', 'zero', 'fine'], ['repaired']),
        makeNode('GlobalAveragePool', ['repaired'], ['means']),
        makeNode('Flatten', ['means'], ['flat']),
        makeNode('Gemm', ['flat', 'w3'], ['scores']),
      ],
      initializers: [
        weights('w1', [4, 3, 1, 1]),
        weights('w2', [4, 4, 1, 1]),
        weights('w3', [4, 5]),
        floatTensor('zero', [], Float32Array.of(0)),
      ],
      inputs: [tensorInfo('image', [1, 3, 8, 8])],
      outputs: [tensorInfo('scores', [1, 5])],
    }),
  );
}

/** Two inputs, of which none is an image. */
function twoInputs(): Uint8Array<ArrayBuffer> {
  const numbers = Float32Array.from({ length: 64 }, (_, at) => Math.sin(at));
  return modelToBytes(
    makeModel({
      name: 'two-inputs',
      nodes: [
        makeNode('MatMul', ['left', 'w'], ['a']),
        makeNode('MatMul', ['right', 'w'], ['b']),
        makeNode('Add', ['a', 'b'], ['sum']),
      ],
      initializers: [floatTensor('w', [8, 8], numbers)],
      inputs: [tensorInfo('left', [1, 8]), tensorInfo('right', [1, 8])],
      outputs: [tensorInfo('sum', [1, 8])],
    }),
  );
}

/**
 * Calibrates models that make it hard, by extremes on one image and by counts on two.
 * @returns by model and method what was learnt, and what building with it warns of and how many images it classifies
 */
export async function calibrateOddModels() {
  const outcomes = [];
  for (const [name, bytes] of [
    ['logarithms', logarithms()],
    ['two inputs', twoInputs()],
  ] as const) {
    const client = openModelClient();
    const view = value(await client.api.open(new File([bytes], 'm.onnx'), 'm.onnx', []));
    for (const [images, calibration] of [
      [1, 'minmax'],
      [2, 'percentile'],
    ] as const) {
      const noise = noiseDataset({ width: 8, height: 8, channels: 3 }, images);
      const data = { dataset: noise.dataset, pack: new Blob([noise.pack]) };
      const { preprocessing } = guessPreprocessing(view, data.dataset, data.dataset.imageSize ?? null);
      const recipe: Recipe = [{ op: 'quantize', mode: 'static', calibration }];
      const subject = { modelId: view.modelId, data, preprocessing, threads: 1 };
      const found = value(await calibrate({ ...subject, model: client.api, recipe }, () => {}, never));
      value(await client.api.useCalibrations([found]));
      const { plan, files, warnings } = value(await client.api.build(recipe));
      const engine = openEngineClient();
      value(await engine.api.load({ plan, files, provider: 'wasm', threads: 1, data, preprocessing }));
      const samples = value(
        await engine.api.measure({ imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 }),
      );
      engine.terminate();
      outcomes.push({
        name,
        values: [...found.ranges.keys()].sort(),
        notFinite: found.notFinite,
        learnt: found.warnings,
        built: warnings,
        samples: samples.length,
      });
    }
    client.terminate();
  }
  return outcomes;
}
