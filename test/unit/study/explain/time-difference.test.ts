import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { timeDifferenceCsv } from '../../../../src/study/explain/difference-csv.ts';
import { kindOfOperator, providerName } from '../../../../src/study/explain/operator-kinds.ts';
import {
  differenceMs,
  type ExplainedVariant,
  timeDifference,
  typicalComputeMs,
} from '../../../../src/study/explain/time-difference.ts';
import { readCsv } from '../../../fixtures/read-csv.ts';

const file = 'public/samples/digits.onnx';
const view = buildGraphView(parseModel(memorySource(readFileSync(file)), file), {
  modelId: file,
  fileName: file,
  fileBytes: 0,
});
const convs = view.nodes.filter(({ opType }) => opType === 'Conv');
const cpu = 'CPUExecutionProvider';

function variant(name: string, latencyMs: number, nodes: ExplainedVariant['nodes']): ExplainedVariant {
  const inNodesMs = nodes.reduce((sum, { ms }) => sum + ms, 0);
  return { name, latencyMs, inferenceMs: inNodesMs * 1.25, nodes };
}

const float = variant(
  'identity',
  10,
  convs.map(({ outputs: [name = ''] }) => ({
    name,
    opType: 'FusedConv',
    provider: cpu,
    ms: 8 / convs.length,
  })),
);
/** As static quantization leaves it: integer kernels, and a conversion named after the first of them. */
const quantized = variant('static int8', 5, [
  { name: `${convs[0]?.outputs[0]}/0`, opType: 'QuantizeLinear', provider: cpu, ms: 1 },
  ...convs.map(({ outputs: [name = ''] }) => ({
    name,
    opType: 'QLinearConv',
    provider: cpu,
    ms: 3 / convs.length,
  })),
]);

describe('where the time of two variants goes', () => {
  it('is told of two models without a block in common, by operator alone', () => {
    const both = timeDifference(view, float, quantized);
    const apart = timeDifference(null, float, quantized);
    expect(apart.blocks).toEqual([]);
    expect([apart.operators, apart.outside, apart.sentences]).toEqual([
      both.operators,
      both.outside,
      both.sentences,
    ]);
  });

  it('is told by operator, in milliseconds of the measured latency', () => {
    const { operators, outside, sentences } = timeDifference(view, float, quantized);
    expect(operators.map(({ part, provider }) => [part, provider])).toEqual([
      ['Conv', 'CPU'],
      ['QuantizeLinear', 'CPU'],
    ]);
    expect(operators[0]?.beforeMs).toBeCloseTo(8, 9);
    expect(operators[0]?.afterMs).toBeCloseTo(3, 9);
    expect(operators[0]?.kernelsAfter).toEqual(['QLinearConv']);
    expect(outside.beforeMs).toBeCloseTo(2, 9);
    expect(outside.afterMs).toBeCloseTo(1, 9);
    expect(sentences).toEqual([
      'static int8 takes 5.00 ms for an inference, 5.00 ms less than identity with 10.0 ms.',
      'Conv takes 5.00 ms less: 3.00 ms instead of 8.00 ms, now as QLinearConv.',
      'QuantizeLinear adds 1.00 ms.',
      'Outside nodes it takes 1.00 ms less.',
    ]);
  });

  it('adds up to the latencies, by operator and by block, whatever was profiled', () => {
    const node = fc.record({
      name: fc.constantFrom(...view.nodes.flatMap(({ outputs }) => outputs), 'of the runtime'),
      opType: fc.constantFrom('Conv', 'QLinearConv', 'Relu', 'ReorderInput', 'If'),
      provider: fc.constantFrom(cpu, 'WebGpuExecutionProvider'),
      ms: fc.double({ min: 0, max: 50, noNaN: true }),
    });
    const any = fc.record({
      name: fc.constant('any'),
      nodes: fc.array(node, { minLength: 1, maxLength: 30 }),
      inferenceMs: fc.double({ min: 0.01, max: 400, noNaN: true }),
      latencyMs: fc.double({ min: 0.01, max: 400, noNaN: true }),
    });
    fc.assert(
      fc.property(any, any, (before, after) => {
        const { operators, blocks, outside, total } = timeDifference(view, before, after);
        for (const parts of [operators, blocks])
          for (const when of ['beforeMs', 'afterMs'] as const) {
            const sum = parts.reduce((ms, part) => ms + part[when], outside[when]);
            expect(sum).toBeCloseTo(total[when], 6);
            expect(outside[when]).toBeGreaterThanOrEqual(0);
          }
      }),
      { numRuns: 60 },
    );
  });

  it('of a variant and itself differs nowhere', () => {
    const { operators, sentences } = timeDifference(view, float, float);
    expect(operators.map(differenceMs)).toEqual([0]);
    expect(sentences[0]).toContain('as long as identity');
    expect(sentences).toHaveLength(2);
  });

  it('takes the medians of exits by how often they are taken, whatever disturbs single inferences', () => {
    const samples = (exitIndex: number | null, ...timesMs: readonly number[]) =>
      timesMs.map((computeMs) => ({ exitIndex, computeMs }));
    expect(typicalComputeMs(samples(null, 1, 2, 90))).toBe(2);
    expect(typicalComputeMs([...samples(0, 1, 1, 1), ...samples(1, 5)])).toBe(2);
    expect(typicalComputeMs([])).toBeNaN();
  });

  it('is written as a table that adds up', () => {
    const rows = readCsv(timeDifferenceCsv(timeDifference(view, float, quantized), ['identity', '=Q']));
    const sumOf = (level: string, column: string) =>
      rows.filter((row) => row.get('level') === level).reduce((sum, row) => sum + Number(row.get(column)), 0);
    for (const column of ['a_ms', 'b_ms', 'difference_ms'])
      for (const level of ['operator', 'block'])
        expect(sumOf(level, column) + sumOf('outside', column)).toBeCloseTo(sumOf('all', column), 9);
    // No spreadsheet runs a strategy's name.
    expect(rows[0]?.get('strategy_b')).toBe("'=Q");
  });
});

describe('kernels of the runtime', () => {
  it.each([
    ['Conv', 'Conv'],
    ['FusedConv', 'Conv'],
    ['NhwcFusedConv', 'Conv'],
    ['QLinearConv', 'Conv'],
    ['ConvInteger', 'Conv'],
    ['QGemm', 'Gemm'],
    ['FusedGemm', 'Gemm'],
    ['FusedMatMul', 'MatMul'],
    ['MatMulInteger', 'MatMul'],
    ['DynamicQuantizeMatMul', 'MatMul'],
    ['QLinearGlobalAveragePool', 'GlobalAveragePool'],
    ['NhwcMaxPool', 'MaxPool'],
    ['QuantizeLinear', 'QuantizeLinear'],
    ['DynamicQuantizeLinear', 'DynamicQuantizeLinear'],
    ['LayerNormalization', 'LayerNormalization'],
  ])('%s computes %s', (kernel, operator) => expect(kindOfOperator(kernel)).toBe(operator));

  it('names providers as people do', () => {
    expect(['CPUExecutionProvider', 'WebGpuExecutionProvider', ''].map(providerName)).toEqual([
      'CPU',
      'WebGPU',
      '',
    ]);
  });
});
