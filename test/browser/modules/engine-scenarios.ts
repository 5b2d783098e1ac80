// Runs in the page: everything here uses the real clients, workers and runtime.
import * as Comlink from 'comlink';
import type { Result } from '../../../src/base/result.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { chooseThreads, detectEnvironment } from '../../../src/clients/capabilities.ts';
import { openEngineClient } from '../../../src/clients/engine-client.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { openTrainClient } from '../../../src/clients/train-client.ts';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import { createGzipSizer } from '../../../src/engine/gzip-size.ts';
import { withExternalWeights } from '../../../src/engine/session-input.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { DataType, valueName, type Model } from '../../../src/onnx/model.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import type { LoadedDataset } from '../../../src/protocol/data-api.ts';
import type { EngineLoad } from '../../../src/protocol/engine-api.ts';
import type { BuiltVariant, PackedBytes } from '../../../src/protocol/model-api.ts';
import type { Provider } from '../../../src/study/trial.ts';
import { trainHead, type TrainingSet } from '../../../src/transforms/exits/train-head.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import {
  failingModel,
  largeModel,
  tooLargeModel,
  twoExitModel,
  typedInputModel,
} from '../../fixtures/tiny-models.ts';

const imageCount = 24;

const preprocessing: Preprocessing = {
  inputName: 'image',
  layout: 'NCHW',
  height: 8,
  width: 8,
  channels: 1,
  channelOrder: 'RGB',
  fit: { kind: 'stretch' },
  scale: 1 / 255,
  mean: [0],
  std: [1],
  dataType: 'float32',
  invert: false,
  classOffset: 0,
};

function noiseImages(): LoadedDataset {
  const random = seededRandom(5);
  const pixels = Uint8Array.from({ length: imageCount * 64 }, () => Math.floor(random() * 256));
  // Each image brighter than the one before, so that their scores differ.
  for (let i = 0; i < pixels.length; i++) pixels[i] = (pixels[i] as number) * ((1 + (i >> 6)) / imageCount);
  return {
    dataset: {
      id: 'noise',
      name: 'noise',
      items: Array.from({ length: imageCount }, (_, i) => ({
        name: `#${i}`,
        label: null,
        offset: 64 * i,
        length: 64,
        encoding: { kind: 'pixels', width: 8, height: 8, channels: 1 },
      })),
      classNames: [],
      labelSource: 'none',
      warnings: [],
    },
    pack: new Blob([pixels]),
  };
}

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

async function built(recipe: Recipe, model: Model = twoExitModel()): Promise<BuiltVariant & PackedBytes> {
  const client = openModelClient();
  try {
    const file = new Blob([modelToBytes(model) as Uint8Array<ArrayBuffer>]);
    value(await client.api.open(file, 'tiny.onnx', []));
    const variant = value(await client.api.build(recipe));
    return { ...variant, ...value(await client.api.packedBytes(recipe)) };
  } finally {
    client.terminate();
  }
}

const engineLoad = (
  { plan, files }: Pick<BuiltVariant, 'plan' | 'files'>,
  provider: Provider = 'wasm',
  threads = 1,
): EngineLoad => ({ plan, files, provider, threads, data: noiseImages(), preprocessing });

const allImages = Array.from({ length: imageCount }, (_, i) => i);

/** Loads, measures a few images and predicts all. */
async function runVariant(load: EngineLoad) {
  const client = openEngineClient();
  try {
    const loaded = value(await client.api.load(load));
    const batch = { imageIndices: [3, 1, 3], round: 7, warmUp: false, firstSequence: 100 };
    const samples = value(await client.api.measure(batch));
    let progress = 0;
    const predictions = value(await client.api.predict(allImages, (done) => (progress = done)));
    return { loaded, samples, predictions, progress, heapBytes: await client.api.heapBytes() };
  } finally {
    client.terminate();
  }
}

