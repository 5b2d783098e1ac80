import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { strategySets } from '../../../src/study/strategy-sets.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';
import { tapPlaces } from '../../../src/transforms/exits/trained-placement.ts';
import { normaliseRecipe, parseRecipe } from '../../../src/transforms/parse-recipe.ts';
import { recipeLetters } from '../../../src/transforms/recipe-name.ts';

function open(path: string) {
  const bytes = new Uint8Array(readFileSync(new URL(`../../../public/samples/${path}`, import.meta.url)));
  const model = parseModel(memorySource(bytes));
  return { model, view: buildGraphView(model, { modelId: 'm', fileName: path, fileBytes: bytes.length }) };
}

const digits = open('digits.onnx');
const mobilenet = open('zoo/mobilenet_v2.onnx');
const densenet = open('zoo/densenet169.onnx');

describe('sets of strategies', () => {
  it.each([
    ['exits of its own', digits],
    ['repeated blocks', mobilenet],
    ['neither', densenet],
  ])('suit a model with %s, each recipe and each name once in a set', (_, { model, view }) => {
    for (const { strategies } of strategySets(view)) {
      expect(strategies[0]).toEqual({ name: 'identity', recipe: [{ op: 'identity' }] });
      expect(new Set(strategies.map(({ name }) => name)).size).toBe(strategies.length);
      const texts = strategies.map(({ recipe }) => JSON.stringify(normaliseRecipe(recipe)));
      expect(new Set(texts).size).toBe(strategies.length);
      for (const { name, recipe } of strategies) {
        expect(parseRecipe(structuredClone(recipe))).toEqual(recipe);
        expect(() => checkRecipe(model, recipe), name).not.toThrow();
        // Its name begins with what it is.
        expect(name.split(' ')[0]).toBe(recipeLetters(recipe));
      }
    }
  });
  it('have the fastest cut of the tiers that are set: one for two, two for three', () => {
    const fastest = (tiers: Parameters<typeof strategySets>[2]) =>
      strategySets(mobilenet.view, null, tiers)
        .find(({ id }) => id === 'partition')
        ?.strategies.find(({ name }) => name === 'P fastest')?.recipe;
    expect(fastest({ tailSpeed: 7 })).toEqual([{ op: 'partition', cut: 'fastest', tailSpeed: 7 }]);
    expect(fastest({ middleSpeed: 3, tailSpeed: 7 })).toEqual([
      { op: 'partition', cuts: 'fastest', tailSpeed: 7, middleSpeed: 3 },
    ]);
  });
  it('prune as papers do: zeros, channels away, and zeros in integers', () => {
    const pruned = strategySets(digits.view).find(({ id }) => id === 'pruned');
    expect(pruned?.strategies.map(({ name }) => name)).toEqual([
      'identity',
      'pruned 25 %',
      'pruned',
      'pruned 75 %',
      'pruned 2:4',
      'pruned channels 25 %',
      'pruned channels 50 %',
      'pruned channels 75 %',
      'pruned+Q',
    ]);
  });
  it('compare as the papers do', () => {
    const papers = strategySets(mobilenet.view).find(({ id }) => id === 'papers');
    const skip = { op: 'early-exit', kind: 'skip', blocks: 2 };
    const int8 = { op: 'quantize', mode: 'static' };
    const cut = { op: 'partition', cut: 'equal-size' };
    expect(papers?.strategies).toEqual([
      { name: 'identity', recipe: [{ op: 'identity' }] },
      { name: 'Q', recipe: [int8] },
      { name: 'E', recipe: [skip] },
      { name: 'QE', recipe: [int8, skip] },
      { name: 'P', recipe: [cut] },
      { name: 'QEP', recipe: [int8, skip, cut] },
    ]);
    expect(papers?.leftOut).toEqual([]);
  });
  it('put the nearest thing in the place of what a model has not, and say so', () => {
    const unlike = { ...digits.view, skippable: [] };
    const papers = strategySets(unlike).find(({ id }) => id === 'papers');
    expect(papers?.strategies.find(({ name }) => name === 'QE')?.recipe[1]).toEqual({
      op: 'early-exit',
      kind: 'existing',
      threshold: 0.9,
    });
    expect(papers?.leftOut[0]?.reason).toContain('no identical blocks to skip');
    const skipping = strategySets(digits.view).find(({ id }) => id === 'papers');
    expect(skipping?.strategies.map(({ name }) => name)).toContain('QE skip 2');
    const [exits] = strategySets(densenet.view);
    expect(exits?.strategies).toHaveLength(1);
    expect(exits?.leftOut.map(({ reason }) => reason)).toContain('there are no identical blocks to skip');
  });
  it('use trained exits once there are some', () => {
    const at = [tapPlaces(densenet.view)[3]?.value as string];
    const sets = strategySets(densenet.view, { at, seed: 1 });
    const qep = sets.find(({ id }) => id === 'qep')?.strategies.find(({ name }) => name === 'QEP');
    expect(qep?.recipe[1]).toMatchObject({ kind: 'trained', at, threshold: 0.9 });
  });
});
