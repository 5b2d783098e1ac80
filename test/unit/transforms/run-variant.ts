import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { seededRandom } from '../../../src/base/random.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import type { ValueView } from '../../../src/onnx/graph-view.ts';
import { refillHollow } from '../../../src/onnx/hollow.ts';
import type { Model } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { buildVariant } from '../../../src/transforms/build-variant.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import type { Variant, VariantFile } from '../../../src/transforms/variant.ts';

/** A model of `public/samples`: `digits` or `zoo/NAME`, its weights refilled. */
export function sampleModel(name: string): Model {
  const bytes = readFileSync(new URL(`../../../public/samples/${name}.onnx`, import.meta.url));
  return refillHollow(parseModel(memorySource(bytes), name));
}

export function build(model: Model, recipe: Recipe): Variant {
  let clock = 0;
  return buildVariant(model, recipe, { baseName: 'm', now: () => clock++ });
}

export function fileBytes(file: VariantFile): Uint8Array {
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  file.write((chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  if (at !== file.bytes) throw new Error(`${file.name} wrote ${at} bytes and announced ${file.bytes}`);
  return bytes;
}

/** Standard normal-ish noise of a value's shape. */
export function noise({ shape }: ValueView, seed: number): Tensor {
  const dims = (shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1));
  const random = seededRandom(seed);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return new Tensor(
    'float32',
    Float32Array.from({ length: count }, () => random() + random() + random() - 1.5),
    dims,
  );
}

/** Runs all segments, each fed with what came before, and returns every value that left a segment. */
export async function runVariant(variant: Variant, input: Tensor): Promise<Map<string, Tensor>> {
  const values = new Map<string, Tensor>([[variant.plan.input.name, input]]);
  for (const [at, segment] of variant.plan.segments.entries()) {
    const file = variant.files[at];
    if (file === undefined || file.name !== segment.file) throw new Error(`no file for segment ${at}`);
    const session = await InferenceSession.create(fileBytes(file), {
      intraOpNumThreads: 1,
      logSeverityLevel: 3,
    });
    const feeds: Record<string, Tensor> = Object.create(null);
    for (const { name } of segment.inputs) {
      const value = values.get(name);
      if (value === undefined) throw new Error(`segment ${at} needs ${name}, which nothing made`);
      feeds[name] = value;
    }
    if (session.inputNames.length !== segment.inputs.length) {
      throw new Error(`segment ${at} takes ${session.inputNames.join(', ')}`);
    }
    const outputs = await session.run(feeds);
    for (const { name } of segment.outputs) {
      const output = outputs[name];
      if (output === undefined) throw new Error(`segment ${at} does not make ${name}`);
      values.set(name, output);
    }
    await session.release();
  }
  return values;
}

export function floatsOf(values: ReadonlyMap<string, Tensor>, name: string): Float32Array {
  const tensor = values.get(name);
  if (!(tensor?.data instanceof Float32Array)) throw new Error(`${name} is not float32`);
  return tensor.data;
}

/** Largest difference, relative to the largest magnitude of `wanted`. */
export function relativeDifference(found: Float32Array, wanted: Float32Array): number {
  let difference = 0;
  let magnitude = 0;
  wanted.forEach((value, at) => {
    difference = Math.max(difference, Math.abs(value - (found[at] as number)));
    magnitude = Math.max(magnitude, Math.abs(value));
  });
  return found.length === wanted.length ? difference / magnitude : Number.POSITIVE_INFINITY;
}

/** Cosine of the angle between two outputs. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((value, at) => {
    const other = b[at] as number;
    ab += value * other;
    aa += value * value;
    bb += other * other;
  });
  return ab / Math.sqrt(aa * bb);
}
