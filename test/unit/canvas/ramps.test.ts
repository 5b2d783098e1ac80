import { describe, expect, it } from 'vitest';
import { boxesOf } from '../../../src/canvas/boxes.ts';
import { layOut } from '../../../src/canvas/layout.ts';
import { bridgesOf, nearestStop, rampsOf } from '../../../src/canvas/ramps.ts';
import { skippedBlocks, withSkippedInRun } from '../../../src/transforms/exits/skip-placement.ts';
import { viewOf } from './views.ts';

describe('ramps round skipped blocks', () => {
  const view = viewOf('zoo:resnet152');
  const layouts = [new Set<string>(), new Set(['stack-90', 'block-97'])].map((unfolded) =>
    layOut(view, boxesOf(view, unfolded)),
  );

  it('start higher for every block more, folded or not, and the nearest start is found', () => {
    for (const layout of layouts) {
      const ramps = rampsOf(view, layout, new Set());
      expect(ramps.map(({ run, count }) => [run.blocks.length, count])).toEqual([
        [2, 0],
        [7, 0],
        [35, 0],
        [2, 0],
      ]);
      for (const { stops, run } of ramps) {
        expect(stops).toHaveLength(run.blocks.length + 1);
        expect([...stops].sort((a, b) => b - a)).toEqual(stops);
        expect(new Set(stops).size).toBe(stops.length);
        stops.forEach((stop, count) => expect(nearestStop(stops, stop + 0.01)).toBe(count));
      }
    }
  });

  it('of skipped blocks lead from before the first to behind the last', () => {
    for (const layout of layouts) {
      for (const run of view.skippable ?? []) {
        const recipe = withSkippedInRun([], view, run, 2);
        const [ramp] = rampsOf(view, layout, skippedBlocks(recipe, view)).filter(({ count }) => count > 0);
        const [bridge] = bridgesOf(recipe, view, layout);
        expect(ramp).toMatchObject({ run, count: 2 });
        expect(bridge?.top).toBe(ramp?.stops[2]);
        expect(bridge?.bottom).toBe(ramp?.stops[0]);
      }
    }
  });

  it('lead past any part of a run, and both of their ends can be moved', () => {
    for (const layout of layouts) {
      for (const run of view.skippable ?? []) {
        const most = run.blocks.length;
        for (const [count, end] of [
          [1, 1],
          [1, most],
          [most, most],
          [Math.min(3, most - 1), most - 1],
        ] as const) {
          const recipe = withSkippedInRun([], view, run, count, end);
          const ramp = rampsOf(view, layout, skippedBlocks(recipe, view)).find((each) => each.run === run);
          const [bridge] = bridgesOf(recipe, view, layout);
          expect(ramp).toMatchObject({ count, end });
          expect([bridge?.top, bridge?.bottom]).toEqual([ramp?.stops[count], ramp?.ends[count]]);
          expect([ramp?.stops.length, ramp?.ends.length]).toEqual([end + 1, most - end + count + 1]);
          expect([...(ramp?.ends ?? [])].sort((a, b) => a - b)).toEqual(ramp?.ends);
        }
      }
    }
  });

  it('stand at lone blocks, too, whose shapes allow it', () => {
    const mobilenet = viewOf('zoo:mobilenet_v3_large');
    const layout = layOut(mobilenet, boxesOf(mobilenet, new Set()));
    const lone = rampsOf(mobilenet, layout, new Set()).filter(({ run }) => run.blocks.length === 1);
    expect(lone.length).toBeGreaterThan(3);
    for (const { run, stops } of lone) {
      expect(stops).toHaveLength(2);
      expect(withSkippedInRun([], mobilenet, run, 1)).toHaveLength(1);
    }
  });
});