/** Builds a recipe and runs it. */
export async function runRecipe(recipe: Recipe, provider: Provider, threads: number) {
  const variant = await built(recipe);
  const run = await runVariant(engineLoad(variant, provider, threads));
  const { plan, rawBytes, gzipBytes, sparseBytes, buildMs } = variant;
  return { ...run, plan, rawBytes, gzipBytes, sparseBytes, buildMs };
}

/**
 * Two segments whose second fails whenever it runs, or does not even fit into memory; the first exit is taken if
 * `threshold` is reached.
 */
export async function exitBeforeFailingTail(threshold: number, isTooLarge = false) {
  const whole = await built([{ op: 'early-exit', kind: 'existing', exit: 0 }]);
  const [head] = whole.plan.segments;
  if (head === undefined) throw new Error('no segment');
  const early = valueName('early');
  const scores = 'logits' as const;
  const image = whole.plan.input;
  const final = { name: valueName('final'), dataType: 'float32', shape: [1, 1], bytes: 4 };
  const tailModel = isTooLarge
    ? tooLargeModel('image', 'final')
    : failingModel('image', [1, 1, 8, 8], 'final');
  const tail = modelToBytes(tailModel) as Uint8Array<ArrayBuffer>;
  const load = engineLoad({
    plan: {
      input: image,
      output: { name: final.name, scores },
      segments: [
        { ...head, exit: { index: 0, output: early, scores, threshold } },
        {
          file: 'tail.onnx',
          inputs: [image],
          outputs: [final],
          tier: 'mobile',
          exit: { index: 1, output: final.name, scores, threshold: 0 },
          macs: 0,
          params: 0,
        },
      ],
    },
    files: [...whole.files, { name: 'tail.onnx', blob: new Blob([tail]) }],
  });
  const client = openEngineClient();
  const loaded = await client.api.load(load);
  const batch = { imageIndices: [0, 1], round: 0, warmUp: true, firstSequence: 0 };
  const result = loaded.ok ? await client.api.measure(batch) : loaded;
  client.terminate();
  return result;
}

/** Measures for as long as nothing happens to the worker; `started` is set on the page when it is under way. */
export async function measureUntilKilled() {
  const client = openEngineClient();
  value(await client.api.load(engineLoad(await built([{ op: 'identity' }], twoExitModel(64)))));
  const imageIndices = Array.from({ length: 2_000_000 }, () => 0);
  (globalThis as { started?: boolean }).started = true;
  const batch = { imageIndices, round: 0, warmUp: false, firstSequence: 0 };
  const result = await client.api.measure(batch);
  const later = await client.api.heapBytes();
  return { result: result.ok ? 'finished' : result.failure.code, laterIsNaN: Number.isNaN(later) };
}

/** Ends the worker in the middle of a long measurement. */
export async function cancelMeasurement() {
  const client = openEngineClient();
  value(await client.api.load(engineLoad(await built([{ op: 'identity' }], twoExitModel(64)))));
  const imageIndices = Array.from({ length: 2_000_000 }, () => 0);
  const running = client.api.measure({ imageIndices, round: 0, warmUp: false, firstSequence: 0 });
  setTimeout(() => client.terminate(), 100);
  const result = await running;
  return result.ok ? 'finished' : result.failure.code;
}

/** What goes wrong with files that are no models and inputs that do not fit, as failure codes. */
export async function badLoads() {
  const good = await built([{ op: 'identity' }]);
  const failureOf = async (load: EngineLoad) => {
    const client = openEngineClient();
    const loaded = await client.api.load(load);
    const batch = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };
    const result = loaded.ok ? await client.api.measure(batch) : loaded;
    client.terminate();
    return result.ok ? null : result.failure;
  };
  const noise = good.files.map(({ name }) => ({ name, blob: new Blob([new Uint8Array(500).fill(7)]) }));
  return {
    notAModel: await failureOf(engineLoad({ plan: good.plan, files: noise })),
    wrongSize: await failureOf({ ...engineLoad(good), preprocessing: { ...preprocessing, width: 16 } }),
    noWebNn: await failureOf(engineLoad(good, 'webnn')),
  };
}

