import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allFoldKeys, boxesOf } from '../../../src/canvas/boxes.ts';
import type { PlacedBox } from '../../../src/canvas/geometry.ts';
import { type Layout, layOut } from '../../../src/canvas/layout.ts';
import type { Wire } from '../../../src/canvas/wires.ts';
import { packIntervals } from '../../../src/canvas/rails.ts';
import { fitAll } from '../../../src/canvas/viewport.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { anyView, bundledModels, viewOf } from './views.ts';

function layoutOf(view: GraphView, unfolded: ReadonlySet<string>): Layout {
  return layOut(view, boxesOf(view, unfolded));
}

/** Every layout law on one layout. */
function expectSound(view: GraphView, layout: Layout): void {
  const { boxes, frontierY, wires, bounds } = layout;
  // Rows do not overlap, so no two boxes do.
  boxes.forEach((at, row) => {
    const above = boxes[row - 1];
    if (above) expect(at.y).toBeGreaterThanOrEqual(above.y + above.height);
    expect(at.x).toBeGreaterThanOrEqual(bounds.left);
    expect(at.x + at.width).toBeLessThanOrEqual(bounds.right);
    expect(at.y + at.height).toBeLessThanOrEqual(bounds.bottom);
  });
  // A lower frontier is a later one.
  for (let node = 1; node < frontierY.length; node++) {
    expect(frontierY[node]).toBeGreaterThan(frontierY[node - 1] ?? Infinity);
  }
  // A frontier lies below all nodes before it and above all nodes after it.
  for (const { box, y, height } of boxes) {
    if (box.kind === 'header' || box.lastNode < box.firstNode) continue;
    expect(frontierY[box.lastNode]).toBeGreaterThanOrEqual(y + height);
    if (box.firstNode > 0) expect(frontierY[box.firstNode - 1]).toBeLessThanOrEqual(y);
  }
  // Wires are made of horizontal and vertical parts, inside the bounds, and run through no box.
  for (const wire of wires) {
    for (const segment of segmentsOf(wire)) {
      expect(segment.x0 === segment.x1 || segment.y0 === segment.y1).toBe(true);
      expect(Math.min(segment.x0, segment.x1)).toBeGreaterThanOrEqual(bounds.left);
      const hit = boxes.find((at) => at.box.kind !== 'header' && crosses(segment, at));
      expect(hit?.box.id).toBeUndefined();
    }
  }
  // Every pair of boxes that an edge of the graph joins has a wire.
  const rowOf = (node: number): number =>
    node < 0
      ? 0
      : boxes.findIndex(({ box }) => box.kind !== 'header' && box.firstNode <= node && node <= box.lastNode);
  for (const { index } of view.nodes) expect(layout.rowOfNode[index]).toBe(rowOf(index));
  const wired = new Set(wires.map(({ from, to }) => `${from} ${to}`));
  for (const { from, to } of view.edges) {
    const [source, target] = [rowOf(from), rowOf(to)];
    if (to >= 0 && source !== target) expect(wired).toContain(`${source} ${target}`);
  }
}

interface Segment {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
}

function segmentsOf({ points }: Wire): readonly Segment[] {
  const segments: Segment[] = [];
  for (let i = 0; i + 3 < points.length; i += 2) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = points.slice(i, i + 4);
    segments.push({ x0, y0, x1, y1 });
  }
  return segments;
}

/** Whether a segment runs through the inside of a box. */
function crosses(segment: Segment, at: PlacedBox): boolean {
  return (
    Math.max(segment.x0, segment.x1) > at.x &&
    Math.min(segment.x0, segment.x1) < at.x + at.width &&
    Math.max(segment.y0, segment.y1) > at.y &&
    Math.min(segment.y0, segment.y1) < at.y + at.height
  );
}

test('any graph in any folding is laid out without overlaps, and its frontiers in order', () => {
  const anyFolding = anyView.chain((view) =>
    fc.subarray([...allFoldKeys(view)]).map((keys): [GraphView, string[]] => [view, keys]),
  );
  fc.assert(
    fc.property(anyFolding, ([view, keys]) => expectSound(view, layoutOf(view, new Set(keys)))),
    { numRuns: 200 },
  );
});

describe.each(bundledModels)('%s', (name) => {
  const view = viewOf(name);

  test('is sound folded', () => expectSound(view, layoutOf(view, new Set())));

  test('unfolded fits on a phone at minimum zoom', () => {
    const { bounds } = layoutOf(view, allFoldKeys(view));
    const margins = { top: 60, right: 16, bottom: 28, left: 16 };
    const { x, y, zoom } = fitAll(bounds, 390, 600, margins);
    expect(bounds.left * zoom + x).toBeGreaterThanOrEqual(margins.left - 0.01);
    expect(bounds.right * zoom + x).toBeLessThanOrEqual(390 - margins.right + 0.01);
    expect(bounds.top * zoom + y).toBeGreaterThanOrEqual(margins.top - 0.01);
    expect(bounds.bottom * zoom + y).toBeLessThanOrEqual(600 - margins.bottom + 0.01);
  });
});

test('DenseNet-201 is sound with all its 608 nodes', () => {
  const view = viewOf('zoo:densenet201');
  expectSound(view, layoutOf(view, allFoldKeys(view)));
});

test('an exit leaves the trunk at the height of its tag', () => {
  const { exits, boxes } = layoutOf(viewOf('sample'), new Set());
  expect(exits.map(({ exit }) => exit)).toEqual([0, 1]);
  for (const { exit, dotY, tagX, tagY, stands } of exits) {
    const head = boxes.find(({ box }) => box.exit === exit);
    expect(stands).toBe('for head');
    expect([tagX, tagY, dotY]).toEqual([head?.x, (head?.y ?? 0) + 24, (head?.y ?? 0) + 24]);
  }
});

test('rails in one lane never overlap, and every rail has a lane', () => {
  const anyIntervals = fc.array(fc.tuple(fc.nat({ max: 30 }), fc.nat({ max: 30 })), { maxLength: 40 });
  fc.assert(
    fc.property(anyIntervals, (pairs) => {
      const intervals = pairs.map(([start, length], item) => ({ item, start, end: start + length }));
      const { lanes, count } = packIntervals(intervals);
      expect(lanes.size).toBe(intervals.length);
      for (const a of intervals) {
        expect(lanes.get(a.item)).toBeLessThan(count);
        for (const b of intervals) {
          const sameLane = a.item < b.item && lanes.get(a.item) === lanes.get(b.item);
          if (sameLane) expect(a.end < b.start || b.end < a.start).toBe(true);
        }
      }
    }),
  );
});
