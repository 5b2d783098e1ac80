import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cutGraphFor } from '../../../src/transforms/cuts/placed-cut.ts';
import {
  placementOf,
  withCut,
  withDynamicExits,
  withFixedExit,
  withoutExits,
} from '../../../src/transforms/placement.ts';
import type { Operator, Recipe } from '../../../src/transforms/recipe.ts';
import { anyView, anyViewWithoutHeads, bundledModels, viewOf } from '../canvas/views.ts';

const otherOperator: fc.Arbitrary<Operator> = fc.constantFrom<Operator>(
  { op: 'identity' },
  { op: 'quantize', mode: 'dynamic' },
  { op: 'prune', kind: 'unstructured', ratio: 0.5 },
);
/** Recipes without exits and cuts. */
const plainRecipe: fc.Arbitrary<Recipe> = fc.array(otherOperator, { maxLength: 3 });

describe('a cut', () => {
  test('is found back where it was put, in every legal place of any graph', () => {
    fc.assert(
      fc.property(anyViewWithoutHeads, plainRecipe, (view, recipe) => {
        for (const { afterNode, crossing, legal } of view.frontiers) {
          if (!legal) continue;
          const same = view.frontiers.filter((other) => String(other.crossing) === String(crossing));
          expect(placementOf(withCut(recipe, view, afterNode), view).cut).toBe(same.at(-1)?.afterNode);
        }
      }),
    );
  });

  test.each(bundledModels)('is found back in %s', (name) => {
    const view = viewOf(name);
    const legal = view.frontiers.filter((frontier) => frontier.legal);
    expect(legal.length).toBeGreaterThan(5);
    for (const { afterNode, crossing } of legal) {
      const { cut, problems } = placementOf(withCut([], view, afterNode), view);
      expect(problems).toEqual([]);
      // A cut through the head of an exit moves behind it.
      const { inner } = cutGraphFor(view, {});
      const between = crossing.filter((value) => !inner.has(value));
      expect(new Set(view.frontiers[cut ?? -1]?.crossing)).toEqual(new Set(between));
    }
  });

  test('put, moved and taken away again leaves the recipe as it was', () => {
    fc.assert(
      fc.property(anyView, plainRecipe, fc.nat(), fc.nat(), (view, recipe, first, second) => {
        const legal = view.frontiers.filter((frontier) => frontier.legal);
        fc.pre(legal.length > 0);
        const at = (pick: number) => legal[pick % legal.length]?.afterNode ?? null;
        const moved = withCut(withCut(recipe, view, at(first)), view, at(second));
        expect(moved).toEqual(withCut(recipe, view, at(second)));
        expect(withCut(moved, view, null)).toEqual(recipe);
      }),
    );
  });

  test('that this graph does not have is reported, and the rest is still read', () => {
    const view = viewOf('sample');
    const recipe: Recipe = [
      { op: 'early-exit', kind: 'existing', exit: 1 },
      { op: 'partition', cut: 'elsewhere' },
    ];
    const placement = placementOf(recipe, view);
    expect(placement).toMatchObject({ cut: null, exit: { kind: 'fixed', exit: 1 } });
    expect(placement.problems.join()).toContain('elsewhere');
  });

  test('behind the exit where inference stops is reported', () => {
    const view = viewOf('sample');
    const stop = view.exits[0]?.node ?? 0;
    const behind = view.frontiers.find(({ afterNode, legal }) => legal && afterNode > stop + 3);
    const recipe = withCut(withFixedExit([], 0), view, behind?.afterNode ?? null);
    expect(placementOf(recipe, view).problems).toHaveLength(1);
  });
});

describe('exits', () => {
  test('stand before steps that change weights and replace each other in place', () => {
    const rest: Recipe = [{ op: 'identity' }, { op: 'quantize', mode: 'dynamic' }];
    const fixed = withFixedExit(rest, 1);
    expect(fixed.map(({ op }) => op)).toEqual(['identity', 'early-exit', 'quantize']);
    const dynamic = withDynamicExits(fixed, [2, 0, 1, 1], 0.7);
    expect(dynamic[1]).toEqual({ op: 'early-exit', kind: 'existing', threshold: 0.7, exits: [0, 1, 2] });
    expect(withoutExits(dynamic)).toEqual(rest);
    const byMargin: Recipe = [
      { op: 'early-exit', kind: 'existing', threshold: 0.5, confidence: 'margin', form: 'if' },
    ];
    expect(withDynamicExits(byMargin, [0, 1], 0.7)[0]).toMatchObject({ confidence: 'margin', form: 'if' });
    expect(withFixedExit(byMargin, 1)).toEqual([{ op: 'early-exit', kind: 'existing', exit: 1 }]);
  });

  test('are read back as they were written', () => {
    const view = viewOf('sample');
    expect(placementOf(withFixedExit([], 1), view).exit).toEqual({ kind: 'fixed', exit: 1 });
    expect(placementOf(withDynamicExits([], [0, 2], 0.6), view).exit).toEqual({
      kind: 'dynamic',
      exits: [0, 2],
      thresholds: [0.6],
    });
    expect(placementOf(withDynamicExits([], [0, 1, 2], [0.6, 0.9]), view).exit).toMatchObject({
      thresholds: [0.6, 0.9],
    });
  });

  test('left out of the list all take part; the final one always does', () => {
    const view = viewOf('sample');
    const all: Recipe = [{ op: 'early-exit', kind: 'existing', threshold: 0.5 }];
    expect(placementOf(all, view).exit).toMatchObject({ exits: [0, 1, 2], thresholds: [0.5, 0.5] });
    const first: Recipe = [{ op: 'early-exit', kind: 'existing', threshold: 0.5, exits: [0] }];
    expect(placementOf(first, view).exit).toMatchObject({ exits: [0, 2], thresholds: [0.5] });
  });

  test('that the model does not have are reported', () => {
    const view = viewOf('zoo:resnet152');
    const { exit, problems } = placementOf(withFixedExit([], 4), view);
    expect(exit).toEqual({ kind: 'none' });
    expect(problems).toEqual(['Exit 5 is wanted, but the model has 1.']);
  });

  test('fewer than two leave nothing to choose', () => {
    expect(withDynamicExits(withFixedExit([], 1), [2], 0.8)).toEqual([]);
  });
});
