import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { buildVariant } from '../../../src/transforms/build-variant.ts';
import { parseRecipe, recipeLabel } from '../../../src/transforms/parse-recipe.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import type { TransferType } from '../../../src/transforms/transfer.ts';
import type { Variant } from '../../../src/transforms/variant.ts';

const digits = parseModel(memorySource(readFileSync('public/samples/digits.onnx')), 'digits.onnx');

function build(recipe: Recipe): Variant {
  return buildVariant(digits, recipe, { baseName: 'digits', now: () => 0 });
}

function bytesOf(file: Variant['files'][number]): Uint8Array {
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  file.write((chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  return bytes;
}

/** Runs the segments one after the other; gives the final output and what each segment put out. */
async function run({ plan, files }: Variant) {
  const random = seededRandom(7);
  const image = Float32Array.from({ length: 3 * 32 * 32 }, () => random());
  const values = new Map<string, Tensor>([
    [String(plan.input.name), new Tensor('float32', image, [1, 3, 32, 32])],
  ]);
  const made: Map<string, Tensor>[] = [];
  for (const [at, segment] of plan.segments.entries()) {
    const session = await InferenceSession.create(bytesOf(files[at] as Variant['files'][number]), {
      logSeverityLevel: 4,
    });
    const feeds = Object.fromEntries(segment.inputs.map(({ name }) => [name, values.get(name) as Tensor]));
    const outputs = new Map(Object.entries(await session.run(feeds)));
    for (const [name, tensor] of outputs) values.set(name, tensor as Tensor);
    made.push(outputs as Map<string, Tensor>);
    await session.release();
  }
  const final = values.get(plan.output.name) as Tensor;
  return { logits: final.data as Float32Array, made, values };
}

const cutWith = (transfer: TransferType): Recipe => [{ op: 'partition', cut: 'fewest-bytes', transfer }];

describe('values that cross a cut', () => {
  it('are exact as float32, close in half precision, and near in bytes', async () => {
    const whole = await run(build([{ op: 'identity' }]));
    const error = async (transfer: TransferType): Promise<number> => {
      const { logits } = await run(build(cutWith(transfer)));
      expect(logits).toHaveLength(whole.logits.length);
      const scale = Math.max(...whole.logits.map(Math.abs));
      return Math.max(...logits.map((value, i) => Math.abs(value - (whole.logits[i] as number)))) / scale;
    };
    expect(await error('float32')).toBeLessThan(1e-5);
    const half = await error('float16');
    expect(half).toBeGreaterThan(0);
    expect(half).toBeLessThan(0.005);
    const bytes = await error('uint8');
    expect(bytes).toBeGreaterThan(half);
    expect(bytes).toBeLessThan(0.1);
  });

  it.each(['float16', 'uint8'] as const)('as %s have the bytes that the variant tells', async (transfer) => {
    const plain = build(cutWith('float32'));
    const variant = build(cutWith(transfer));
    const [cut] = variant.cuts;
    const { values } = await run(variant);
    const sent = cut?.crossing.map(({ name, dataType, bytes }) => {
      const tensor = values.get(name) as Tensor;
      expect(tensor.type).toBe(dataType);
      expect((tensor.data as Uint8Array).byteLength).toBe(bytes);
      return bytes ?? 0;
    });
    const plainBytes = plain.cuts[0]?.crossing[0]?.bytes ?? 0;
    expect(sent).toEqual(transfer === 'float16' ? [plainBytes / 2] : [plainBytes / 4, 4, 1]);
    // The float32 value stays behind.
    const names = variant.plan.segments[0]?.outputs.map(({ name }) => name);
    expect(names).not.toContain(plain.cuts[0]?.crossing[0]?.name);
    expect(variant.plan.segments[1]?.inputs).toEqual(cut?.crossing);
  });

  it('leave exits before and after the cut as they are', async () => {
    const exits = { op: 'early-exit', kind: 'existing', threshold: 1 } as const;
    const all = await run(build([exits]));
    const variant = build([exits, { op: 'partition', cut: 'equal-size', transfer: 'uint8' }]);
    const { values } = await run(variant);
    const outputs = variant.plan.segments.flatMap(({ exit }) => exit?.output ?? []);
    expect(outputs).toHaveLength(3);
    for (const name of outputs) {
      const [expected, found] = [all.values.get(name)?.data, values.get(name)?.data] as [
        Float32Array,
        Float32Array,
      ];
      const best = (scores: Float32Array) => scores.indexOf(Math.max(...scores));
      expect(best(found)).toBe(best(expected));
    }
  });

  it('are converted at both cuts of three tiers', async () => {
    const names = ['equal-size', 'fewest-bytes'].map(
      (cut) => build([{ op: 'partition', cut } as Recipe[number]]).cuts[0]?.crossing[0]?.name as string,
    );
    const [first, second] = names as [string, string];
    const recipe: Recipe = [{ op: 'partition', cuts: [first, second], transfer: 'float16' }];
    const variant = build(recipe);
    expect(variant.plan.segments.map(({ tier }) => tier)).toEqual(['mobile', 'edge', 'cloud']);
    for (const { crossing } of variant.cuts)
      expect(crossing.map(({ dataType }) => dataType)).toEqual(['float16']);
    const whole = await run(build([{ op: 'identity' }]));
    const { logits } = await run(variant);
    logits.forEach((value, i) => expect(value).toBeCloseTo(whole.logits[i] as number, 1));
  });

  it('are part of the recipe, and of its name', () => {
    const json = [{ op: 'partition', cut: ['a'], transfer: 'float16' }];
    expect(recipeLabel(parseRecipe(json))).toBe('cut @a float16');
    expect(parseRecipe([{ op: 'partition', cut: 'fastest', rttMs: 1, transfer: 'uint8' }])).toEqual([
      { op: 'partition', cut: 'fastest', rttMs: 1, transfer: 'uint8' },
    ]);
    expect(() => parseRecipe([{ op: 'partition', cut: 'a', transfer: 'int4' }])).toThrow('transfer');
  });
});
