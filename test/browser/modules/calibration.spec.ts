import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import type { RangeOptions } from '../../../src/transforms/quantize/calibrate/range-method.ts';
import type * as Scenarios from './calibration-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

interface Golden {
  readonly images: number;
  readonly ranges: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>;
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/quantize/golden/sample-ranges.json', import.meta.url), 'utf8'),
) as Golden;

/** Bins over what: both signs, or magnitudes; kernels differ in the last digits, so there is some slack everywhere. */
const methods: readonly (readonly [name: string, RangeOptions, bins: number])[] = [
  ['minmax', {}, Infinity],
  ['entropy', { calibration: 'entropy' }, 128 / 2],
  ['entropy 2048', { calibration: 'entropy', bins: 2048 }, 2048 / 2],
  ['percentile', { calibration: 'percentile' }, 2048],
];

test('the bundled model has the ranges that onnxruntime’s own tool finds on the same images', async ({
  page,
}) => {
  await openBlankPage(page);
  const found = await runInPage<typeof Scenarios, 'calibrateSample'>(
    page,
    '/test/browser/modules/calibration-scenarios.ts',
    'calibrateSample',
    methods.map(([, options]) => options),
  );
  for (const [at, [name, , bins]] of methods.entries()) {
    const ranges = new Map(found.all[at]?.ranges);
    expect(ranges.size, name).toBeGreaterThan(15);
    for (const [value, { low, high }] of ranges) {
      const { minmax = [0, 0], [name]: wanted = [Number.NaN, Number.NaN] } = golden.ranges[value] ?? {};
      const largest = Math.max(-minmax[0], minmax[1]);
      const most = 1.001 * (largest / bins) + 1e-5 * largest;
      const off = Math.max(Math.abs(low - wanted[0]), Math.abs(high - wanted[1]));
      expect(off, `${name} of ${value}: ${low} to ${high}, not ${wanted.join(' to ')}`).toBeLessThan(most);
    }
    expect(found.all[at]?.images).toBe(golden.images);
    expect(found.all[at]?.warnings).toEqual([
      expect.stringContaining('450 images, all there are, instead of 451'),
    ]);
  }
  // One pass serves all methods that count; only where extremes were enough before, counting needs another.
  expect(found.lastDone).toEqual([450, 450, null, null, 40, 40]);
  const [extremes, counted] = found.few;
  expect(extremes).toMatchObject({ images: 40, warnings: [] });
  // So few bins are all needed.
  expect(counted?.ranges).toEqual(extremes?.ranges);
  expect(found.cancelled).toBe('cancelled');
  // Kept under model, images and method; ranges of one method add up.
  const values = found.all[0]?.ranges.length ?? 0;
  expect(found.kept).toEqual([
    ['entropy', values],
    ['entropy', values],
    ['minmax', values + 1],
    ['percentile', values],
  ]);
  expect(found.strangers).toBe(0);
});
