import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keptNodes, variantCost } from '../../../src/transforms/kept-nodes.ts';
import type { ExitPlacement } from '../../../src/transforms/placement.ts';
import { anyView, bundledModels, viewOf } from '../canvas/views.ts';

const fixed = (exit: number): ExitPlacement => ({ kind: 'fixed', exit });

test('a node is kept if a remaining output can be reached from it', () => {
  fc.assert(
    fc.property(anyView, fc.nat(), (view, pick) => {
      const exit = pick % view.exits.length;
      const kept = keptNodes(view, { exit: fixed(exit), skips: [] });
      // Forward instead of backward: from each node along the edges.
      const output = view.exits[exit]?.output;
      const reaches = new Uint8Array(view.nodes.length);
      for (const { index, outputs } of view.nodes.toReversed()) {
        const leads = view.edges.some(({ from, to }) => from === index && to >= 0 && reaches[to] === 1);
        if (leads || outputs.some((name) => name === output)) reaches[index] = 1;
      }
      expect([...kept]).toEqual([...reaches]);
    }),
  );
});

describe('the bundled model', () => {
  const view = viewOf('sample');
  const exits = view.exits.map(({ index }) => index);

  test.each(exits)('stopped at exit %i costs what that exit costs', (exit) => {
    const { macs, leastMacs, params } = variantCost(view, { exit: fixed(exit), skips: [] });
    expect([macs, leastMacs, params]).toEqual([
      view.exits[exit]?.macs,
      view.exits[exit]?.macs,
      view.exits[exit]?.params,
    ]);
  });

  test('with dynamic exits costs from the first exit to everything', () => {
    const exit = { kind: 'dynamic', exits: [0, 1, 2], thresholds: [0.8, 0.8] } as const;
    const { macs, leastMacs, params } = variantCost(view, { exit, skips: [] });
    expect([macs, params]).toEqual([view.totals.macs, view.totals.params]);
    expect(leastMacs).toBe(view.exits[0]?.macs);
  });

  test('without an exit in the middle loses its head alone', () => {
    const exit = { kind: 'dynamic', exits: [0, 2], thresholds: [0.8] } as const;
    const kept = keptNodes(view, { exit, skips: [] });
    const lost = view.blocks.filter(({ firstNode }) => kept[firstNode] === 0);
    expect(lost.map(({ label }) => label)).toEqual(['exit 2 head']);
  });
});

test.each(bundledModels)('%s without a recipe is whole', (name) => {
  const view = viewOf(name);
  const { macs, leastMacs, params } = variantCost(view, { exit: { kind: 'none' }, skips: [] });
  expect([macs, leastMacs, params]).toEqual([view.totals.macs, view.totals.macs, view.totals.params]);
});

test('skipped blocks cost nothing', () => {
  const view = viewOf('zoo:resnet152');
  const run = view.skippable?.find(({ blocks }) => blocks.length > 3);
  const block = run?.blocks.at(-1);
  if (!block) throw new Error('ResNet-152 has skippable blocks');
  const members = view.nodes.slice(block.firstNode, block.lastNode + 1);
  const skip = { from: block.from, to: block.to, afterNode: block.firstNode - 1, lastNode: block.lastNode };
  const { macs } = variantCost(view, { exit: { kind: 'none' }, skips: [skip] });
  expect(macs).toBe(view.totals.macs - members.reduce((sum, node) => sum + node.macs, 0));
});
