import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, type Page, test } from '@playwright/test';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { imagesToCalibrateWith } from '../../../src/study/evaluation-images.ts';
import type { StaticQuantizeOperator } from '../../../src/transforms/quantize/quantize-operator.ts';
import { type GoldenRanges, rangesFarOff } from '../../fixtures/quantize/golden-ranges.ts';
import { pickyDigits } from '../../fixtures/picky-digits.ts';
import type * as Scenarios from './accuracy-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

const path = '/accuracy-scenarios.js';
type Module = typeof Scenarios;

const samples = new URL('../../../public/samples/', import.meta.url);
const shared = new URL('../../../../shared/', import.meta.url);

test.beforeEach(({ page }) => openBlankPage(page));

test('the bundled exits are as accurate as when they were trained', async ({ page }) => {
  const bytes = new Uint8Array(readFileSync(new URL('digits.onnx', samples)));
  const told = parseModel(memorySource(bytes), 'digits.onnx').metadata.find(
    ({ key }) => key === 'paretoscope.exits',
  );
  const exits = JSON.parse(told?.value ?? '[]') as { top1: number }[];
  const { top1, images } = await runInPage<Module, 'accuracyOf'>(
    page,
    path,
    'accuracyOf',
    '/samples/digits.onnx',
    ['/samples/digits.zip'],
    [0, 1, 2].map((exit) => [{ op: 'early-exit', kind: 'existing', exit }]),
    1,
  );
  expect(images).toBe(450);
  // PyTorch judged the same PNGs; one image in 450 may sit on the edge.
  for (const [i, exit] of exits.entries())
    expect(Math.abs((top1[i] ?? 0) - exit.top1)).toBeLessThan(1.5 / 450);
  expect(top1[1]).toBeGreaterThan((top1[0] ?? 1) + 0.05);
  expect(top1[2]).toBeGreaterThan((top1[1] ?? 1) + 0.02);
});

/** Accuracy that others published or measured for these models and images, less what few images may cost. */
const trained: readonly (readonly [model: string, data: readonly string[], step: number, atLeast: number])[] =
  [
    ['cifar10_resnet20.onnx', ['cifar10-test-2000.zip'], 8, 0.74],
    ['mlperftiny_pretrainedResnet_large_float.onnx', ['cifar10-test-2000.zip'], 8, 0.73],
    ['mnist-8.onnx', ['mnist/t10k-images-idx3-ubyte.gz', 'mnist/t10k-labels-idx1-ubyte.gz'], 20, 0.97],
    ['mobilenet_v2_1.0_224_quant_deq.onnx', ['imagenet-sample-200.zip'], 4, 0.8],
  ];

/** What onnxruntime's own tool makes of them in static int8, from the same images. */
const quantized = JSON.parse(
  readFileSync(new URL('../../fixtures/quantize/golden/accuracy.json', import.meta.url), 'utf8'),
) as {
  readonly cases: readonly {
    readonly model: string;
    readonly calibrated: readonly number[];
    readonly evaluated: readonly number[];
    readonly results: readonly {
      readonly form: Pick<StaticQuantizeOperator, 'format' | 'perChannel' | 'calibration'>;
      readonly accuracy: number;
    }[];
  }[];
};
const goldenRanges = JSON.parse(
  readFileSync(new URL('../../fixtures/quantize/golden/shared-ranges.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly { readonly model: string; readonly ranges: GoldenRanges }[] };
const tenClasses = Array.from({ length: 2000 }, (_, image) => Math.floor(image / 200));

for (const [model, data, step, atLeast] of trained) {
  const golden = data.includes('cifar10-test-2000.zip')
    ? quantized.cases.find((each) => model === `${each.model}.onnx`)
    : undefined;
  const { results = [], calibrated = [], evaluated = [] } = golden ?? {};
  const inInt8 = golden ? ", and in static int8 the ranges and the accuracy of onnxruntime's own tool" : '';
  test(`${model}: the guessed preprocessing reaches the model's accuracy${inInt8}`, async ({ page }) => {
    test.skip(!existsSync(shared), 'needs the shared models and images');
    await page.route('**/shared/**', (route) =>
      route.fulfill({
        path: fileURLToPath(
          new URL(`.${new URL(route.request().url()).pathname.replace('/shared', '')}`, shared),
        ),
      }),
    );
    const { top1, images, reasons, calibrations } = await runInPage<Module, 'accuracyOf'>(
      page,
      path,
      'accuracyOf',
      `/shared/models/${model}`,
      data.map((name) => `/shared/data/${name}`),
      [
        [{ op: 'identity' }],
        ...results.map(({ form }): [StaticQuantizeOperator] => [
          { op: 'quantize', mode: 'static', samples: calibrated.length, ...form },
        ]),
      ],
      step,
    );
    expect(top1[0], reasons.join('; ')).toBeGreaterThan(atLeast);
    if (golden === undefined) return;
    expect(imagesToCalibrateWith(tenClasses, calibrated.length)).toEqual(calibrated);
    expect(images).toBe(evaluated.length);
    const known = goldenRanges.cases.find((each) => each.model === golden.model);
    if (known === undefined) throw new Error(`no ranges of ${model}`);
    expect(calibrations.map(([method]) => method)).toEqual(results.map(({ form }) => form.calibration));
    for (const [method, ranges] of calibrations) {
      expect(ranges.length).toBeGreaterThan(10);
      expect(rangesFarOff(new Map(ranges), known.ranges, method)).toEqual([]);
    }
    // Kernels of the two processors round differently, which may decide about one image.
    const slack = 0.003 + 1 / images;
    for (const [at, { form, accuracy }] of results.entries()) {
      const found = top1[at + 1] ?? 0;
      expect(Math.abs(found - accuracy), `${JSON.stringify(form)}: ${found}`).toBeLessThan(slack + 1e-9);
    }
  });
}

test.describe('trying normalisations on labelled images', () => {
  const model = pickyDigits(new Uint8Array(readFileSync(new URL('digits.onnx', samples))));
  const tryOn = async (page: Page, cancelAfter: number | null) => {
    await page.route('**/picky.onnx', (route) => route.fulfill({ body: Buffer.from(model) }));
    return runInPage<Module, 'triedNormalisations'>(
      page,
      path,
      'triedNormalisations',
      '/picky.onnx',
      '/samples/digits.zip',
      cancelAfter,
    );
  };

  test('finds the right one where the guess is wrong', async ({ page }) => {
    const { outcome, best, progress } = await tryOn(page, null);
    if (!outcome.ok) throw new Error(outcome.failure.message);
    const [guess, ...others] = outcome.value;
    expect(guess?.name).toContain('begins with Mul');
    // Fewer than 32 on a slow machine.
    const tried = guess?.images ?? 0;
    expect(tried).toBeGreaterThanOrEqual(8);
    expect(tried).toBeLessThanOrEqual(32);
    expect(guess?.correct).toBeLessThan(0.6 * tried);
    const right = others.find(({ name }) => name === best);
    expect(best).toContain('ImageNet');
    expect(right?.correct).toBeGreaterThan(0.8 * tried);
    for (const { images } of outcome.value) expect(images).toBe(tried);
    const total = tried * outcome.value.length;
    expect(progress.at(-1)).toEqual([total, total]);
  });

  test('can be cancelled', async ({ page }) => {
    const { outcome } = await tryOn(page, 1);
    expect(outcome).toMatchObject({ ok: false, failure: { code: 'cancelled' } });
  });
});
