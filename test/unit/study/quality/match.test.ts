import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { matchValues, placeIn, withTaps } from '../../../../src/study/quality/match-values.ts';
import { matchWeights } from '../../../../src/study/quality/match-weights.ts';
import {
  addErrors,
  type ErrorSums,
  NO_ERRORS,
  relativeError,
  signalToNoiseDb,
} from '../../../../src/study/quality/signal-noise.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { quantizeDynamic } from '../../../../src/transforms/quantize/dynamic.ts';
import { toFloat16 } from '../../../../src/transforms/quantize/float16.ts';
import type { ValueRange } from '../../../../src/transforms/quantize/quantization.ts';
import { quantizeStatic } from '../../../../src/transforms/quantize/static/quantize-static.ts';
import { quantizeWeightsOnly } from '../../../../src/transforms/quantize/weight-only.ts';
import { feed, runModel } from '../../../fixtures/run-onnx.ts';

const folder = new URL('../../../fixtures/quantize/golden/', import.meta.url);

interface Golden {
  readonly images: number;
  readonly dims: readonly number[];
  readonly cases: readonly {
    readonly model: string;
    readonly weights: Readonly<Record<string, number>>;
    readonly activations: Readonly<Record<string, { readonly qdq_err: number; readonly xmodel_err: number }>>;
  }[];
}

const golden = JSON.parse(readFileSync(new URL('quality.json', folder), 'utf8')) as Golden;

function read(name: string): Model {
  return parseModel(memorySource(new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)))), name);
}

const original = read('quality-float');

function weightErrors(variant: Model): ReadonlyMap<string, ErrorSums> {
  const weights = matchWeights(original, variant);
  return new Map(
    weights.map(({ name, ...each }) => [name, addErrors(NO_ERRORS, each.original(), each.changed())]),
  );
}

/** By value: against the float model, and by rounding alone. */
async function valueErrors(variant: Model) {
  const matched = matchValues(analyseModel(original), variant);
  const rounded = matched.filter(({ unrounded }) => unrounded !== null);
  const [before, after, exact] = [
    withTaps(
      original,
      matched.map(({ value }) => placeIn(value)),
    ),
    withTaps(
      variant,
      matched.map(({ changed }) => changed),
    ),
    withTaps(
      variant,
      rounded.map(({ unrounded, changed }) => unrounded ?? changed),
    ),
  ];
  const errors = new Map(
    matched.map(({ value }) => [value as string, { across: NO_ERRORS, rounding: NO_ERRORS }]),
  );
  for (let image = 0; image < golden.images; image++) {
    const input = { image: feed(golden.dims, (at) => Math.sin(at * 0.37 + image)) };
    const run = async (model: Model) =>
      model.graph.outputs.length === 0
        ? []
        : [...(await runModel(model, input)).values()].map(({ data }) => data as Float32Array);
    const [floats, integers, unrounded] = [await run(before), await run(after), await run(exact)];
    matched.forEach(({ value }, at) => {
      const sums = errors.get(value);
      const changed = integers[at];
      if (!sums || !changed) throw new Error(value);
      sums.across = addErrors(sums.across, floats[at] ?? new Float32Array(0), changed);
      const own = unrounded[rounded.findIndex((each) => each.value === value)];
      if (own) sums.rounding = addErrors(sums.rounding, own, changed);
    });
  }
  return errors;
}

describe('errors of weights and activations, against onnxruntime’s debugger', () => {
  it.each(golden.cases)('$model', async ({ model, weights, activations }) => {
    const variant = read(model);
    const found = weightErrors(variant);
    expect([...found.keys()].sort()).toEqual(Object.keys(weights).sort());
    // Norms are of float32 differences there: the largest of these have five digits.
    for (const [name, sums] of found) expect(signalToNoiseDb(sums), name).toBeCloseTo(weights[name] ?? 0, 2);
    const values = await valueErrors(variant);
    expect([...values.keys()].sort()).toEqual(Object.keys(activations).sort());
    for (const [value, { across, rounding }] of values) {
      expect(signalToNoiseDb(across), value).toBeCloseTo(activations[value]?.xmodel_err ?? 0, 2);
      expect(signalToNoiseDb(rounding), value).toBeCloseTo(activations[value]?.qdq_err ?? 0, 2);
    }
  });
});

describe('other forms', () => {
  const values = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'image', 'scores'];
  const behindActivations = values.filter((name) => name !== 'a' && name !== 'd');
  // Wider than anything on the images.
  const ranges = new Map(values.map((name): readonly [string, ValueRange] => [name, { low: -16, high: 16 }]));
  for (const name of ['b', 'e']) ranges.set(name, { low: 0, high: 16 });
  const staticForm = {
    activations: 'u8',
    weights: 's8',
    perChannel: true,
    symmetric: false,
    reduceRange: false,
    exclude: [],
  } as const;
  const forms: readonly (readonly [
    name: string,
    Model,
    leastDb: number,
    weights: number,
    values: readonly string[],
  ])[] = [
    [
      'qdq',
      quantizeStatic(original, { ...staticForm, format: 'qdq' }, ranges).model,
      25,
      5,
      behindActivations,
    ],
    [
      'qoperator',
      quantizeStatic(original, { ...staticForm, format: 'qoperator' }, ranges).model,
      25,
      3,
      behindActivations,
    ],
    ['dynamic', quantizeDynamic(original, { weights: 'u8', perChannel: true }).model, 25, 3, values],
    [
      'dynamic per tensor',
      quantizeDynamic(original, { weights: 'u8', perChannel: false }).model,
      25,
      3,
      values,
    ],
    [
      '8 bits',
      quantizeWeightsOnly(original, {
        bits: 8,
        form: 'dequantize',
        blockSize: null,
        symmetric: false,
        exclude: [],
      }).model,
      30,
      3,
      values,
    ],
    [
      '4 bits',
      quantizeWeightsOnly(original, {
        bits: 4,
        form: 'matmul-nbits',
        blockSize: 16,
        symmetric: false,
        exclude: [],
      }).model,
      10,
      3,
      values,
    ],
    [
      '4 bits symmetric',
      quantizeWeightsOnly(original, {
        bits: 4,
        form: 'matmul-nbits',
        blockSize: 32,
        symmetric: true,
        exclude: [],
      }).model,
      10,
      3,
      values,
    ],
    ['halves', toFloat16(original).model, 55, 5, values],
  ];

  it.each(forms)(
    '%s: each weight and value is compared with its own',
    async (_, variant, leastDb, count, wanted) => {
      const weights = weightErrors(variant);
      expect(weights.size).toBeGreaterThanOrEqual(count);
      for (const [name, sums] of weights) {
        expect(signalToNoiseDb(sums), name).toBeGreaterThan(leastDb);
        expect(relativeError(sums), name).toBeLessThan(10 ** (-leastDb / 20));
      }
      const found = await valueErrors(variant);
      expect([...found.keys()].sort()).toEqual([...wanted].sort());
      for (const [value, { across }] of found)
        expect(signalToNoiseDb(across), value).toBeGreaterThan(leastDb - 8);
    },
  );

  it('numbers that are not finite stay so', () => {
    const sums = addErrors(NO_ERRORS, Float32Array.of(1, Number.NaN), Float32Array.of(1, 0));
    expect(signalToNoiseDb(addErrors(sums, Float32Array.of(1), Float32Array.of(1)))).toBeNaN();
    expect(sums.largest).toBeNaN();
  });
});
