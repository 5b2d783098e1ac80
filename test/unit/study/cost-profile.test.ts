import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { refillHollow } from '../../../src/onnx/hollow.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { costProfileOf, leastOutsideMs } from '../../../src/study/profile/cost-profile.ts';
import { executionTimesMs, parseRuntimeProfile } from '../../../src/study/profile/runtime-profile.ts';
import { makeSample } from './trials.ts';

function viewOf(file: string) {
  const model = refillHollow(parseModel(memorySource(readFileSync(file)), file));
  return buildGraphView(model, { modelId: file, fileName: file, fileBytes: 0 });
}
const resnet = viewOf('public/samples/zoo/resnet101_duc_hdc.onnx');

describe("the runtime's profile", () => {
  const event = (name: string, dur: number, cat = 'Node') =>
    `{"cat" : "${cat}","pid" :1,"tid" :2,"dur" :${dur},"ts" :5,"ph" : "X","name" :"${name}","args" : {"op_name" : "Conv","provider" : "CPUExecutionProvider"}},`;
  it('is read line by line, whatever else is printed', () => {
    const nodes = parseRuntimeProfile([
      `[\n${event('model_loading', 900, 'Session')}`,
      event('a_kernel_time', 1500),
      event('a_fence_before', 3),
      'something else',
      `${event('b_kernel_time', 250)}\n${event('a_kernel_time', 2500)}`,
      '{"cat" : "Node","dur" :1,"name" :"cut off',
      ']',
    ]);
    expect(nodes).toEqual([
      { name: 'a', opType: 'Conv', provider: 'CPUExecutionProvider', timesMs: [1.5, 2.5] },
      { name: 'b', opType: 'Conv', provider: 'CPUExecutionProvider', timesMs: [0.25] },
    ]);
  });
  it('gives each node of the graph its time, fused and added ones too, and together the whole', () => {
    const output = (node: number) => String(resnet.nodes[node]?.outputs[0]);
    const nodes = [
      { name: `fused ${output(0)}`, timesMs: [90, 8, 10, 12] },
      { name: 'reorder_token_3', timesMs: [9, 1, 1, 1] },
      { name: `${output(4)}/Fusion/`, timesMs: [9, 4, 4, 4] },
    ].map((node) => ({ ...node, opType: 'Conv', provider: 'CPU' }));
    const samples = [200, 16, 18, 20].map((computeMs, run) =>
      makeSample({ computeMs, segmentMs: [computeMs], warmUp: run === 0 }),
    );
    const profile = costProfileOf(resnet, { nodes, samples, imageBytes: 7 });
    expect(profile.source).toBe('measured');
    expect(profile.nodeMs.reduce((a, b) => a + b, 0)).toBeCloseTo(18, 9);
    expect(profile.nodeMs[0]).toBeCloseTo((18 * 11) / 15, 9);
    expect(profile.nodeMs[4]).toBeCloseTo((18 * 4) / 15, 9);
    expect(profile.nodeMs[1]).toBe(0);
  });
  it('tells what an inference takes around the execution apart, and shares out what lies between nodes', () => {
    const nodes = [0, 4].map((node) => ({
      name: String(resnet.nodes[node]?.outputs[0]),
      opType: 'Conv',
      provider: 'CPU',
      timesMs: [50, 4, 4, 9],
    }));
    // The slowest run was disturbed, and the first is the warm-up.
    const samples = [200, 13, 13, 40].map((computeMs, run) =>
      makeSample({ computeMs, segmentMs: [computeMs], warmUp: run === 0 }),
    );
    const executionMs = [190, 11, 11, 36];
    const profile = costProfileOf(resnet, { nodes, samples, imageBytes: 7, executionMs });
    expect(profile.startMs).toBe(2);
    const handOver = { ms: 0.5, msPerByte: 0 };
    const told = costProfileOf(resnet, { nodes, samples, imageBytes: 7, executionMs, handOver });
    expect(told).toMatchObject({ startMs: 0.5, handOverMs: 0.5, handOverMsPerByte: 0 });
    expect(profile.nodeMs[0]).toBeCloseTo(5.5, 9);
    expect(profile.nodeMs[4]).toBeCloseTo(5.5, 9);
    const lines = executionMs.map(
      (ms) =>
        `{"cat" : "Session","pid" :1,"tid" :2,"dur" :${1000 * ms},"ts" :5,"ph" : "X","name" :"SequentialExecutor::Execute","args" : {}},`,
    );
    expect(executionTimesMs(['[', lines.join('\n'), ']'])).toEqual(executionMs);
  });
  it('is replaced by shares of the work where there is none', () => {
    const profile = costProfileOf(resnet, { nodes: [], samples: [makeSample()], imageBytes: 7 });
    expect(profile.source).toBe('by-macs');
    expect(profile.nodeMs.reduce((a, b) => a + b, 0)).toBeCloseTo(4, 9);
  });
});

describe('what lies outside nodes', () => {
  const samples = [9, 5, 30].map((computeMs, run) => makeSample({ computeMs, warmUp: run === 0 }));
  const node = (...timesMs: readonly number[]) => ({ name: 'n', opType: 'Conv', provider: 'CPU', timesMs });
  it('is that of the least disturbed run, without the warm-up', () => {
    expect(leastOutsideMs({ nodes: [node(9, 2, 4), node(0, 1, 1)], samples, imageBytes: 0 })).toBe(2);
  });
  it('is not told where some nodes do not run for every image', () => {
    expect(leastOutsideMs({ nodes: [node(9, 2, 4), node(1)], samples, imageBytes: 0 })).toBeNull();
  });
});
