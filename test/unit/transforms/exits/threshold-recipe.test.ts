import { describe, expect, it } from 'vitest';
import {
  allExits,
  neverStopping,
  withThresholds,
} from '../../../../src/transforms/exits/threshold-recipe.ts';
import { parseRecipe } from '../../../../src/transforms/parse-recipe.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { build, sampleModel } from '../run-variant.ts';

const exits = [0, 1, 2].map((index) => ({ index, output: `exit_v${index}` }));
const never = Number.POSITIVE_INFINITY;
const plain = { confidence: 'max-softmax', form: 'segments' } as const;
const quantize = { op: 'quantize', mode: 'dynamic' } as const;

describe('allExits', () => {
  it('opens all exits in place of what was chosen, and keeps the rest of the recipe', () => {
    expect(allExits([])).toEqual([{ op: 'early-exit', kind: 'existing', threshold: 1 }]);
    expect(
      allExits([quantize, { op: 'early-exit', kind: 'existing', threshold: 0.4, exits: [0, 2], form: 'if' }]),
    ).toEqual([quantize, { op: 'early-exit', kind: 'existing', threshold: 1 }]);
    expect(allExits([{ op: 'early-exit', kind: 'trained', at: ['v0'], exit: 0, seed: 3 }, quantize])).toEqual(
      [{ op: 'early-exit', kind: 'trained', at: ['v0'], seed: 3, threshold: 1 }, quantize],
    );
  });
  it('leaves skipped blocks alone', () => {
    const skip = { op: 'early-exit', kind: 'skip', blocks: 2 } as const;
    expect(allExits([skip])).toContainEqual(skip);
  });
});

describe('withThresholds', () => {
  const decided = (thresholds: readonly number[], recipe: Recipe = allExits([])): Recipe =>
    withThresholds(recipe, exits, thresholds, plain);

  it('gives each exit its threshold, and leaves out those that nothing leaves at', () => {
    expect(decided([0.5, 0.7])).toMatchObject([{ threshold: [0.5, 0.7] }]);
    expect(decided([0.5, 0.7])[0]).not.toHaveProperty('exits');
    expect(decided([never, 0.7])).toMatchObject([{ threshold: [0.7], exits: [1, 2] }]);
    expect(decided([never, never])).toEqual([{ op: 'early-exit', kind: 'existing', exit: 2 }]);
  });
  it('finds trained exits by the values they hang on, whatever their order', () => {
    const recipe = allExits([{ op: 'early-exit', kind: 'trained', at: ['v1', 'v0'] }]);
    expect(decided([0.5, 0.7], recipe)).toMatchObject([{ at: ['v1', 'v0'], threshold: [0.7, 0.5] }]);
    expect(decided([0.5, never], recipe)).toMatchObject([{ at: ['v0'], threshold: [0.5] }]);
    expect(decided([never, never], recipe)).toEqual([]);
  });
  it('makes recipes that can be read back', () => {
    for (const form of ['segments', 'if'] as const) {
      const recipe = withThresholds(allExits([quantize]), exits, [0.5, never], {
        confidence: 'entropy',
        form,
      });
      expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
    }
  });
});

describe('neverStopping', () => {
  it('passes every exit but the last', () => {
    const { plan } = build(sampleModel('digits'), allExits([]));
    const thresholds = neverStopping(plan).segments.map(({ exit }) => exit?.threshold);
    expect(thresholds).toEqual([never, never, 0]);
  });
});
