import { describe, expect, it } from 'vitest';
import { countTrials, exitAccuracies, recipeOnShow } from '../../../src/store/selectors.ts';
import type { Lab } from '../../../src/store/slice.ts';
import { isUnfinished } from '../../../src/store/study-slice.ts';
import type { Trial } from '../../../src/study/trial.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';

const exit = (index: number): Recipe => [{ op: 'early-exit', kind: 'existing', exit: index }];

function trial(id: string, recipe: Recipe, state: Trial['state'], correctOf100: number | null = null): Trial {
  return {
    id,
    strategy: { id, name: id, modelId: 'model', recipe, provider: 'wasm', threads: 1 },
    state,
    samples: [],
    size: null,
    predictions: null,
    heapBytes: null,
    buildMs: null,
    accuracy:
      correctOf100 === null
        ? null
        : { images: 100, labelledImages: 100, top1Correct: correctOf100, top5Correct: null, agreeing: null },
  } as unknown as Trial;
}

const done = { kind: 'done' } as const;
const failed = { kind: 'failed', code: 'x', message: 'x' } as const;

describe('exitAccuracies', () => {
  it('takes an exit’s accuracy from the trial that always and only stops there', () => {
    const pruned: Recipe = [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }, ...exit(1)];
    const trials = [trial('a', exit(0), done, 57), trial('b', pruned, done, 20), trial('c', exit(2), done)];
    expect([...exitAccuracies(trials)]).toEqual([[0, 0.57]]);
  });
});

describe('countTrials', () => {
  it('counts failed trials as over', () => {
    const trials = [
      trial('a', [], done),
      trial('b', [], failed),
      trial('c', [], { kind: 'running', roundsDone: 2 }),
      trial('d', [], { kind: 'queued' }),
    ];
    expect(countTrials(trials)).toEqual({ over: 2, failed: 1, total: 4 });
    expect(trials.filter(isUnfinished).map(({ id }) => id)).toEqual(['c', 'd']);
  });
});

describe('recipeOnShow', () => {
  const lab = (pointedTrialId: string | null, modelId: string) =>
    ({
      pointedTrialId,
      trials: [trial('a', exit(0), done)],
      model: { view: { modelId } },
      recipes: { past: [], present: [], future: [] },
    }) as unknown as Lab;

  it('is the pointed trial’s, unless that is of another model', () => {
    expect(recipeOnShow(lab('a', 'model'))).toEqual(exit(0));
    expect(recipeOnShow(lab('a', 'another'))).toEqual([]);
    expect(recipeOnShow(lab(null, 'model'))).toEqual([]);
    // Its study was closed, or it was removed, while the pointer stayed.
    expect(recipeOnShow(lab('gone', 'model'))).toEqual([]);
  });
});
