import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { placementOf } from '../../../../src/transforms/placement.ts';
import type { PartitionOperator, Recipe } from '../../../../src/transforms/recipe.ts';
import { build, sampleModel } from '../run-variant.ts';

const skip = { op: 'early-exit', kind: 'skip', blocks: 1 } as const;

const fastest = (nodeMicroseconds: number[]): PartitionOperator => ({
  op: 'partition',
  cut: 'fastest',
  bandwidthMbps: 2000,
  nodeMicroseconds,
});

describe.each(['zoo/shufflenet_v2_x1_0', 'digits'])('the fastest cut of %s by measured times', (name) => {
  const model = sampleModel(name);
  const view = buildGraphView(model, { modelId: '', fileName: name, fileBytes: 0 });
  const random = seededRandom(3);
  test('is the same on the canvas and in the files, whatever else the recipe does', () => {
    for (let trial = 0; trial < 3; trial++) {
      const partition = fastest(view.nodes.map(() => Math.floor(2000 * random())));
      for (const recipe of [[partition], [skip, partition], [partition, skip]] as Recipe[]) {
        const [placed] = placementOf(recipe, view).cuts;
        const built = build(model, recipe);
        expect(built.automaticCut).toMatchObject({ kind: 'fastest', times: 'measured' });
        expect([...(built.automaticCut?.cut ?? [])].sort()).toEqual([...(placed?.crossing ?? [])].sort());
        expect(built.automaticCut?.prediction?.totalMs).toBeCloseTo(placed?.prediction?.totalMs ?? NaN, 6);
      }
    }
  });
});

test('without times the variant says that they follow from the work', () => {
  const built = build(sampleModel('digits'), [{ op: 'partition', cut: 'fastest' }]);
  expect(built.automaticCut?.times).toBe('from-macs');
  expect(build(sampleModel('digits'), [{ op: 'partition', cut: 'equal-size' }]).automaticCut?.times).toBe(
    undefined,
  );
});

test('the fastest cut follows the times, not the work: what is slow here runs there', () => {
  const model = sampleModel('zoo/shufflenet_v2_x1_0');
  const count = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 }).nodes.length;
  const macsBefore = (isSlow: (node: number) => boolean): number => {
    const times = Array.from({ length: count }, (_, node) => (isSlow(node) ? 5000 : 1));
    return build(model, [fastest(times)]).plan.segments[0]?.macs ?? 0;
  };
  expect(macsBefore((node) => node < count / 2)).toBeLessThan(macsBefore((node) => node >= count / 2));
});
