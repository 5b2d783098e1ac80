import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allFoldKeys, boxCost, boxesOf, foldKeysAround } from '../../../src/canvas/boxes.ts';
import { headOfNodes } from '../../../src/onnx/exit-heads.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { anyView, bundledModels, viewOf } from './views.ts';

const folded: ReadonlySet<string> = new Set();

/** A view and some of its keys unfolded. */
const anyFolding = anyView.chain((view) =>
  fc.subarray([...allFoldKeys(view)]).map((keys): [GraphView, ReadonlySet<string>] => [view, new Set(keys)]),
);

test('every node is in exactly one box, in order, however the graph is folded', () => {
  fc.assert(
    fc.property(anyFolding, ([view, unfolded]) => {
      const shown = boxesOf(view, unfolded).filter(({ kind }) => kind !== 'header');
      const nodes = shown.flatMap(({ firstNode, lastNode }) =>
        Array.from({ length: lastNode - firstNode + 1 }, (_, i) => firstNode + i),
      );
      expect(nodes).toEqual(view.nodes.map(({ index }) => index));
      expect(new Set(shown.map(({ id }) => id)).size).toBe(shown.length);
    }),
  );
});

test('unfolding what surrounds a node shows it as a box of its own', () => {
  fc.assert(
    fc.property(anyView, fc.nat(), (view, pick) => {
      const node = pick % view.nodes.length;
      const own = boxesOf(view, new Set(foldKeysAround(view, node))).filter(
        ({ kind, firstNode, lastNode }) => kind !== 'header' && firstNode === node && lastNode === node,
      );
      expect(own).toHaveLength(1);
    }),
  );
});

describe.each(bundledModels)('%s', (name) => {
  const view = viewOf(name);

  test('folds to few boxes and unfolds to one for each node', () => {
    const shown = boxesOf(view, allFoldKeys(view)).filter(({ kind }) => kind !== 'header');
    expect(shown).toHaveLength(view.nodes.length + 1);
    expect(boxesOf(view, folded).length).toBeLessThan(view.nodes.length);
  });

  test('the boxes cost together what the model costs', () => {
    const sum = boxesOf(view, folded)
      .filter(({ kind }) => kind !== 'header')
      .reduce((macs, box) => macs + boxCost(view, box, 'macs'), 0);
    expect(sum).toBe(view.totals.macs);
  });
});

test('measured times add up over a box; the share of images reaching it does not', () => {
  const view = viewOf('sample');
  const measured = {
    ms: view.nodes.map(() => 0.5),
    reach: view.nodes.map(({ index }) => (index < 20 ? 1 : 0.25)),
  };
  const boxes = boxesOf(view, folded).filter(({ kind }) => kind !== 'header' && kind !== 'input');
  const ms = boxes.map((box) => boxCost(view, box, 'ms', measured)).reduce((a, b) => a + b, 0);
  expect(ms).toBeCloseTo(view.nodes.length / 2, 9);
  const reach = boxes.map((box) => boxCost(view, box, 'reach', measured));
  expect([reach[0], reach.at(-1)]).toEqual([1, 0.25]);
  const [last] = boxes.slice(-2);
  expect(last && boxCost(view, last, 'crossingBytes')).toBe(view.frontiers[last?.lastNode ?? 0]?.bytes);
});

test('what only an early exit needs folds into its tag, and nothing of the trunk does', () => {
  const view = viewOf('sample');
  const heads = boxesOf(view, folded).filter(({ kind }) => kind === 'head');
  expect(heads.map(({ title }) => title)).toEqual(['Exit 1', 'Exit 2']);
  const headOf = headOfNodes(view);
  for (const { from, to } of view.edges) {
    // From a head one gets to no other place.
    if (from >= 0 && to >= 0 && (headOf[from] ?? -1) >= 0) expect(headOf[to]).toBe(headOf[from]);
  }
  expect(view.exits.map(({ node }) => headOf[node])).toEqual([0, 1, -1]);
});
