import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import type * as Scenarios from './heads-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

const shared = new URL('../../../../shared/', import.meta.url);

/** What PyTorch reached on the same taps and images: `test/fixtures/heads/make_cifar_golden.py`. */
interface Golden {
  readonly model: string;
  readonly images: { readonly training: number; readonly heldBack: number; readonly evaluation: number };
  readonly exits: readonly { readonly tap: string; readonly width: number; readonly accuracy: number }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/heads/golden/cifar10.json', import.meta.url), 'utf8'),
) as Golden;

test('exits trained here on a CIFAR-10 model are right as often as those trained with PyTorch', async ({
  page,
}) => {
  test.skip(!existsSync(shared), 'needs the shared models and images');
  await page.route('**/shared/**', (route) =>
    route.fulfill({
      body: readFileSync(
        new URL(`.${new URL(route.request().url()).pathname.replace('/shared', '')}`, shared),
      ),
    }),
  );
  await openBlankPage(page);
  const found = await runInPage<typeof Scenarios, 'trainedExits'>(
    page,
    '/heads-scenarios.js',
    'trainedExits',
    `/shared/models/${golden.model}.onnx`,
    '/shared/data/cifar10-test-2000.zip',
    golden.exits.map(({ tap }) => tap),
  );
  expect(found).toHaveLength(golden.exits.length);
  const differences = found.map(({ width, images, accuracy }, at) => {
    expect(images).toEqual(golden.images);
    expect(width).toBe(golden.exits[at]?.width);
    return accuracy - (golden.exits[at]?.accuracy ?? Number.NaN);
  });
  // Of one exit they scatter by a point: where learning stops decides over ten of a thousand images.
  for (const difference of differences) expect(Math.abs(difference)).toBeLessThan(0.025);
  const mean = differences.reduce((sum, each) => sum + each, 0) / differences.length;
  expect(Math.abs(mean)).toBeLessThan(0.015);
});
