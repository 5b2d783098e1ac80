import { expect, type Page, test } from '@playwright/test';
import type * as Scenarios from './engine-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

const path = '/engine-scenarios.js';
type Module = typeof Scenarios;

const thresholdRecipe = (threshold: number) => [{ op: 'early-exit', kind: 'existing', threshold }] as const;

test.beforeEach(({ page }) => openBlankPage(page));

for (const threads of [1, 2]) {
  test(`a model runs on wasm with ${threads} thread(s) and its samples add up`, async ({ page }) => {
    const run = await runInPage<Module, 'runRecipe'>(
      page,
      path,
      'runRecipe',
      [{ op: 'identity' }],
      'wasm',
      threads,
    );
    expect(run.loaded.threadsUsed).toBe(threads);
    expect(run.loaded.warnings).toEqual([]);
    expect(run.heapBytes).toBeGreaterThan(1e6);
    expect(run.samples.map((sample) => sample.imageIndex)).toEqual([3, 1, 3]);
    expect(run.samples.map((sample) => sample.sequence)).toEqual([100, 101, 102]);
    for (const sample of run.samples) {
      expect(sample.round).toBe(7);
      expect(sample.segmentMs).toHaveLength(1);
      expect(sample.segmentMs[0]).toBeGreaterThan(0);
      expect(sample.computeMs).toBeCloseTo(
        sample.segmentMs.reduce((a, b) => a + b, 0),
        6,
      );
      const parts = sample.decodeMs + sample.preprocessMs + sample.computeMs + sample.postprocessMs;
      expect(sample.totalMs).toBeGreaterThanOrEqual(parts - 1e-6);
      expect(Math.abs(sample.startedAtMs - Date.now())).toBeLessThan(120_000);
    }
    expect(run.progress).toBe(24);
    expect(new Set(run.predictions.confidence).size).toBeGreaterThan(20);
    expect(run.gzipBytes).toBeGreaterThan(0);
    expect(run.sparseBytes).toBeGreaterThan(0);
    expect(run.sparseBytes).toBeLessThanOrEqual(run.rawBytes);
    expect(run.buildMs).toBeGreaterThan(0);
  });
}

test('an early exit stops inference: nothing after it runs', async ({ page }) => {
  const stopped = await runInPage<Module, 'exitBeforeFailingTail'>(page, path, 'exitBeforeFailingTail', 0.05);
  expect(stopped.ok && stopped.value.map((sample) => [sample.exitIndex, sample.segmentMs.length])).toEqual([
    [0, 1],
    [0, 1],
  ]);
  // The counter-proof: where no exit is taken, the failing segment does run.
  const wentOn = await runInPage<Module, 'exitBeforeFailingTail'>(page, path, 'exitBeforeFailingTail', 1.5);
  expect(wentOn.ok ? 'ran' : wentOn.failure.message).toContain('Gather');
  const tooLarge = await runInPage<Module, 'exitBeforeFailingTail'>(
    page,
    path,
    'exitBeforeFailingTail',
    1.5,
    true,
  );
  expect(tooLarge.ok ? null : tooLarge.failure).toMatchObject({ code: 'out-of-memory' });
});

const formsOf = (page: Page, provider: 'wasm' | 'webgpu', broken?: 'early' | 'final') =>
  runInPage<Module, 'exitForms'>(page, path, 'exitForms', provider, 0.35, broken);

test('both forms of an early exit take the same exits with the same answers, and NaN takes none', async ({
  page,
}) => {
  const { segments, nested } = await formsOf(page, 'wasm');
  expect(new Set(segments.exitIndex)).toEqual(new Set([0, 1]));
  expect(nested).toEqual(segments);
  const brokenExit = await formsOf(page, 'wasm', 'early');
  expect(new Set(brokenExit.segments.exitIndex)).toEqual(new Set([1]));
  expect(brokenExit.nested).toEqual(brokenExit.segments);
  // Where the final scores are NaN no class is named, and nothing else is disturbed.
  const brokenEnd = await formsOf(page, 'wasm', 'final');
  expect(brokenEnd.nested).toEqual(brokenEnd.segments);
  expect(brokenEnd.segments.exitIndex).toEqual(segments.exitIndex);
  expect(brokenEnd.segments.top1).toEqual(
    segments.top1.map((best, image) => (segments.exitIndex[image] === 0 ? best : -1)),
  );
});

