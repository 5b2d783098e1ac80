import { readFileSync } from 'node:fs';
import { expect, test } from '@playwright/test';
import type { RangeOptions } from '../../../src/transforms/quantize/calibrate/range-method.ts';
import { type GoldenRanges, rangesFarOff } from '../../fixtures/quantize/golden-ranges.ts';
import type * as Scenarios from './calibration-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

interface Golden {
  readonly images: number;
  readonly ranges: GoldenRanges;
}

const golden = JSON.parse(
  readFileSync(new URL('../../fixtures/quantize/golden/sample-ranges.json', import.meta.url), 'utf8'),
) as Golden;

const methods: readonly (readonly [name: string, RangeOptions])[] = [
  ['minmax', {}],
  ['entropy', { calibration: 'entropy' }],
  ['entropy 2048', { calibration: 'entropy', bins: 2048 }],
  ['percentile', { calibration: 'percentile' }],
];

test('the bundled model has the ranges that onnxruntime’s own tool finds on the same images', async ({
  page,
}) => {
  await openBlankPage(page);
  const found = await runInPage<typeof Scenarios, 'calibrateSample'>(
    page,
    '/calibration-scenarios.js',
    'calibrateSample',
    methods.map(([, options]) => options),
  );
  for (const [at, [name]] of methods.entries()) {
    const ranges = new Map(found.all[at]?.ranges);
    expect(ranges.size, name).toBeGreaterThan(15);
    expect(rangesFarOff(ranges, golden.ranges, name)).toEqual([]);
    expect(found.all[at]?.images).toBe(golden.images);
    expect(found.all[at]?.warnings).toEqual([
      expect.stringContaining('450 images, all there are, instead of 451'),
    ]);
  }
  // So many images that two engines share those of the first method.
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

test('values that are no numbers, one image alone and random inputs are calibrated as far as they can be', async ({
  page,
}) => {
  await openBlankPage(page);
  const outcomes = await runInPage<typeof Scenarios, 'calibrateOddModels'>(
    page,
    '/calibration-scenarios.js',
    'calibrateOddModels',
  );
  const [oneImage, twoImages, ...random] = outcomes;
  const named =
    'Activations are not finite at "broken", "broken too": what reads or makes them stays in floats.';
  for (const [images, outcome] of [
    ['1 image', oneImage],
    ['2 images', twoImages],
  ] as const) {
    const few = `Calibrated with ${images}, all there are, instead of 128: larger activations of other images will be clipped.`;
    expect(outcome).toMatchObject({
      values: expect.arrayContaining(['fine', 'image', 'scores']),
      notFinite: ['broken', 'broken too'],
      learnt: [few, named],
      built: expect.arrayContaining([few, named]),
      samples: 1,
    });
  }
  expect(random.map(({ values }) => values)).toEqual([
    ['a', 'b', 'left', 'right', 'sum'],
    ['a', 'b', 'left', 'right', 'sum'],
  ]);
  for (const { learnt, samples } of random) {
    expect(learnt).toEqual(['Calibrated with random inputs: good for latency and size, not for use.']);
    expect(samples).toBe(1);
  }
});