/**
 * What both forms of an early exit give for all images.
 * @param broken whose scores are NaN, if any are
 */
export async function exitForms(provider: Provider, threshold: number, broken?: 'early' | 'final') {
  const runOf = async (form: 'segments' | 'if') => {
    const recipe = [{ op: 'early-exit', kind: 'existing', threshold, form }] as const;
    const variant = await built(recipe, twoExitModel(4, broken ? { broken } : {}));
    const client = openEngineClient();
    try {
      const { warnings } = value(await client.api.load(engineLoad(variant, provider)));
      return { ...value(await client.api.predict(allImages, () => {})), warnings };
    } finally {
      client.terminate();
    }
  };
  return { segments: await runOf('segments'), nested: await runOf('if') };
}

/** Predictions of one classifier that takes its pixels as float32, float16 and uint8, whole or cut. */
export async function inputTypes(recipe: Recipe) {
  const top5: (readonly (readonly number[])[])[] = [];
  for (const [dataType, code] of [
    ['float32', DataType.float],
    ['float16', DataType.float16],
    ['uint8', DataType.uint8],
  ] as const) {
    const variant = await built(recipe, typedInputModel(code));
    const load = { ...engineLoad(variant), preprocessing: { ...preprocessing, scale: 1, dataType } };
    top5.push((await runVariant(load)).predictions.top5);
  }
  return top5;
}

/** Builds the same 67 MB variant with two model workers, one after the other, and runs the second one's. */
export async function largeVariants() {
  const hotClass = 123_456;
  const file = new Blob([modelToBytes(largeModel(260_000, hotClass)) as Uint8Array<ArrayBuffer>]);
  const folderCounts: number[] = [];
  const sizes: number[] = [];
  for (let i = 0; i < 2; i++) {
    const models = openModelClient();
    value(await models.api.open(file, 'large.onnx', []));
    // Leaves the one weight that counts.
    const variant = value(await models.api.build([{ op: 'prune', kind: 'unstructured', ratio: 0.5 }]));
    sizes.push(variant.files[0]?.blob.size ?? 0);
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('variants');
    let folders = 0;
    for await (const _name of folder.keys()) folders++;
    folderCounts.push(folders);
    if (i === 1) {
      const { predictions, loaded } = await runVariant(engineLoad(variant));
      const top1 = [...new Set(predictions.top1)];
      models.terminate();
      return { fileBytes: file.size, sizes, folderCounts, top1, hotClass, heapBytes: loaded.heapBytes };
    }
    models.terminate();
  }
  return null;
}

/** A model whose weights are in a second file: run with that file given along, and built without it. */
export async function externalWeights() {
  const hotClass = 777;
  const whole = modelToBytes(largeModel(1000, hotClass)) as Uint8Array<ArrayBuffer>;
  const source = memorySource(whole);
  const split = withExternalWeights(parseModel(source), source, 'weights.bin');
  const file = new Blob([modelToBytes(split) as Uint8Array<ArrayBuffer>]);
  const models = openModelClient();
  const without = value(await models.api.open(file, 'split.onnx', []));
  const refused = await models.api.build([{ op: 'identity' }]);
  value(await models.api.open(file, 'split.onnx', [{ location: 'weights.bin', file: new Blob([whole]) }]));
  const variant = value(await models.api.build([{ op: 'identity' }]));
  const { predictions } = await runVariant(engineLoad(variant));
  models.terminate();
  return {
    hotClass,
    top1: [...new Set(predictions.top1)],
    fileBytes: file.size,
    warnings: without.warnings,
    refused: refused.ok ? null : refused.failure.message,
  };
}

