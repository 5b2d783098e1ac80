import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/onnx/byte-source.ts';
import type { Model } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { analyseModel } from '../../src/transforms/analyse-model.ts';
import { convertOpset } from '../../src/transforms/prepare/convert-opset.ts';
import { equaliseLayers } from '../../src/transforms/prepare/equalise-layers.ts';
import { foldBatchNorm } from '../../src/transforms/prepare/fold-batch-norm.ts';
import { foldWeights } from '../../src/transforms/prepare/fold-weights.ts';
import { toFloat16 } from '../../src/transforms/quantize/float16.ts';
import { feed, type RunOutput, runModel } from '../fixtures/run-onnx.ts';
import { relativeDifference } from '../unit/transforms/run-variant.ts';

const folder = new URL('../../../shared/models/', import.meta.url);
const trained = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.onnx')) : [];
/** Of opset 9, with weights made by nodes; others of them are too heavy to run here twice. */
const light = ['light_squeezenet', 'light_shufflenet', 'light_densenet121', 'light_inception_v1']
  .map((name) => `light/${name}.onnx`)
  .filter((name) => existsSync(new URL(name, folder)));

function open(name: string): Model {
  return parseModel(memorySource(readFileSync(new URL(name, folder))), name);
}

/** The outputs for one picture, the same for all. */
async function outputsOf(model: Model, original: Model): Promise<Map<string, RunOutput>> {
  const { inputs, shapes } = analyseModel(original);
  const [name = ''] = inputs;
  const dims = (shapes.get(inputs[0] as never)?.shape ?? []).map((dim) =>
    typeof dim === 'number' ? dim : 1,
  );
  return runModel(model, { [name]: feed(dims) });
}

async function largestDifference(changed: Model, original: Model): Promise<number> {
  const [found, wanted] = [await outputsOf(changed, original), await outputsOf(original, original)];
  return Math.max(
    ...[...wanted].map(([name, { data }]) =>
      relativeDifference(found.get(name)?.data as Float32Array, data as Float32Array),
    ),
  );
}

describe.skipIf(trained.length === 0)('prepared models answer as they did', () => {
  it.each([...trained, ...light])('%s: in opset 21', async (name) => {
    const model = open(name);
    expect(await largestDifference(convertOpset(model, 21).model, model)).toBeLessThan(1e-5);
  });

  it.each([...trained, 'light/light_densenet121.onnx', 'light/light_shufflenet.onnx'])(
    '%s: folded and equalised',
    async (name) => {
      const model = open(name);
      const prepared = equaliseLayers(foldBatchNorm(foldWeights(model).model).model);
      expect(await largestDifference(prepared.model, model)).toBeLessThan(1e-4);
      expect(prepared.evenness.after).toBeGreaterThanOrEqual(prepared.evenness.before);
    },
  );

  it.each(trained)('%s: nearly, in float16', async (name) => {
    const model = open(name);
    expect(await largestDifference(toFloat16(model).model, model)).toBeLessThan(0.02);
  });
});