test('a threshold between the confidences sends some images on, with the right answers for each', async ({
  page,
}) => {
  const run = (recipe: Parameters<Module['runRecipe']>[0]) =>
    runInPage<Module, 'runRecipe'>(page, path, 'runRecipe', recipe, 'wasm', 1);
  const early = await run([{ op: 'early-exit', kind: 'existing', exit: 0 }]);
  const final = await run([{ op: 'identity' }]);
  const sorted = [...early.predictions.confidence].sort((a, b) => a - b);
  const threshold = ((sorted[11] as number) + (sorted[12] as number)) / 2;
  const mixed = await run(thresholdRecipe(threshold));
  expect(mixed.predictions.exitIndex.filter((exit) => exit === 0)).toHaveLength(12);
  for (let i = 0; i < 24; i++) {
    const isEarly = (early.predictions.confidence[i] as number) >= threshold;
    expect(mixed.predictions.exitIndex[i]).toBe(isEarly ? 0 : 1);
    expect(mixed.predictions.confidence[i]).toBeCloseTo(
      (isEarly ? early : final).predictions.confidence[i] as number,
      6,
    );
  }
});

test('a model cut into two sessions gives exactly what the whole gives', async ({ page }) => {
  const run = (recipe: Parameters<Module['runRecipe']>[0]) =>
    runInPage<Module, 'runRecipe'>(page, path, 'runRecipe', recipe, 'wasm', 1);
  const whole = await run([{ op: 'identity' }]);
  const cut = await run([{ op: 'partition', cut: 'stem' }]);
  expect(cut.plan.segments).toHaveLength(2);
  expect(cut.samples.every((sample) => sample.segmentMs.length === 2)).toBe(true);
  expect(cut.predictions.top5).toEqual(whole.predictions.top5);
  expect(cut.predictions.confidence).toEqual(whole.predictions.confidence);
});

test('WebGPU on the software adapter agrees with wasm, in both forms of an early exit', async ({ page }) => {
  test.slow();
  const wasm = await formsOf(page, 'wasm');
  const { segments, nested } = await formsOf(page, 'webgpu');
  expect(segments.warnings).toEqual([]);
  expect(nested.warnings.join()).toContain('single precision');
  for (const gpu of [segments, nested]) {
    expect(gpu.top1).toEqual(wasm.segments.top1);
    expect(gpu.exitIndex).toEqual(wasm.segments.exitIndex);
    gpu.confidence.forEach((confidence, i) =>
      expect(confidence).toBeCloseTo(wasm.segments.confidence[i] as number, 4),
    );
  }
});

test('operators that WebGPU lacks are told about', async ({ page }) => {
  test.slow();
  const recipe = [{ op: 'quantize', mode: 'dynamic' }] as const;
  const run = await runInPage<Module, 'runRecipe'>(page, path, 'runRecipe', recipe, 'webgpu', 1);
  expect(run.loaded.warnings.join()).toContain('not available on webgpu and run on the CPU');
});

test('a worker that dies in the middle of a measurement is reported, and later calls too', async ({
  page,
}) => {
  const outcome = runInPage<Module, 'measureUntilKilled'>(page, path, 'measureUntilKilled');
  await page.waitForFunction(() => (globalThis as { started?: boolean }).started);
  const engine = page.workers().find((worker) => worker.url().includes('/engine-'));
  await engine?.evaluate(() => self.close());
  expect(await outcome).toEqual({ result: 'worker-crashed', laterIsNaN: true });
});

test('a measurement can be cancelled', async ({ page }) => {
  expect(await runInPage<Module, 'cancelMeasurement'>(page, path, 'cancelMeasurement')).toBe('cancelled');
});

test('files that are no models and images that do not fit say what is wrong', async ({ page }) => {
  const failures = await runInPage<Module, 'badLoads'>(page, path, 'badLoads');
  expect(failures.notAModel?.message).toBeTruthy();
  expect(failures.wrongSize?.code).toBe('input-mismatch');
  expect(failures.wrongSize?.message).toContain('[1, 1, 8, 16]');
  expect(failures.noWebNn?.code).toBe('provider-unavailable');
});

test('images go in as float32, float16 and uint8, and float16 scores come out', async ({ page }) => {
  const run = (recipe: Parameters<Module['inputTypes']>[0]) =>
    runInPage<Module, 'inputTypes'>(page, path, 'inputTypes', recipe);
  const [float32, float16, uint8] = await run([{ op: 'identity' }]);
  expect(new Set(float32?.map((best) => best.join())).size).toBeGreaterThan(1);
  // Whole numbers up to 255 are exact in all three.
  expect(float16).toEqual(float32);
  expect(uint8).toEqual(float32);
  expect(await run([{ op: 'partition', cut: 'flat' }])).toEqual([float32, float16, uint8]);
});

