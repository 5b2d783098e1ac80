import { expect, test } from '@playwright/test';
import { openBlankPage, runInPage } from './in-page.ts';
import type * as Scenarios from './small-forms-scenarios.ts';

const path = '/small-forms-scenarios.js';

/** How much smaller, and how near the answers at least are. */
const wanted: Readonly<Record<string, readonly [smaller: number, cosine: number]>> = {
  float16: [1.95, 0.9999],
  '8 bits': [3.5, 0.999],
  '8 bits in blocks': [3, 0.999],
  '4 bits': [6.5, 0.9],
  '4 bits in blocks': [4.5, 0.95],
};

test('float16 and weights in 8 and 4 bits run in the browser, and answer nearly as the floats', async ({
  page,
}) => {
  await openBlankPage(page);
  const results = await runInPage<typeof Scenarios, 'runSmallForms'>(page, path, 'runSmallForms');
  expect(results.map(({ name }) => name)).toEqual(Object.keys(wanted));
  for (const { name, smaller, cosine } of results) {
    const [least, nearest] = wanted[name] ?? [Infinity, 1];
    expect(smaller, name).toBeGreaterThan(least);
    expect(cosine, name).toBeGreaterThan(nearest);
  }
});
