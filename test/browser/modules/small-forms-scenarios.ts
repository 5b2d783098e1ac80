// Runs in the page: the bundled model with small weights, in the real runtime.
import { seededRandom } from '../../../src/base/random.ts';
import { startRuntime } from '../../../src/engine/ort.ts';
import { withExternalWeights } from '../../../src/engine/session-input.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { foldConstants } from '../../../src/onnx/fold.ts';
import type { Model } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { toFloat16 } from '../../../src/transforms/quantize/float16.ts';
import { quantizeWeightsOnly } from '../../../src/transforms/quantize/weight-only.ts';

const weightsOnly =
  (bits: 4 | 8, form: 'dequantize' | 'matmul-nbits', blockSize: number | null, symmetric: boolean) =>
  (model: Model): Model =>
    quantizeWeightsOnly(model, { bits, form, blockSize, symmetric, exclude: [] }).model;

const forms: readonly (readonly [name: string, change: (model: Model) => Model])[] = [
  ['float16', (model) => toFloat16(model).model],
  ['8 bits', weightsOnly(8, 'dequantize', null, true)],
  ['8 bits in blocks', weightsOnly(8, 'matmul-nbits', 32, false)],
  ['4 bits', weightsOnly(4, 'dequantize', null, true)],
  ['4 bits in blocks', weightsOnly(4, 'matmul-nbits', 16, false)],
];

/** For each form: how much smaller the file is, and how near its logits are to the float model's, as a cosine. */
export async function runSmallForms() {
  const response = await fetch('/samples/digits.onnx');
  const { model } = foldConstants(parseModel(memorySource(new Uint8Array(await response.arrayBuffer()))));
  const runtime = await startRuntime('wasm', 1);
  const random = seededRandom(3);
  const image = Float32Array.from({ length: 3 * 32 * 32 }, () => random());
  const run = async (bytes: Uint8Array): Promise<Float32Array> => {
    // Weights go to the runtime as they do from large files.
    const source = memorySource(bytes);
    const outside = withExternalWeights(parseModel(source), source, 'weights');
    const session = await runtime.createSession(modelToBytes(outside), {
      externalData: [{ path: 'weights', data: bytes }],
    });
    const { logits } = await session.run({ image: new runtime.ort.Tensor('float32', image, [1, 3, 32, 32]) });
    await session.release();
    return logits?.data as Float32Array;
  };
  const floatBytes = modelToBytes(model);
  const wanted = await run(floatBytes);
  const results = [];
  for (const [name, change] of forms) {
    const bytes = modelToBytes(change(model));
    results.push({
      name,
      smaller: floatBytes.length / bytes.length,
      cosine: cosine(await run(bytes), wanted),
    });
  }
  return results;
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) =>
    x.reduce((sum, each, at) => sum + each * (y[at] ?? Number.NaN), 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
