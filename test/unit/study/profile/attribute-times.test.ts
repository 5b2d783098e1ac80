import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import type { GraphView } from '../../../../src/onnx/graph-view.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { attributeTimes } from '../../../../src/study/profile/attribute-times.ts';
import { costProfileOf, shareInNodes } from '../../../../src/study/profile/cost-profile.ts';
import { parseRuntimeProfile } from '../../../../src/study/profile/runtime-profile.ts';
import { makeSample } from '../trials.ts';

function viewOf(name: string): GraphView {
  const file = `public/samples/zoo/${name}.onnx`;
  const model = parseModel(memorySource(readFileSync(file)), file);
  return buildGraphView(model, { modelId: file, fileName: file, fileBytes: 0 });
}

const vit = viewOf('vit_b_16');
/** What the runtime really ran of it. */
const recorded = (
  JSON.parse(readFileSync('test/fixtures/profiles/vit_b_16.json', 'utf8')) as {
    nodes: [name: string, opType: string][];
  }
).nodes.map(([name, opType]) => ({ name, opType }));

const sum = (values: Iterable<number>) => [...values].reduce((a, b) => a + b, 0);

/** Time by operator of the graph, where only the runtime's nodes of one kind took any. */
function byOperator(opType: string): Record<string, number> {
  const { nodeMs } = attributeTimes(
    vit,
    recorded.map((node) => ({ ...node, ms: node.opType === opType ? 1 : 0 })),
  );
  const times: Record<string, number> = {};
  for (const node of vit.nodes) {
    const ms = nodeMs[node.index] ?? 0;
    if (ms > 0) times[node.opType] = (times[node.opType] ?? 0) + ms;
  }
  return times;
}

describe("times of the runtime's nodes", () => {
  it('all go to the graph, whatever they are', () => {
    const ms = fc.array(fc.double({ min: 0, max: 50, noNaN: true }), {
      minLength: recorded.length,
      maxLength: recorded.length,
    });
    fc.assert(
      fc.property(ms, (times) => {
        const given = recorded.map((node, at) => ({ ...node, ms: times[at] as number }));
        const { nodeMs, guessedMs } = attributeTimes(vit, given);
        expect(sum(nodeMs)).toBeCloseTo(sum(times), 6);
        expect(guessedMs).toBeLessThanOrEqual(sum(times) + 1e-9);
      }),
      { numRuns: 20 },
    );
  });

  it('of fusions go to the nodes that they swallowed', () => {
    const gelu = byOperator('Gelu');
    expect(Object.keys(gelu).sort()).toEqual(['Add', 'Div', 'Erf']);
    expect(sum(Object.values(gelu))).toBeCloseTo(12, 9);
    // Of a matrix product with its bias nearly all is the product.
    const gemm = byOperator('Gemm');
    expect(gemm['MatMul']).toBeGreaterThan(35.9);
    const norm = byOperator('LayerNormalization');
    expect(norm['MatMul']).toBeUndefined();
    expect(norm['Sqrt']).toBeGreaterThan(0);
    expect(norm['ReduceMean']).toBeGreaterThan(0);
  });

  it('of each layer stay in that layer', () => {
    const layerOf = (name: string) => /encoder_layer_(\d+)\//.exec(name)?.[1];
    for (const { name, opType } of recorded) {
      const layer = layerOf(name);
      if (layer === undefined || !name.includes('Fusion')) continue;
      const { nodeMs } = attributeTimes(
        vit,
        recorded.map((node) => ({ ...node, ms: node.name === name && node.opType === opType ? 1 : 0 })),
      );
      const layers = vit.nodes
        .filter(({ index }) => nodeMs[index])
        .map(({ outputs }) => layerOf(outputs[0] ?? ''));
      expect(new Set(layers)).toEqual(new Set([layer]));
    }
  });

  it('are guesses only where the runtime added what no node of the graph asks for', () => {
    const { guessedMs } = attributeTimes(
      vit,
      recorded.map((node) => ({
        ...node,
        ms: node.opType === 'Reshape' || node.opType === 'Transpose' ? 0 : 1,
      })),
    );
    expect(guessedMs).toBe(0);
  });

  it('of a convolution with its activation are shared by their work', () => {
    const mobilenet = viewOf('mobilenet_v2');
    const [conv, clip] = [mobilenet.nodes[0], mobilenet.nodes[1]];
    const name = String(conv?.outputs[0]);
    const { nodeMs } = attributeTimes(mobilenet, [
      { name, opType: 'FusedConv', ms: 10 },
      ...mobilenet.nodes
        .slice(2)
        .map((node) => ({ name: String(node.outputs[0]), opType: node.opType, ms: 1 })),
    ]);
    const [work, swallowed] = [(conv?.macs ?? 0) + 112 * 112 * 32, 112 * 112 * 32];
    expect(clip?.opType).toBe('Clip');
    expect(nodeMs[0]).toBeCloseTo((10 * work) / (work + swallowed), 9);
    expect(nodeMs[1]).toBeCloseTo((10 * swallowed) / (work + swallowed), 9);
  });
});

