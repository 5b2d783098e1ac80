import { InferenceSession, type Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  CONFIDENCE_MEASURES,
  type ConfidenceMeasure,
  confidenceOf,
} from '../../../../src/transforms/exits/confidence.ts';
import { numberBefore } from '../../../../src/transforms/exits/confidence-nodes.ts';
import type { Operator, Recipe } from '../../../../src/transforms/recipe.ts';
import type { Variant } from '../../../../src/transforms/variant.ts';
import { nonZeroParams } from '../../../../src/transforms/count-non-zero.ts';
import { build, fileBytes, floatsOf, noise, sampleModel } from '../run-variant.ts';

const digits = sampleModel('digits');

async function openAll(variant: Variant) {
  const sessions = await Promise.all(
    variant.files.map((file) =>
      InferenceSession.create(fileBytes(file), { intraOpNumThreads: 1, logSeverityLevel: 3 }),
    ),
  );
  return sessions;
}

/** Runs segments until one is confident, and tells which, and what it said. */
async function runSegments(variant: Variant, sessions: readonly InferenceSession[], input: Tensor) {
  const values = new Map<string, Tensor>([[variant.plan.input.name, input]]);
  for (const [at, segment] of variant.plan.segments.entries()) {
    const feeds = Object.fromEntries(segment.inputs.map(({ name }) => [name, values.get(name) as Tensor]));
    const outputs = await (sessions[at] as InferenceSession).run(feeds);
    for (const name of Object.keys(outputs)) values.set(name, outputs[name] as Tensor);
    const { exit } = segment;
    if (exit === null) continue;
    const scores = floatsOf(values, exit.output);
    if (confidenceOf(scores, exit.scores, exit.confidence) >= exit.threshold)
      return { exit: exit.index, scores };
  }
  throw new Error('no exit stopped');
}

async function runNested({ plan }: Variant, [session]: readonly InferenceSession[], input: Tensor) {
  const outputs = await (session as InferenceSession).run({ [plan.input.name]: input });
  const { output } = plan.decision as NonNullable<typeof plan.decision>;
  return {
    exit: Number((outputs[output] as Tensor).data[0]),
    scores: floatsOf(new Map(Object.entries(outputs)), plan.output.name),
  };
}

const exits = (
  confidence: ConfidenceMeasure,
  threshold: number | readonly number[],
  form: 'segments' | 'if',
) => ({ op: 'early-exit', kind: 'existing', threshold, confidence, form }) as const satisfies Operator;

/** A threshold that some images reach and some do not. */
const middling = { 'max-softmax': 0.6, margin: 0.4, entropy: 0.3 } as const;

async function expectSame(
  before: Recipe,
  confidence: ConfidenceMeasure,
  threshold: number | readonly number[],
) {
  const [segments, nested] = (['segments', 'if'] as const).map((form) =>
    build(digits, [...before, exits(confidence, threshold, form)]),
  ) as [Variant, Variant];
  expect(nested.files).toHaveLength(1);
  expect([nested.params, nonZeroParams(nested.parameters), nested.macs]).toEqual([
    segments.params,
    nonZeroParams(segments.parameters),
    segments.macs,
  ]);
  const [parts, whole] = [await openAll(segments), await openAll(nested)];
  const taken = new Set<number>();
  for (let seed = 0; seed < 60; seed++) {
    const random = seededRandom(seed);
    const input = noise(segments.plan.input, seed);
    (input.data as Float32Array).forEach((value, at, all) => {
      all[at] = value * (1 + 3 * random());
    });
    const wanted = await runSegments(segments, parts, input);
    const found = await runNested(nested, whole, input);
    expect(found.exit).toBe(wanted.exit);
    wanted.scores.forEach((score, at) => expect(found.scores[at]).toBeCloseTo(score, 4));
    taken.add(found.exit);
  }
  return { taken, nested };
}

describe('an early-exit model as one file with nested If', () => {
  it.each(CONFIDENCE_MEASURES)('decides as the segments do, by %s', async (confidence) => {
    const { taken, nested } = await expectSame([], confidence, middling[confidence]);
    expect(taken.size).toBeGreaterThan(1);
    expect(nested.plan.decision?.exits.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(nested.plan.decision?.exits.at(-1)?.macs).toBe(nested.macs);
    expect(nested.plan.segments).toHaveLength(1);
  });

  it('decides as the segments do with a threshold of its own for each exit', async () => {
    await expectSame([], 'margin', [0.7, 0.2]);
  });

  it('takes quantized and pruned segments', async () => {
    await expectSame([{ op: 'quantize', mode: 'dynamic' }], 'max-softmax', 0.6);
    await expectSame([{ op: 'prune', kind: 'unstructured', ratio: 0.5 }], 'entropy', 0.4);
  });

  it('stops at a threshold that is just reached, not just missed', async () => {
    const input = noise(build(digits, []).plan.input, 3);
    const always = build(digits, [{ op: 'early-exit', kind: 'existing', threshold: 1e-9 }]);
    const { scores } = await runSegments(always, await openAll(always), input);
    const confidence = confidenceOf(scores, 'logits', 'max-softmax');
    for (const threshold of [confidence * (1 - 1e-12), confidence * (1 + 1e-12)]) {
      const nested = build(digits, [exits('max-softmax', threshold, 'if')]);
      const found = await runNested(nested, await openAll(nested), input);
      expect(found.exit === 0).toBe(threshold < confidence);
    }
  });

  it('is refused with a cut', () => {
    const cut = { op: 'partition', cut: 'x' } as const;
    expect(() => build(digits, [exits('margin', 0.5, 'if'), cut])).toThrow(/cannot be divided/);
  });
});

describe('numberBefore', () => {
  it.each([1, 0.6, 1e-300, -2])('is the last number below %d', (value) => {
    const before = numberBefore(value);
    expect(before).toBeLessThan(value);
    expect([before, value]).toContain((before + value) / 2);
  });
  it('goes below zero', () => expect(numberBefore(0)).toBeLessThan(0));
});
