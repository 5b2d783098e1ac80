import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../src/onnx/byte-source.ts';
import { DataType, type Model } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { tensorBytes } from '../../src/onnx/tensor.ts';
import { quantizeStatic, valuesToCalibrate } from '../../src/transforms/quantize/static/quantize-static.ts';
import type { StaticForm } from '../../src/transforms/quantize/static/static-form.ts';

const modelsFolder = new URL('../../../shared/models/', import.meta.url);

interface Golden {
  readonly cases: readonly {
    readonly model: string;
    readonly ranges: Readonly<Record<string, readonly [number, number]>>;
    readonly results: readonly {
      readonly form: Pick<StaticForm, 'format' | 'activations' | 'weights' | 'perChannel'>;
      readonly operators: Readonly<Record<string, number>>;
      readonly tensors: number;
      readonly hash: string;
      readonly loads: boolean;
    }[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../fixtures/quantize/golden/trained.json', import.meta.url), 'utf8'),
) as Golden;

/** Operators, and one hash over all integers and scales, as the fixture's script makes it. */
function summary({ graph }: Model): { operators: Record<string, number>; tensors: number; hash: string } {
  const operators: Record<string, number> = {};
  for (const { opType } of graph.nodes) operators[opType] = (operators[opType] ?? 0) + 1;
  const integers = new Set<number>([DataType.uint8, DataType.int8, DataType.int32]);
  const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
  const lines = graph.initializers
    .filter(({ name, dataType }) => name.endsWith('_scale') || integers.has(dataType))
    .map((tensor) => `${tensor.name} ${digest(tensorBytes(tensor))}`);
  return { operators, tensors: lines.length, hash: digest(lines.sort().join('\n')) };
}

describe.skipIf(!existsSync(modelsFolder))('static int8 of trained models, against onnxruntime', () => {
  it.each(golden.cases)('$model', ({ model: name, ranges, results }) => {
    const bytes = new Uint8Array(readFileSync(new URL(`${name}.onnx`, modelsFolder)));
    const model = parseModel(memorySource(bytes), name);
    for (const { form: given, loads, ...wanted } of results) {
      // Scales along an axis in a model of opset 11: the tool's file is none that a runtime takes.
      if (!loads) continue;
      const form: StaticForm = { ...given, symmetric: false, reduceRange: false, exclude: [] };
      const known = valuesToCalibrate(model, form).flatMap((value) => {
        const [low, high] = ranges[value] ?? [];
        return low === undefined || high === undefined ? [] : [[value as string, { low, high }] as const];
      });
      const { model: integer } = quantizeStatic(model, form, new Map(known));
      expect.soft(summary(integer), JSON.stringify(given)).toEqual(wanted);
    }
  });
});
