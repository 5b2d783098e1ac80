import type { Environment, Sample, Strategy, Study, Trial } from '../../../src/study/trial.ts';

export const environment: Environment = {
  userAgent: 'Test/1.0',
  platform: 'Linux',
  crossOriginIsolated: true,
  hardwareConcurrency: 2,
  deviceMemoryGb: 8,
  timerResolutionUs: 5,
  wasm: { simd: true, threads: true, maxHeapBytes: 2 ** 32 },
  webgpu: { available: false, reason: 'no adapter' },
  webnn: { available: false, reason: 'not offered' },
  storage: { quotaBytes: 1e9, usedBytes: 1e6, persisted: false },
  runtimeVersion: '1.30.0',
  appVersion: '0.1.0',
};

export function makeSample(change: Partial<Sample> = {}): Sample {
  return {
    round: 0,
    sequence: 0,
    startedAtMs: 1_700_000_000_000,
    imageIndex: 0,
    warmUp: false,
    decodeMs: 1,
    preprocessMs: 0.5,
    segmentMs: [4],
    postprocessMs: 0.25,
    computeMs: 4,
    totalMs: 5.75,
    exitIndex: null,
    ...change,
  };
}

export function makeTrial(name: string, change: Partial<Trial> = {}): Trial {
  const strategy: Strategy = {
    id: `id-${name}`,
    name,
    modelId: 'abc',
    recipe: [{ op: 'identity' }],
    provider: 'wasm',
    threads: 2,
  };
  return {
    id: `study-${strategy.id}`,
    studyId: 'study',
    strategy,
    modelName: 'model.onnx',
    datasetId: 'def',
    datasetName: 'images.zip',
    preprocessing: {
      inputName: 'input',
      layout: 'NCHW',
      height: 8,
      width: 8,
      channels: 3,
      channelOrder: 'RGB',
      fit: { kind: 'crop', shorterSide: 9 },
      scale: 1 / 255,
      mean: [0, 0, 0],
      std: [1, 1, 1],
      dataType: 'float32',
      invert: false,
      classOffset: 0,
    },
    protocol: { name: 'quick', warmUpRuns: 1, rounds: 2, samplesPerRound: 3, accuracyImages: 10, seed: 1 },
    environment,
    startedAtMs: 1_700_000_000_000,
    finishedAtMs: 1_700_000_100_000,
    state: { kind: 'done' },
    samples: [],
    predictions: null,
    accuracy: null,
    size: null,
    buildMs: null,
    sessionCreateMs: null,
    heapBytes: null,
    warnings: [],
    ...change,
  };
}

/** A trial with this median latency and this many of 100 images right. */
export function measuredTrial(name: string, latencyMs: number, correct: number): Trial {
  return makeTrial(name, {
    samples: [-0.1, 0, 0.1].flatMap((offset, index) =>
      [0, 1, 2].map((extra) =>
        makeSample({ sequence: 3 * index + extra, computeMs: latencyMs * (1 + offset), round: index }),
      ),
    ),
    accuracy: { images: 100, labelledImages: 100, top1Correct: correct, top5Correct: 100, agreeing: correct },
  });
}

export function makeStudy(trials: readonly Trial[]): Study {
  const [first] = trials;
  return {
    format: 'paretoscope-study',
    formatVersion: 1,
    id: 'study',
    name: 'model.onnx on images.zip',
    createdAtMs: 1_700_000_000_000,
    modelId: 'abc',
    modelName: 'model.onnx',
    datasetId: 'def',
    datasetName: 'images.zip',
    classNames: ['cat', 'dog'],
    protocol: (first ?? makeTrial('none')).protocol,
    trials,
  };
}
