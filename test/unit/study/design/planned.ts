import { readFileSync } from 'node:fs';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import type { DesignSubject } from '../../../../src/study/design/design-from-preset.ts';
import type { DesignFacts } from '../../../../src/study/design/excluded-cells.ts';
import type { PreparationSources } from '../../../../src/study/design/expected-preparation.ts';
import { DEFAULT_SETUP } from '../../../../src/study/placement/tiers.ts';
import { environment } from '../trials.ts';

/** A model of the bundle, open. */
export function openSample(path: string, modelId = path) {
  const bytes = new Uint8Array(readFileSync(new URL(`../../../../public/samples/${path}`, import.meta.url)));
  const model = parseModel(memorySource(bytes));
  const view = buildGraphView(model, { modelId, fileName: path, fileBytes: bytes.length });
  return { model, view, preset: { view, trained: null, chosen: [], model: { modelId, modelName: path } } };
}

export const digits = openSample('digits.onnx', 'digits');
export const mobilenet = openSample('zoo/mobilenet_v2.onnx', 'mobilenet');

export function subjectOf(...models: readonly (typeof digits)[]): DesignSubject {
  return {
    models: models.map(({ preset }) => preset),
    dataset: { datasetId: 'd', datasetName: 'images.zip' },
    images: 450,
    tiers: { sends: 'encoded-image', setup: DEFAULT_SETUP },
  };
}

export function factsOf(...models: readonly (typeof digits)[]): DesignFacts {
  return {
    environment,
    views: new Map(models.map(({ view }) => [view.modelId, view])),
    refusals: new Map(),
    placeOf: ({ provider, threads }) => ({
      provider: provider === 'auto' ? 'wasm' : provider,
      threads: threads === 'auto' ? 2 : threads,
    }),
  };
}

/** Of a device that learnt nothing yet. */
export const nothingLearnt: PreparationSources = {
  environment,
  trials: [],
  openImages: 100,
  trainingImages: 50,
  heads: [],
  calibrated: new Set(),
  forms: [],
  setupMs: 7,
};