test('a large variant lies on disk, and gives its place back when its worker is gone', async ({ page }) => {
  const run = await runInPage<Module, 'largeVariants'>(page, path, 'largeVariants');
  expect(run?.sizes).toEqual([run?.fileBytes, run?.fileBytes]);
  expect(run?.folderCounts).toEqual([1, 1]);
  expect(run?.top1).toEqual([run?.hotClass]);
  // Once as they are and once as the runtime packs them for its matrix product, but not as a file besides.
  expect(run?.heapBytes).toBeLessThan(2.5 * (run?.fileBytes ?? 0));
});

test('weights in a second file are used when it is given, and asked for when not', async ({ page }) => {
  const run = await runInPage<Module, 'externalWeights'>(page, path, 'externalWeights');
  expect(run.fileBytes).toBeLessThan(10_000);
  expect(run.top1).toEqual([run.hotClass]);
  expect(run.warnings.join()).toContain('weights.bin');
  expect(run.refused).toContain('weights.bin');
});

test('without isolation the runtime takes one thread and says so', async ({ page }) => {
  await openBlankPage(page, { isolated: false });
  const run = await runInPage<Module, 'runRecipe'>(page, path, 'runRecipe', [{ op: 'identity' }], 'wasm', 2);
  expect(run.loaded.threadsUsed).toBe(1);
  expect(run.loaded.warnings.join()).toContain('1 thread instead of 2');
});

test('where threads cannot start, a fresh worker takes over with one and says so', async ({ page }) => {
  // The first worker's runtime fails to start, as with threads refused; the second's does not.
  let requests = 0;
  await page.route('**/ort-wasm-simd-threaded.mjs*', (route) =>
    ++requests === 1 ? route.abort() : route.continue(),
  );
  const run = await runInPage<Module, 'runRecipe'>(page, path, 'runRecipe', [{ op: 'identity' }], 'wasm', 2);
  expect(requests).toBeGreaterThan(1);
  expect(run.loaded.threadsUsed).toBe(1);
  expect(run.loaded.warnings.join()).toContain('did not start with 2 threads');
});

test('the environment tells what this browser offers, with reasons for what it lacks', async ({ page }) => {
  const { found, threads } = await runInPage<Module, 'environment'>(page, path, 'environment');
  expect(found.crossOriginIsolated).toBe(true);
  expect(found.wasm).toEqual({ simd: true, threads: true, maxHeapBytes: 4 * 2 ** 30 });
  expect(threads).toBe(Math.min(4, found.hardwareConcurrency));
  expect(found.timerResolutionUs).toBeGreaterThan(0);
  expect(found.timerResolutionUs).toBeLessThanOrEqual(100);
  expect(found.runtimeVersion).toMatch(/^\d+\.\d+\.\d+/);
  if (!found.webgpu.available) expect(found.webgpu.reason).not.toBe('');
  if (!found.webnn.available) expect(found.webnn.reason).not.toBe('');
  expect(found.storage?.quotaBytes).toBeGreaterThan(0);
});

test('files of the same content are compressed once', async ({ page }) => {
  const { sizes, compressions } = await runInPage<Module, 'gzipSizes'>(page, path, 'gzipSizes');
  expect(compressions).toBe(3);
  expect(sizes[1]).toBe(sizes[0]);
  expect(sizes[0]).toBeLessThan(5e6);
  // A run of zeros shrinks a thousandfold, not more: that is deflate's limit.
  expect(sizes[3]).toBeGreaterThan(3e6 / 1100);
  expect(sizes[3]).toBeLessThan(3e6 / 900);
});

test('a head of many classes is computed by the runtime, and is the one that plain loops find', async ({
  page,
}) => {
  const [inWorker, plain] = await runInPage<Module, 'largeHead'>(page, path, 'largeHead');
  expect(inWorker?.best.step).toBe(plain?.best.step);
  expect(inWorker?.best.validationAccuracy).toBe(plain?.best.validationAccuracy);
  expect(inWorker?.best.validationAccuracy).toBeGreaterThan(0.2);
  expect(inWorker?.best.validationLoss).toBeCloseTo(plain?.best.validationLoss ?? 0, 4);
  // Equal to the last digit would mean that the runtime had no part in it.
  expect(inWorker?.best.validationLoss).not.toBe(plain?.best.validationLoss);
});

for (const kind of ['bitmap', 'video'] as const) {
  test(`a frame (${kind}) is answered as the image that it is kept as`, async ({ page }) => {
    const { answer, image, size, samePixels } = await runInPage<Module, 'frameAndImage'>(
      page,
      path,
      'frameAndImage',
      kind,
    );
    expect(size).toEqual([21, 13]);
    expect(samePixels).toBe(true);
    expect(answer.best).toBe(image.best);
    expect(answer.confidence).toBe(image.confidence);
    expect(answer.computeMs).toBeGreaterThan(0);
  });
}
