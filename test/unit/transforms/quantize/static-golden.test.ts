import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { DataType, type Model } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { tensorBytes } from '../../../../src/onnx/tensor.ts';
import {
  quantizeStatic,
  valuesToCalibrate,
} from '../../../../src/transforms/quantize/static/quantize-static.ts';
import type { StaticForm } from '../../../../src/transforms/quantize/static/static-form.ts';
import { feed, runModel } from '../../../fixtures/run-onnx.ts';

const folder = new URL('../../../fixtures/quantize/golden/', import.meta.url);

interface Golden {
  readonly cases: readonly {
    readonly model: string;
    readonly dims: readonly number[];
    readonly ranges: Readonly<Record<string, readonly [number, number]>>;
    readonly results: readonly {
      readonly form: Omit<StaticForm, 'exclude'>;
      readonly operators: Readonly<Record<string, number>>;
      readonly tensors: Readonly<Record<string, string>>;
      readonly outputs: Readonly<Record<string, readonly number[]>>;
    }[];
  }[];
}

const golden = JSON.parse(readFileSync(new URL('static.json', folder), 'utf8')) as Golden;
const defaults = { symmetric: false, reduceRange: false, exclude: [] };

function countOperators({ graph }: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

/** Hashes of scales and of integers in 8 and 32 bits. */
function digests({ graph }: Model): Record<string, string> {
  const integers = new Set<number>([DataType.uint8, DataType.int8, DataType.int32]);
  return Object.fromEntries(
    graph.initializers
      .filter(({ name, dataType }) => name.endsWith('_scale') || integers.has(dataType))
      .map((tensor) => [
        tensor.name,
        createHash('sha256').update(tensorBytes(tensor)).digest('hex').slice(0, 16),
      ]),
  );
}

/**
 * Where onnxruntime's own file is not followed: channels of zeros have the zero point of the others (the runtime
 * refuses convolutions whose channels differ in it), and 8-bit weights that the form made signed are widened for
 * their bias as those asked for are.
 */
function deviations(model: string, { format, weights, perChannel }: Omit<StaticForm, 'exclude'>): string[] {
  if (model !== 'oddities' || weights !== 'u8' || !perChannel) return [];
  return format === 'qdq'
    ? ['holey_quantized', 'holey_zero_point']
    : ['faint_quantized', 'faint_scale', 'heavy_quantized'];
}

const cases = golden.cases.flatMap(({ results, ...each }) =>
  results.map((result) => {
    const { format, activations, weights, perChannel, reduceRange, symmetric } = result.form;
    const extras = `${perChannel ? ' per channel' : ''}${reduceRange ? ' 7 bits' : ''}${symmetric ? ' symmetric' : ''}`;
    return { ...each, ...result, title: `${each.model} as ${format} ${activations}${weights}${extras}` };
  }),
);

describe('static int8, against onnxruntime', () => {
  it.each(cases)('$title', async ({ model: name, dims, ranges, ...result }) => {
    const bytes = readFileSync(new URL(`static-${name}.onnx`, folder));
    const model = parseModel(memorySource(new Uint8Array(bytes)), name);
    const form: StaticForm = { ...defaults, ...result.form };
    // Only those asked for: a value that is missing would leave its node as float.
    const given = new Map(
      valuesToCalibrate(model, form).flatMap((value) => {
        const [low, high] = ranges[value] ?? [];
        return low === undefined || high === undefined ? [] : [[value as string, { low, high }]];
      }),
    );
    const { model: integer } = quantizeStatic(model, form, given);
    expect(countOperators(integer)).toEqual(result.operators);
    const ours = digests(integer);
    const others = new Set(deviations(name, form));
    // The zero points of biases are 0 whether they are written or not.
    const theirs = Object.keys(result.tensors).filter((tensor) => !tensor.endsWith('_quantized_zero_point'));
    expect(Object.keys(ours).sort()).toEqual(theirs.sort());
    const differing = Object.keys(ours).filter((tensor) => ours[tensor] !== result.tensors[tensor]);
    expect(new Set(differing)).toEqual(others);
    if (others.has('heavy_quantized')) return;
    const outputs = await runModel(integer, { image: feed(dims, (at) => Math.sin(at * 0.37)) });
    for (const [output, wanted] of Object.entries(result.outputs)) {
      const values = outputs.get(output)?.data as Float32Array;
      // Six digits were written.
      wanted.forEach((value, at) => {
        expect(Math.abs((values[at] as number) - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
      });
    }
  });
});
