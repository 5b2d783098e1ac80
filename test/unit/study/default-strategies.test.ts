import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { refillHollow } from '../../../src/onnx/hollow.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { defaultRecipes } from '../../../src/study/default-strategies.ts';
import { contentHash, makeStrategy } from '../../../src/study/strategy-id.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';

function open(path: string) {
  const bytes = new Uint8Array(readFileSync(new URL(`../../../public/samples/${path}`, import.meta.url)));
  const model = refillHollow(parseModel(memorySource(bytes)));
  const view = buildGraphView(model, { modelId: 'm', fileName: path, fileBytes: bytes.length });
  return { model, view };
}

describe('default recipes', () => {
  it('of the bundled model use its exits and all suit it', () => {
    const { model, view } = open('digits.onnx');
    const recipes = defaultRecipes(view);
    const operators = new Set(recipes.flatMap(({ recipe }) => recipe.map(({ op }) => op)));
    expect(operators).toEqual(new Set(['identity', 'early-exit', 'quantize', 'prune', 'partition']));
    expect(new Set(recipes.map(({ name }) => name)).size).toBe(recipes.length);
    for (const { recipe } of recipes) expect(() => checkRecipe(model, recipe)).not.toThrow();
  });
  it('of a model with one output skip its last blocks, and cut near the middle of the work', () => {
    const { model, view } = open('zoo/mobilenet_v2.onnx');
    const recipes = defaultRecipes(view);
    const operators = recipes.flatMap(({ recipe }) => recipe);
    expect(operators.filter(({ op }) => op === 'early-exit')).toEqual([
      { op: 'early-exit', kind: 'skip', blocks: 2 },
    ]);
    for (const { recipe } of recipes) expect(() => checkRecipe(model, recipe)).not.toThrow();
    const partition = operators.find(({ op }) => op === 'partition');
    const cut = partition?.op === 'partition' ? partition.cut : undefined;
    const frontier = view.frontiers.find(({ crossing }) => crossing.length === 1 && crossing[0] === cut);
    const share = (frontier?.macsBefore ?? 0) / view.totals.macs;
    expect(share).toBeGreaterThan(0.35);
    expect(share).toBeLessThan(0.65);
  });
  it('of a model without equal blocks in a row skip nothing', () => {
    const { view } = open('zoo/densenet169.onnx');
    expect(defaultRecipes(view).some(({ recipe }) => recipe.some(({ op }) => op === 'early-exit'))).toBe(
      false,
    );
  });
});

describe('strategy ids', () => {
  it('ignore names and the way a recipe is written, nothing else', () => {
    const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 } as const;
    const id = makeStrategy('m', { name: 'a', recipe: [prune] }, 'wasm', 2).id;
    expect(makeStrategy('m', { name: 'b', recipe: [{ ...prune, scope: 'layer' }] }, 'wasm', 2).id).toBe(id);
    expect(makeStrategy('m', { name: 'a', recipe: [{ ...prune, ratio: 0.6 }] }, 'wasm', 2).id).not.toBe(id);
    expect(makeStrategy('n', { name: 'a', recipe: [prune] }, 'wasm', 2).id).not.toBe(id);
    expect(makeStrategy('m', { name: 'a', recipe: [prune] }, 'webgpu', 2).id).not.toBe(id);
    expect(makeStrategy('m', { name: 'a', recipe: [prune] }, 'wasm', 1).id).not.toBe(id);
  });
  it('do not depend on the order of keys', () => {
    expect(contentHash({ a: 1, b: [{ c: 2, d: 3 }] })).toBe(contentHash({ b: [{ d: 3, c: 2 }], a: 1 }));
  });
});
