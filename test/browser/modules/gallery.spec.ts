import { expect, test } from '@playwright/test';
import { ZOO } from '../../../src/panels/model/zoo.ts';
import type * as Scenarios from './gallery-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

const path = '/gallery-scenarios.js';
type Module = typeof Scenarios;

const segmentation = ['fcn_resnet101', 'deeplabv3_mobilenet_v3_large', 'resnet101_duc_hdc'];
/** Every block of a DenseNet adds channels: leaving one out fits nothing after it. */
const withoutSkips = ['densenet169', 'densenet201'];
/** Run here, others by `npm run bench gallery`: at most two billion multiply-accumulates and 60 MB of weights. */
const light = [
  'mobilenet_v3_small',
  'shufflenet_v2_x1_0',
  'mobilenet_v2',
  'efficientnet_b1',
  'deeplabv3_mobilenet_v3_large',
];

test.beforeEach(({ page }) => openBlankPage(page));

test('every architecture of the gallery opens, folds, and takes cuts and exits or says why not', async ({
  page,
}) => {
  expect(ZOO).toHaveLength(17);
  for (const { name } of ZOO) {
    const seen = await runInPage<Module, 'lookAt'>(page, path, 'lookAt', name);
    expect(seen.isHollow, name).toBe(true);
    expect(seen.warnings, name).toEqual([]);
    // Inverted residuals differ in nearly every stage; where blocks repeat, eight or more nodes share a box.
    expect(seen.boxes, name).toBeLessThan(Math.max(35, seen.nodes / 8));
    expect(seen.cutRefused, name).toBeNull();
    if (withoutSkips.includes(name)) expect(seen.skipRefused, name).toMatch(/shape|channels|identical/);
    else expect(seen.skipRefused, name).toBeNull();
    if (segmentation.includes(name)) expect(seen.tap, name).toBeNull();
    else expect(seen.tap, name).not.toBeNull();
  }
});

for (const name of light) {
  test(`${name} is refilled and runs whole, cut and shortened, and its parts compose to the whole`, async ({
    page,
  }) => {
    const run = await runInPage<Module, 'runAll'>(page, path, 'runAll', name);
    expect(run.isFinite).toBe(true);
    expect(run.largest).toBeGreaterThan(0);
    expect(run.segments).toHaveLength(2);
    expect(run.segments.reduce((sum, macs) => sum + macs, 0)).toBe(run.macs);
    expect(run.crossing.length).toBeGreaterThan(0);
    expect(run.difference).toBeLessThanOrEqual(1e-5 * run.largest);
    if (!run.skip) throw new Error('nothing was skipped');
    expect(run.skip.macs).toBeLessThan(run.macs);
    expect(run.skip.difference).toBeGreaterThan(1e-5 * run.largest);
    expect(run.segmentMs).toHaveLength(2);
    expect(run.features ?? 0)[segmentation.includes(name) ? 'toBe' : 'toBeGreaterThan'](0);
  });
}
