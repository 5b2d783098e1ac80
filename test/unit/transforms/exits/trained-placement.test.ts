import { readdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { attachHeads } from '../../../../src/transforms/exits/attach-head.ts';
import {
  canTap,
  hasTrainedExits,
  isClassifier,
  tapPlaces,
  trainedExitsOf,
  withoutTap,
  withTap,
  withTapMoved,
} from '../../../../src/transforms/exits/trained-placement.ts';
import { normaliseRecipe, parseRecipe, recipeLabel } from '../../../../src/transforms/parse-recipe.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { sampleModel } from '../run-variant.ts';
import { randomHead } from './heads.ts';

const zoo = readdirSync(new URL('../../../../public/samples/zoo', import.meta.url))
  .filter((file) => file.endsWith('.onnx'))
  .map((file) => file.replace('.onnx', ''));

/** They label pixels: there is no class to be sure of. */
const segmentation = ['deeplabv3_mobilenet_v3_large', 'fcn_resnet101', 'resnet101_duc_hdc'];

function viewOf(name: string) {
  return buildGraphView(sampleModel(name), { modelId: '', fileName: name, fileBytes: 0 });
}

describe('places for trained exits', () => {
  test.each(zoo)('%s takes exits wherever a single value crosses, unless it is no classifier', (name) => {
    const model = sampleModel(`zoo/${name}`);
    const view = buildGraphView(model, { modelId: '', fileName: name, fileBytes: 0 });
    const places = tapPlaces(view);
    expect(isClassifier(view)).toBe(!segmentation.includes(name));
    if (segmentation.includes(name)) return expect(places).toEqual([]);
    expect(places.length).toBeGreaterThan(15);
    expect(places.every(({ value }) => canTap(view, value))).toBe(true);
    const some = [places[0], places[Math.floor(places.length / 2)], places.at(-1)].flatMap(
      (each) => each ?? [],
    );
    const grown = attachHeads(
      analyseModel(model),
      some.map(({ value }) => randomHead(model, value)),
    ).model;
    const exits = analyseModel(grown).exits.map(({ output }) => output as string);
    expect(exits).toEqual([...some.map(({ value }) => `exit_${value}`), view.exits.at(-1)?.output]);
  });
});

describe('trained exits of a recipe', () => {
  const view = viewOf('digits');
  const values = tapPlaces(view).map(({ value }) => value as string);
  const quantize: Recipe = [{ op: 'quantize', mode: 'dynamic' }];

  test('stay in order of the graph however they are added, moved and removed', () => {
    const edit = fc.tuple(
      fc.constantFrom('add', 'move', 'remove'),
      fc.constantFrom(...values),
      fc.constantFrom(...values),
    );
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 12 }), (edits) => {
        const wanted = new Set<string>();
        let recipe: Recipe = quantize;
        for (const [kind, value, other] of edits) {
          if (kind === 'add') wanted.add(value);
          else if (wanted.delete(value) && kind === 'move') wanted.add(other);
          recipe =
            kind === 'add'
              ? withTap(recipe, view, value)
              : kind === 'move'
                ? withTapMoved(recipe, view, value, other)
                : withoutTap(recipe, view, value);
        }
        const at = trainedExitsOf(recipe)?.at ?? [];
        expect(at).toEqual(values.filter((value) => wanted.has(value)));
        expect(hasTrainedExits(recipe)).toBe(wanted.size > 0);
        expect(recipe.filter(({ op }) => op === 'quantize')).toEqual(quantize);
        expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
      }),
    );
  });

  test('keep their own thresholds when others come and go', () => {
    const [a = '', b = '', c = ''] = values;
    const recipe: Recipe = [{ op: 'early-exit', kind: 'trained', at: [a, c], threshold: [0.6, 0.9] }];
    expect(trainedExitsOf(withTap(recipe, view, b))).toMatchObject({
      at: [a, b, c],
      threshold: [0.6, 0.6, 0.9],
    });
    expect(trainedExitsOf(withoutTap(recipe, view, a))).toMatchObject({ at: [c], threshold: [0.9] });
  });

  test('take the place of exits that the model has: inference stops in one way', () => {
    const recipe = withTap(
      [{ op: 'early-exit', kind: 'existing', exit: 0 }, ...quantize],
      view,
      values[2] ?? '',
    );
    expect(recipe.map((operator) => ('kind' in operator ? operator.kind : operator.op))).toEqual([
      'trained',
      'quantize',
    ]);
  });
});

describe('recipes with trained exits', () => {
  test.each([
    [{}, 'at'],
    [{ at: [] }, 'at'],
    [{ at: ['a', 'a'] }, 'at[1]'],
    [{ at: [3] }, 'at[0]'],
    [{ at: ['a'], exit: 0, threshold: 0.5 }, ''],
    [{ at: ['a'], exit: -1 }, 'exit'],
    [{ at: ['a'], threshold: 1.5 }, 'threshold'],
    [{ at: ['a'], seed: 0.5 }, 'seed'],
    [{ at: ['a'], blocks: 2 }, 'blocks'],
  ])('are refused with the field at fault: %j', (fields, where) => {
    const parse = () => parseRecipe([{ op: 'early-exit', kind: 'trained', ...fields }]);
    expect(parse).toThrow(`recipe[0]${where === '' ? '' : `.${where}`}: found`);
  });

  test('have one canonical form and a short name', () => {
    const recipe = parseRecipe([
      { op: 'early-exit', kind: 'trained', seed: 1, threshold: [0.8, 0.8], at: ['b', 'a'] },
    ]);
    expect(normaliseRecipe(recipe)).toEqual([
      { op: 'early-exit', kind: 'trained', at: ['b', 'a'], threshold: 0.8 },
    ]);
    expect(recipeLabel(recipe)).toMatch(/^trained exits @b @a τ 0\.80/);
    expect(recipeLabel([{ op: 'early-exit', kind: 'trained', at: ['b', 'a'], exit: 1 }])).toBe(
      'trained exit @a',
    );
  });
});