describe('a profile on WebGPU', () => {
  const event = (
    cat: string,
    name: string,
    dur: number,
    [opType, provider] = ['Conv', 'WebGpuExecutionProvider'],
  ) => JSON.stringify({ cat, dur, ts: 1, ph: 'X', name, args: { op_name: opType, provider } });
  const output = (node: number) => String(vit.nodes[node]?.outputs[0]);
  const kernels = [0, 1, 2].flatMap(() => [
    event('Node', `${output(0)}_token_2_kernel_time`, 900),
    event('Node', `${output(1)}_kernel_time`, 1),
    event('Node', `${output(4)}_kernel_time`, 70, ['Add', 'CPUExecutionProvider']),
  ]);
  const samples = [30, 4, 4].map((computeMs, run) =>
    makeSample({ computeMs, segmentMs: [computeMs], warmUp: run === 0 }),
  );

  it("takes the times of the GPU's programs, not how long it took to start them", () => {
    const nodes = parseRuntimeProfile([
      ...kernels,
      event('Api', `${output(0)}_token_2&Conv&Pack`, 5000),
      ...[0, 1, 2].map(() => event('Api', `${output(0)}_token_2&Conv&MatMul`, 2000)),
    ]);
    expect(nodes.map(({ timesMs }) => timesMs)).toEqual([[5], [2, 2, 2], [0.07, 0.07, 0.07]]);
    const profile = costProfileOf(vit, { nodes, samples, imageBytes: 7 });
    // What was done once is not part of an inference.
    expect(profile.source).toBe('measured');
    expect(profile.nodeMs[0]).toBeCloseTo((4 * 2) / 2.07, 9);
    expect(profile.nodeMs[4]).toBeCloseTo((4 * 0.07) / 2.07, 9);
    expect(profile.betweenNodesShare).toBeCloseTo(1 - 2.07 / 4, 9);
    expect(shareInNodes({ nodes, samples, imageBytes: 7 })).toBeCloseTo(2.07 / 4, 9);
  });

  it("says so where the GPU's clock is not told, and shares the total out by work", () => {
    const profile = costProfileOf(vit, { nodes: parseRuntimeProfile(kernels), samples, imageBytes: 7 });
    expect(profile.source).toBe('by-macs');
    expect(profile.whyByMacs).toContain('GPU');
    expect(sum(profile.nodeMs)).toBeCloseTo(4, 9);
  });
});

it('a profile of a model that ran as one node is told to be one', () => {
  const nodes = [{ name: 'WebNN_1', opType: 'WebNN', provider: 'WebNN', timesMs: [3, 3] }];
  const samples = [makeSample({ computeMs: 3, segmentMs: [3], warmUp: false })];
  const profile = costProfileOf(vit, { nodes, samples, imageBytes: 7 });
  expect(profile.source).toBe('by-macs');
  expect(profile.whyByMacs).toContain('as one');
});

it('what an inference takes is told by runs without the profile', () => {
  const nodes = [
    { name: String(vit.nodes[3]?.outputs[0]), opType: 'Concat', provider: 'CPU', timesMs: [1, 1] },
  ];
  const profiled = [makeSample({ computeMs: 3, segmentMs: [3], warmUp: false })];
  const plain = [makeSample({ computeMs: 2, segmentMs: [2], warmUp: false })];
  const { nodeMs } = costProfileOf(vit, { nodes, samples: profiled, plainSamples: plain, imageBytes: 7 });
  expect(sum(nodeMs)).toBeCloseTo(2, 9);
});