export async function environment() {
  const found = await detectEnvironment();
  return { found, threads: chooseThreads(found) };
}

/** Sizes of four blobs, of which the second has the content of the first, and how often anything was compressed. */
export async function gzipSizes() {
  const Native = CompressionStream;
  let compressions = 0;
  globalThis.CompressionStream = class extends Native {
    constructor(format: CompressionFormat) {
      super(format);
      compressions++;
    }
  };
  const pattern = Uint8Array.from({ length: 5e6 }, (_, i) => (i * i) >> 7);
  const changed = pattern.slice();
  changed[4.9e6] = (pattern[4.9e6] as number) ^ 1;
  const sizer = createGzipSizer();
  const sizes: number[] = [];
  for (const bytes of [pattern, pattern.slice(), changed, new Uint8Array(3e6)]) {
    sizes.push(await sizer.byteLength(new Blob([bytes])));
  }
  globalThis.CompressionStream = Native;
  return { sizes, compressions };
}

/** Trains a head that is large enough for the runtime, in the worker and by plain loops. */
export async function largeHead() {
  const [images, width, classCount] = [500, 400, 100];
  const random = seededRandom(3);
  const centres = Float32Array.from({ length: classCount * width }, random);
  const targets = Int32Array.from({ length: images }, (_, image) => image % classCount);
  const features = Float32Array.from(
    { length: images * width },
    (_, at) => (centres[(Math.floor(at / width) % classCount) * width + (at % width)] ?? 0) + 3 * random(),
  );
  const set: TrainingSet = { features, width, targets, classCount, fewImages: 'refuse' };
  const client = openTrainClient();
  const inWorker = value(await client.api.train(set, { seed: 1, threads: 2 }, () => {}));
  client.terminate();
  const plain = await trainHead(set, { seed: 1, decays: [inWorker.decay] });
  return [inWorker, plain].map(({ best, weights }) => ({ best, weights: weights.length }));
}

/**
 * A picture answered as a frame of a camera, kept, and answered again as a dataset's image; and the picture's pixels
 * before and after it was kept.
 */
export async function frameAndImage(kind: 'bitmap' | 'video') {
  const [width, height] = [21, 13];
  const random = seededRandom(3);
  const rgba = Uint8ClampedArray.from({ length: 4 * width * height }, (_, at) =>
    at % 4 === 3 ? 255 : Math.floor(random() * 256),
  );
  const frame =
    kind === 'bitmap'
      ? await createImageBitmap(new ImageData(rgba, width, height))
      : new VideoFrame(rgba, { format: 'RGBA', codedWidth: width, codedHeight: height, timestamp: 0 });
  const load = engineLoad(await built([{ op: 'identity' }]));
  const live = openEngineClient();
  value(await live.api.load(load));
  const request = { frame, keep: true };
  const { png, ...answer } = value(await live.api.classifyFrame(Comlink.transfer(request, [frame])));
  live.terminate();
  if (png === null) throw new Error('nothing was kept');
  const item = { name: 'kept.png', label: null, offset: 0, length: png.size };
  const data: LoadedDataset = {
    dataset: {
      ...load.data.dataset,
      items: [{ ...item, encoding: { kind: 'encoded', mediaType: 'image/png' } }],
    },
    pack: png,
  };
  const still = openEngineClient();
  value(await still.api.load({ ...load, data }));
  const { top1, confidence } = value(await still.api.predict([0], () => {}));
  still.terminate();
  const bitmap = await createImageBitmap(png);
  const context = new OffscreenCanvas(width, height).getContext('2d');
  context?.drawImage(bitmap, 0, 0);
  const kept = context?.getImageData(0, 0, bitmap.width, bitmap.height).data ?? [];
  return {
    answer,
    image: { best: top1[0], confidence: confidence[0] },
    size: [bitmap.width, bitmap.height],
    samePixels: kept.length === rgba.length && rgba.every((number, at) => number === kept[at]),
  };
}
