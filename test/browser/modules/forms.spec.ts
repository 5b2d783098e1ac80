import { expect, test } from '@playwright/test';
import { FORMS } from '../../../src/study/forms/forms.ts';
import { LAYER_KINDS } from '../../../src/study/forms/layer-kinds.ts';
import type * as Scenarios from './forms-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

test('layers are timed in every form, and a model gets the form that suits its layers', async ({ page }) => {
  await openBlankPage(page);
  const { figures, shares, cancelled, sentences, recipe, choice } = await runInPage<
    typeof Scenarios,
    'compareForms'
  >(page, '/forms-scenarios.js', 'compareForms', 2, '/samples/zoo/mobilenet_v2.onnx');
  expect(figures.figures).toHaveLength(FORMS.length * LAYER_KINDS.length);
  for (const { layer, form, times } of figures.figures) {
    expect(times, `${layer} as ${form}`).toMatchObject({ runs: 2 });
    expect('medianMs' in times && times.medianMs, `${layer} as ${form}`).toBeGreaterThan(0);
  }
  expect(shares.at(-1)).toBe(1);
  expect(shares).toEqual(shares.toSorted((a, b) => a - b));
  expect(cancelled).toBe('cancelled');
  expect(sentences.length).toBeGreaterThan(0);
  expect(recipe[0]).toMatchObject({ op: 'quantize', mode: 'static' });
  expect(recipe[0]).not.toMatchObject({ format: 'auto' });
  expect(choice?.relative).toBeGreaterThan(0);
});
