import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../src/base/assert.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { refillHollow } from '../../../src/onnx/hollow.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { emulate } from '../../../src/study/placement/emulate.ts';
import { DEFAULT_SETUP, type PlacementName, PLACEMENT_NAMES } from '../../../src/study/placement/tiers.ts';
import { predictPlacements, reachOfNodes } from '../../../src/study/predict.ts';
import { costProfileByMacs, costProfileOf } from '../../../src/study/profile/cost-profile.ts';
import { parseRuntimeProfile } from '../../../src/study/profile/runtime-profile.ts';
import { makeSample } from './trials.ts';

function viewOf(file: string) {
  const model = refillHollow(parseModel(memorySource(readFileSync(file)), file));
  return buildGraphView(model, { modelId: file, fileName: file, fileBytes: 0 });
}
const resnet = viewOf('public/samples/zoo/resnet101_duc_hdc.onnx');
const digits = viewOf('public/samples/digits.onnx');

describe('a prediction', () => {
  it('is what emulating an inference of exactly these costs gives, for every placement and cut', () => {
    const legal = resnet.frontiers.filter((frontier) => frontier.legal);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 9, noNaN: true }), {
          minLength: resnet.nodes.length,
          maxLength: resnet.nodes.length,
        }),
        fc.constantFrom(...legal),
        fc.constantFrom('encoded-image' as const, 'input-tensor' as const),
        (ms, frontier, sends) => {
          const profile = {
            nodeMs: Float64Array.from(ms),
            decodeMs: 2,
            preprocessMs: 3,
            postprocessMs: 0.5,
            imageBytes: 40_000,
            source: 'measured' as const,
          };
          const predicted = predictPlacements(resnet, profile, {
            setup: DEFAULT_SETUP,
            sends,
            transfer: 'float32',
            reach: null,
          });
          const sum = (from: number, to: number) => ms.slice(from, to).reduce((a, b) => a + b, 0);
          const input = resnet.values.get(defined(resnet.inputs[0], 'input'));
          const at = frontier.afterNode;
          for (const name of PLACEMENT_NAMES) {
            const whole = predicted.alone.get(name);
            const cut = predicted.cut.get(name);
            const segmentMs =
              whole === undefined ? [sum(0, at + 1), sum(at + 1, ms.length)] : [sum(0, ms.length)];
            if (whole === undefined && cut === undefined) continue;
            const { totalMs } = emulate(
              { decodeMs: 2, preprocessMs: 3, postprocessMs: 0.5, segmentMs },
              {
                partOfSegment: [0, 1],
                crossingBytes: [frontier.bytes],
                inputBytes: input?.bytes ?? null,
                partBytes: [1, 1],
              },
              { name, sends, setup: DEFAULT_SETUP },
              40_000,
              () => 0.5,
            );
            expect(whole ?? cut?.[at]).toBeCloseTo(totalMs, 6);
          }
        },
      ),
      { numRuns: 50 },
    );
  });
  it('sends half as much in half precision and about a quarter in bytes', () => {
    const profile = costProfileByMacs(resnet, 100, 1000);
    const bytes = (transfer: 'float32' | 'float16' | 'uint8') =>
      predictPlacements(resnet, profile, {
        setup: DEFAULT_SETUP,
        sends: 'encoded-image',
        transfer,
        reach: null,
      }).crossingBytes;
    const [full, half, quarter] = [bytes('float32'), bytes('float16'), bytes('uint8')];
    let legal = 0;
    for (const { afterNode, legal: isLegal, crossing } of resnet.frontiers) {
      expect(Number.isNaN(full[afterNode])).toBe(!isLegal);
      if (!isLegal) continue;
      legal++;
      expect(half[afterNode]).toBe((full[afterNode] as number) / 2);
      expect(quarter[afterNode]).toBe((full[afterNode] as number) / 4 + 5 * crossing.length);
    }
    expect(legal).toBeGreaterThan(20);
  });
  it('counts what comes after an exit only for the images that go on', () => {
    const profile = costProfileByMacs(digits, 10, 500);
    const predict = (reach: Float64Array) =>
      predictPlacements(digits, profile, {
        setup: DEFAULT_SETUP,
        sends: 'encoded-image',
        transfer: 'float32',
        reach,
      }).alone.get('mobile') as number;
    const exits = digits.exits.map(({ index }) => index);
    const last = exits.at(-1) as number;
    const none = predict(reachOfNodes(digits, exits, new Map([[last, 1]])));
    const half = predict(
      reachOfNodes(
        digits,
        exits,
        new Map([
          [0, 0.5],
          [last, 0.5],
        ]),
      ),
    );
    const all = predict(reachOfNodes(digits, exits, new Map([[0, 1]])));
    expect(none).toBeCloseTo(10, 6);
    expect(half).toBeCloseTo((none + all) / 2, 6);
    const fixed = predict(reachOfNodes(digits, [0], new Map()));
    expect(fixed).toBeCloseTo(all, 6);
    expect(all).toBeCloseTo((10 * (digits.exits[0]?.macs ?? 0)) / digits.totals.macs, 1);
  });
  it('has a number for every frontier of the largest model', () => {
    const densenet = viewOf('public/samples/zoo/densenet201.onnx');
    const profile = costProfileByMacs(densenet, 100, 1000);
    const { cut } = predictPlacements(densenet, profile, {
      setup: DEFAULT_SETUP,
      sends: 'encoded-image',
      transfer: 'uint8',
      reach: null,
    });
    for (const name of ['mobile-edge', 'edge-cloud', 'mobile-cloud'] satisfies PlacementName[])
      expect(cut.get(name)).toHaveLength(densenet.nodes.length);
  });
});

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
  it('is replaced by shares of the work where there is none', () => {
    const profile = costProfileOf(resnet, { nodes: [], samples: [makeSample()], imageBytes: 7 });
    expect(profile.source).toBe('by-macs');
    expect(profile.nodeMs.reduce((a, b) => a + b, 0)).toBeCloseTo(4, 9);
  });
});
