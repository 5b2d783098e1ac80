import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { allFoldKeys, boxesOf } from '../../../src/canvas/boxes.ts';
import { knobsOf } from '../../../src/canvas/branch-knobs.ts';
import { cutsAfterMove, movedCut, secondCut } from '../../../src/canvas/cut-moves.ts';
import { layOut } from '../../../src/canvas/layout.ts';
import { isNested } from '../../../src/transforms/cuts/frontier.ts';
import { placementOf, withCut, withCuts } from '../../../src/transforms/placement.ts';
import { anyViewWithoutHeads, bundledModels, viewOf } from './views.ts';

describe('two cuts', () => {
  test('never cross, wherever one of them is moved', () => {
    fc.assert(
      fc.property(
        anyViewWithoutHeads,
        fc.nat(),
        fc.array(fc.record({ moved: fc.integer({ min: 0, max: 1 }), to: fc.nat() }), { maxLength: 6 }),
        (view, start, moves) => {
          const legal = view.frontiers.filter((frontier) => frontier.legal);
          const first = legal[start % Math.max(1, legal.length)];
          fc.pre(first !== undefined);
          const single = withCut([], view, first.afterNode);
          const two = secondCut(view, placementOf(single, view));
          fc.pre(two !== null);
          let recipe = withCuts(single, two);
          for (const { moved, to } of moves) {
            const placement = placementOf(recipe, view);
            const cut = movedCut(view, placement, moved, legal[to % legal.length]?.afterNode ?? 0);
            if (cut !== null) recipe = withCuts(recipe, cutsAfterMove(placement, moved, cut));
            const { cuts, problems } = placementOf(recipe, view);
            expect(problems).toEqual([]);
            const [above, below] = cuts;
            expect(cuts).toHaveLength(2);
            expect(isNested(above!.before, below!.before)).toBe(true);
            expect(above!.before).not.toEqual(below!.before);
          }
        },
      ),
    );
  });

  test.each(bundledModels)('have room in %s', (name) => {
    const view = viewOf(name);
    const placed = placementOf([{ op: 'partition', cut: 'equal-size' }], view);
    const two = secondCut(view, placed);
    expect(two).not.toBeNull();
    expect(placementOf(withCuts([], two ?? []), view)).toMatchObject({ problems: [] });
  });
});

describe('knobs', () => {
  test('stand on their own branch from top to bottom, and what is dropped is what is placed', () => {
    const view = viewOf('zoo:resnet101_duc_hdc');
    const layout = layOut(view, boxesOf(view, allFoldKeys(view)));
    let pulled = 0;
    for (const { afterNode, crossing, legal } of view.frontiers) {
      if (!legal || crossing.length !== 2) continue;
      const [cut] = placementOf(withCut([], view, afterNode), view).cuts;
      for (const knob of knobsOf(view, layout, cut!, 0)) {
        const heights = knob.places.map(({ y }) => y);
        expect(heights).toEqual(heights.toSorted((a, b) => a - b));
        expect(knob.places[knob.resting]?.cut.crossing).toEqual(cut!.crossing);
        for (const { x, cut: place } of knob.places) {
          expect(x).toBeGreaterThanOrEqual(layout.bounds.left);
          expect(x).toBeLessThanOrEqual(layout.bounds.right);
          const shown = placementOf(withCuts([], [place.crossing]), view);
          expect(shown.problems).toEqual([]);
          expect(shown.cuts[0]?.before).toEqual(place.before);
          if (!place.isStraight) pulled++;
        }
      }
    }
    // The blocks with a convolution on their shortcut can be cut inside both branches.
    expect(pulled).toBeGreaterThan(0);
  });

  test('are not shown inside folded boxes, nor where a single value crosses', () => {
    const view = viewOf('zoo:resnet101_duc_hdc');
    const layout = layOut(view, boxesOf(view, new Set()));
    for (const { afterNode, legal } of view.frontiers) {
      const [cut] = legal ? placementOf(withCut([], view, afterNode), view).cuts : [];
      if (
        cut &&
        (cut.crossing.length < 2 ||
          layout.boxes.some(({ box }) => box.firstNode <= afterNode && afterNode < box.lastNode))
      ) {
        expect(knobsOf(view, layout, cut, 0)).toEqual([]);
      }
    }
  });
});
