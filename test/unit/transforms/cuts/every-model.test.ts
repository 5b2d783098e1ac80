import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { parseRecipe } from '../../../../src/transforms/parse-recipe.ts';
import { expectComposition, randomCuts } from './structure.ts';

const zoo = new URL('../../../../public/samples/zoo/', import.meta.url);
const files = readdirSync(zoo).filter((file) => file.endsWith('.onnx'));

describe.each(files)('%s', (file) => {
  // With its emptied weights: only the structure counts here.
  const model = parseModel(memorySource(readFileSync(new URL(file, zoo))), file);

  test('cut anywhere, in two or in three, is divided without loss; the recipes round-trip', () => {
    for (const cut of randomCuts(model, 17)) {
      expectComposition(model, cut);
      expect(parseRecipe(JSON.parse(JSON.stringify([cut])))).toEqual([cut]);
    }
  });
});
