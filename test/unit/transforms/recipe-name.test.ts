import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { parseRecipeFile } from '../../../src/transforms/parse-recipe.ts';
import {
  distinctlyNamed,
  freeName,
  namedOnModel,
  recipeLetters,
  recipeName,
} from '../../../src/transforms/recipe-name.ts';
import type { Operator } from '../../../src/transforms/recipe.ts';

const bytes = new Uint8Array(readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url)));
const view = buildGraphView(parseModel(memorySource(bytes)), {
  modelId: 'm',
  fileName: 'digits.onnx',
  fileBytes: bytes.length,
});
const exit: Operator = { op: 'early-exit', kind: 'existing', threshold: 0.9 };
const skip: Operator = { op: 'early-exit', kind: 'skip', blocks: 2 };
const int8: Operator = { op: 'quantize', mode: 'dynamic' };
const prune: Operator = { op: 'prune', kind: 'unstructured', ratio: 0.5 };
const cut: Operator = { op: 'partition', cut: 'equal-size' };

describe('the letters of a recipe', () => {
  it.each([
    ['identity', []],
    ['identity', [{ op: 'identity' }]],
    ['Q', [int8]],
    ['E', [exit]],
    ['E', [skip, exit]],
    ['P', [cut]],
    ['QEP', [skip, int8, cut]],
    ['pruned', [prune]],
    ['pruned+E', [prune, exit]],
    ['pruned+QEP', [exit, prune, int8, cut]],
  ] as const)('are %s', (letters, recipe) => {
    expect(recipeLetters(recipe)).toBe(letters);
  });
});

describe('names', () => {
  const afterBlock = view.frontiers.findLast(
    ({ legal, crossing, afterNode }) =>
      legal && crossing.length === 1 && view.blocks.some(({ lastNode }) => lastNode === afterNode),
  );
  const value = afterBlock?.crossing[0] ?? '';

  it('call a cut by its block, and by what it sends where that is not as usual', () => {
    expect(recipeName([{ op: 'partition', cut: value }], view)).toMatch(/^cut after (block \d+|head|stem)$/);
    expect(recipeName([{ op: 'partition', cut: value, transfer: 'uint8' }], view)).toMatch(/ uint8$/);
  });
  it('call a trained exit by its block', () => {
    const trained = { op: 'early-exit', kind: 'trained', at: [value], threshold: 0.8 } as const;
    expect(recipeName([trained], view)).toMatch(/^trained exit after (block \d+|head|stem) τ 0\.80$/);
    expect(recipeName([{ ...trained, at: ['gone'] }], view)).toBe('trained exit @gone τ 0.80');
  });
  it('of a file are its own; recipes without one are called as everywhere', () => {
    const recipe = [{ op: 'partition', cut: value }];
    const [unnamed] = parseRecipeFile([recipe]);
    const [named] = parseRecipeFile([{ name: 'mine', recipe }]);
    expect(unnamed && namedOnModel(unnamed, view).name).toMatch(/^cut after/);
    expect(named && namedOnModel(named, view).name).toBe('mine');
  });
  it('are there once', () => {
    expect(freeName('E', new Set(['E', 'E (2)']))).toBe('E (3)');
    const names = distinctlyNamed(['E', 'Q', 'E', 'E (2)', 'E'].map((name) => ({ name })));
    expect(names.map(({ name }) => name)).toEqual(['E', 'Q', 'E (2)', 'E (2) (2)', 'E (3)']);
  });
});
