import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import type { GraphView, SkippableRun } from '../../../src/onnx/graph-view.ts';
import {
  skippableAt,
  skippedBlocks,
  skippedNodes,
  skipsOf,
  withBlockSkipped,
  withoutSkip,
  withSkippedInRun,
} from '../../../src/transforms/exits/skip-placement.ts';
import { parseRecipe } from '../../../src/transforms/parse-recipe.ts';
import { placementOf } from '../../../src/transforms/placement.ts';
import { recipeName } from '../../../src/transforms/recipe-name.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { sampleModel } from './run-variant.ts';

const viewOf = (name: string): GraphView =>
  buildGraphView(sampleModel(`zoo/${name}`), { modelId: '', fileName: name, fileBytes: 0 });
const mobile = viewOf('mobilenet_v2');
const resnet = viewOf('resnet152');
const runsOf = (view: GraphView): readonly SkippableRun[] => view.skippable ?? [];
const quantized: Recipe = [{ op: 'quantize', mode: 'dynamic' }];

describe('blocks skipped on the graph', () => {
  it('are found back, whatever is chosen, and taken in again leave the recipe as it was', () => {
    for (const view of [mobile, resnet]) {
      const blocks = runsOf(view).flatMap((run) => run.blocks);
      fc.assert(
        fc.property(fc.subarray(blocks), (chosen) => {
          let recipe = quantized;
          for (const block of chosen) recipe = withBlockSkipped(recipe, view, block, true);
          expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
          expect(skippedBlocks(recipe, view)).toEqual(new Set(chosen));
          expect(placementOf(recipe, view).problems).toEqual([]);
          const { skips } = skipsOf(recipe, view);
          const work = [...skippedNodes(view, skips)].reduce(
            (sum, node) => sum + (view.nodes[node]?.macs ?? 0),
            0,
          );
          expect(work).toBe(chosen.reduce((sum, { macs }) => sum + macs, 0));
          for (const block of chosen) recipe = withBlockSkipped(recipe, view, block, false);
          expect(recipe).toEqual(quantized);
        }),
        { numRuns: 30 },
      );
    }
  });

  it('are written as a number where that says the same', () => {
    const [first] = runsOf(resnet);
    const last = runsOf(resnet).at(-1);
    if (!first || !last) throw new Error('resnet has runs');
    expect(withSkippedInRun([], resnet, last, 2)).toEqual([{ op: 'early-exit', kind: 'skip', blocks: 2 }]);
    const elsewhere = withSkippedInRun([], resnet, first, 1);
    expect(elsewhere).toEqual([
      { op: 'early-exit', kind: 'skip', bypass: [{ from: first.blocks[1]?.from, to: first.to }] },
    ]);
    expect(recipeName(elsewhere, resnet)).toBe('skip block 3');
    expect(withSkippedInRun(elsewhere, resnet, first, 0)).toEqual([]);
  });

  it('stay when blocks of another run are chosen, and when a bypass by hand is none of them', () => {
    const [first, second] = runsOf(resnet);
    if (!first || !second) throw new Error('resnet has runs');
    const inside = resnet.nodes.slice(second.firstNode).find(({ opType }) => opType === 'Conv');
    const by = {
      from: String(inside?.outputs[0]),
      to: String(resnet.nodes[(inside?.index ?? 0) + 2]?.outputs[0]),
    };
    const recipe = withSkippedInRun([{ op: 'early-exit', kind: 'skip', bypass: [by] }], resnet, first, 2);
    const operator = recipe[0];
    expect(operator?.op === 'early-exit' && operator.kind === 'skip' && operator.bypass).toContainEqual(by);
    expect([...skippedBlocks(recipe, resnet)]).toEqual(first.blocks);
    expect(withoutSkip(recipe)).toEqual([]);
  });

  it('are those that a selection touches, a part of one included', () => {
    const run = runsOf(resnet).at(-1);
    const block = run?.blocks.at(-1);
    if (!run || !block) throw new Error('resnet has runs');
    expect(skippableAt(resnet, block.firstNode + 1, block.firstNode + 2)).toEqual([
      { ...run, blocks: [block] },
    ]);
    expect(skippableAt(resnet, run.firstNode, run.lastNode)).toEqual([run]);
    expect(skippableAt(resnet, 0, 2)).toEqual([]);
  });

  it('that a graph does not have are told, not thrown', () => {
    const dense = viewOf('densenet169');
    expect(placementOf([{ op: 'early-exit', kind: 'skip', blocks: 2 }], dense)).toMatchObject({
      skips: [],
      problems: [expect.stringContaining('no 2 identical blocks')],
    });
    const unknown: Recipe = [{ op: 'early-exit', kind: 'skip', bypass: [{ from: 'a', to: 'b' }] }];
    expect(placementOf(unknown, resnet).problems).toEqual([expect.stringContaining('from a to b')]);
  });
});
