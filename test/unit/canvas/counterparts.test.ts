import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boxesOf } from '../../../src/canvas/boxes.ts';
import { CameraLink, type LinkedGraph, type Sight } from '../../../src/canvas/camera-link.ts';
import { anchorsBetween, foldKeyThere, heightThere, type LaidOut } from '../../../src/canvas/counterparts.ts';
import { layOut } from '../../../src/canvas/layout.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { viewOf } from './views.ts';

const view = viewOf('sample');
const stackKey = 'block-0';

function laidOut(of: GraphView, unfolded: readonly string[] = []): LaidOut {
  return { view: of, layout: layOut(of, boxesOf(of, new Set(unfolded))) };
}

describe('places of two graphs that stand for each other', () => {
  it('are the same heights where the layouts are', () => {
    const anchors = anchorsBetween(laidOut(view), laidOut(view));
    fc.assert(
      fc.property(fc.double({ min: -2000, max: 5000, noNaN: true }), (height) => {
        expect(heightThere(anchors, height)).toBeCloseTo(height, 6);
      }),
    );
  });

  it('go there and back, and further down is further down', () => {
    const [folded, open] = [laidOut(view), laidOut(view, [stackKey])];
    expect(open.layout.boxes.length).toBeGreaterThan(folded.layout.boxes.length);
    const [there, back] = [anchorsBetween(folded, open), anchorsBetween(open, folded)];
    let last = -Infinity;
    for (let height = -100; height < 2000; height += 37) {
      const other = heightThere(there, height);
      expect(other).toBeGreaterThan(last);
      expect(heightThere(back, other)).toBeCloseTo(height, 6);
      last = other;
    }
  });

  it('fold under keys of their own', () => {
    expect(foldKeyThere(view, view, stackKey, 0)).toBe(stackKey);
    const other = { ...view, nodes: view.nodes.map((node) => ({ ...node, outputs: [] })) };
    expect(foldKeyThere(view, other, stackKey, 0)).toBeNull();
  });
});

describe('two graphs that are linked', () => {
  function graph(of: LaidOut): LinkedGraph & { seen: Sight; folded: string[] } {
    const made = {
      ...of,
      seen: { x: 0, y: 0, zoom: 1 },
      folded: [] as string[],
      sight: () => made.seen,
      lookAt: (sight: Sight) => {
        made.seen = sight;
      },
      fold: (folding: Parameters<LinkedGraph['fold']>[0]) => {
        made.folded.push(folding.kind === 'one' ? folding.key : 'all');
      },
    };
    return made;
  }

  it('look at the same place, whichever is moved; a graph that comes late follows', () => {
    const link = new CameraLink();
    const [first, second] = [graph(laidOut(view)), graph(laidOut(view))];
    first.seen = { x: 5, y: 300, zoom: 0.5 };
    link.join(0, first);
    link.join(1, second);
    expect(second.seen).toEqual(first.seen);
    link.moved(1, { x: 0, y: 120, zoom: 2 });
    expect(first.seen).toEqual({ x: 0, y: 120, zoom: 2 });
    link.join(1, null);
    link.moved(0, { x: 1, y: 1, zoom: 1 });
    expect(second.seen).toEqual({ x: 5, y: 300, zoom: 0.5 });
  });

  it('unfold together, and only the other one is told', () => {
    const link = new CameraLink();
    const [first, second] = [graph(laidOut(view)), graph(laidOut(view))];
    link.join(0, first);
    link.join(1, second);
    link.folded(0, { kind: 'one', key: stackKey, node: 0 });
    link.folded(1, { kind: 'all', isUnfolded: true });
    expect([first.folded, second.folded]).toEqual([['all'], [stackKey]]);
  });
});
