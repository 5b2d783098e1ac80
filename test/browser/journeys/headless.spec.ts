import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pickyDigits } from '../../fixtures/picky-digits.ts';
import { expect, type JSHandle, type Page, test } from '@playwright/test';
import type {
  HeadlessApi,
  HeadlessOptions,
  HeadlessState,
  ReportName,
} from '../../../src/protocol/headless-api.ts';
import { splitImages } from '../../../src/study/evaluation-images.ts';
import { parseStrategies } from '../../../src/study/strategies-file.ts';
import { parseHeads } from '../../../src/transforms/exits/trained-head.ts';
import { parseStudy } from '../../../src/study/study-json.ts';

const sample = (name: string) => fileURLToPath(new URL(`../../../public/samples/${name}`, import.meta.url));

const options: HeadlessOptions = {
  model: { kind: 'sample' },
  data: 'sample',
  recipes: JSON.stringify([
    { name: 'whole', recipe: [{ op: 'identity' }] },
    { name: '=first exit', recipe: [{ op: 'early-exit', kind: 'existing', exit: 0 }] },
  ]),
  provider: 'wasm',
  threads: 1,
  protocol: 'quick',
  isProfiled: false,
  inputSize: null,
};

// Nothing here depends on the size of the screen.
test.skip(({ isMobile }) => isMobile, 'the headless page has no layout');

async function openHeadless(page: Page): Promise<JSHandle<HeadlessApi>> {
  await page.goto('/#headless');
  return page.waitForFunction(
    () => (globalThis as { paretoscopeHeadless?: HeadlessApi }).paretoscopeHeadless as HeadlessApi,
  );
}

/** Waits for a study's end. */
async function outcome(lab: JSHandle<HeadlessApi>): Promise<{ state: HeadlessState; log: string[] }> {
  const log: string[] = [];
  for (;;) {
    const polled = await lab.evaluate((api) => api.poll());
    log.push(...polled.log);
    const { state } = polled;
    if (state.kind === 'done' || state.kind === 'failed') return { state, log };
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

async function reportOf(lab: JSHandle<HeadlessApi>, name: ReportName) {
  return lab.evaluate((api, wanted) => api.report(wanted, 0, 1e9), name);
}

test('exits that recipes name are trained before anything is measured, and leave their heads', async ({
  page,
}) => {
  const values = ['/stage2/Relu_output_0', '/stage3/stage3.1/Relu_output_0'];
  const recipes = [
    { name: 'whole', recipe: [{ op: 'identity' }] },
    { name: 'early', recipe: [{ op: 'early-exit', kind: 'trained', at: values, exit: 1 }] },
    {
      name: 'QE',
      recipe: [
        { op: 'quantize', mode: 'dynamic' },
        { op: 'early-exit', kind: 'trained', at: values, threshold: 0.7 },
      ],
    },
  ];
  const lab = await openHeadless(page);
  await lab.evaluate((api, given) => api.start(given), { ...options, recipes: JSON.stringify(recipes) });
  const { state, log } = await outcome(lab);
  expect(state).toMatchObject({ kind: 'done', summary: { trials: { done: 3, unfinished: 0, failed: [] } } });
  expect(log.join('\n')).toContain('Training 2 exits.');

  expect(parseHeads(await reportOf(lab, 'heads.json')).map(({ value }) => value)).toEqual(values);
  const study = parseStudy(await reportOf(lab, 'study.json'));
  const images = study.trials.map(({ predictions }) => predictions?.imageIndices);
  const { evaluation } = splitImages(Array.from({ length: 450 }, (_, image) => Math.floor(image / 45)));
  expect(images, 'the same images for all, none of which trained an exit').toEqual(
    images.map(() => evaluation),
  );
  const [whole, early, dynamic] = study.trials;
  const rightOf = (trial: typeof whole) => (trial?.accuracy?.top1Correct ?? 0) / evaluation.length;
  expect(rightOf(early), 'far above chance').toBeGreaterThan(0.6);
  expect(early?.size?.macs).toBeLessThan(whole?.size?.macs ?? 0);
  expect(dynamic?.predictions?.exitIndex).toEqual(expect.arrayContaining([expect.any(Number)]));
});

test('the bundled study runs without an interface and leaves its reports', async ({ page }) => {
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  const lab = await openHeadless(page);
  const placed = {
    name: 'divided',
    recipe: [{ op: 'partition', cut: 'equal-size' }],
    placement: { name: 'mobile-edge', setup: { tiers: { edge: { speedFactor: 2 } } } },
  };
  const recipes = JSON.stringify([...JSON.parse(options.recipes ?? ''), placed]);
  await lab.evaluate((api, given) => api.start(given), { ...options, recipes, isProfiled: true });
  const { state, log } = await outcome(lab);
  expect(state).toMatchObject({ kind: 'done', summary: { trials: { done: 3, unfinished: 0, failed: [] } } });

  const study = parseStudy(await reportOf(lab, 'study.json'));
  const [whole, first, divided] = study.trials;
  // The model was profiled once, so that everything was expected before it ran, and other devices can take it over.
  expect(log.filter((line) => line.startsWith('Profiling'))).toHaveLength(1);
  expect(study.profiles?.[0]?.nodeMs.length).toBeGreaterThan(10);
  for (const trial of study.trials) expect(trial.predicted?.latencyMeanMs).toBeGreaterThan(0);
  expect(divided?.strategy.placement?.setup.tiers.edge.speedFactor).toBe(2);
  expect(divided?.samples.every(({ emulated }) => (emulated?.transferMs ?? 0) > 0)).toBe(true);
  expect(whole?.environment.crossOriginIsolated).toBe(true);
  expect(whole?.accuracy?.agreeing).toBe(whole?.accuracy?.images);
  // The exit is what it is bundled for: much less work, visibly less accuracy, better than guessing.
  expect(first?.size?.macs).toBeLessThan((whole?.size?.macs ?? 0) / 2);
  expect(first?.accuracy?.top1Correct).toBeLessThan(whole?.accuracy?.top1Correct ?? 0);
  expect(first?.accuracy?.top1Correct).toBeGreaterThan(0.2 * (first?.accuracy?.images ?? 0));

  const trials = (await reportOf(lab, 'trials.csv')).trim().split('\r\n');
  expect(trials).toHaveLength(4);
  expect(trials[2]).toContain(",'=first exit,");
  const samples = (await reportOf(lab, 'samples.csv')).trim().split('\r\n');
  expect(samples).toHaveLength(1 + study.trials.reduce((sum, trial) => sum + trial.samples.length, 0));
  const pairs = (await reportOf(lab, 'comparisons.csv')).trim().split('\r\n');
  expect(pairs).toHaveLength(1 + 3);
  expect(await reportOf(lab, 'advice.txt')).toContain('What would change that:');
  expect(JSON.parse(await reportOf(lab, 'advice.json')).advised).toHaveLength(4);
  const svg = await reportOf(lab, 'front.svg');
  const isWellFormed = await page.evaluate(
    (text) => new DOMParser().parseFromString(text, 'image/svg+xml').querySelector('parsererror') === null,
    svg,
  );
  expect(isWellFormed).toBe(true);
  const { origin } = new URL(page.url());
  expect(requested.filter((url) => new URL(url).origin !== origin)).toEqual([]);
});

test('own files, given through the page’s inputs, are measured the same way', async ({ page }) => {
  const lab = await openHeadless(page);
  await page.setInputFiles('#model-files', sample('digits.onnx'));
  await page.setInputFiles('#data-files', sample('digits.zip'));
  const own = { ...options, model: { kind: 'files', externalLocations: [] }, data: 'files' } as const;
  await lab.evaluate((api, given) => api.start(given), own);
  const { state } = await outcome(lab);
  expect(state).toMatchObject({ kind: 'done', summary: { dataset: 'digits.zip', quality: 'accuracyTop1' } });
});

test('a gallery model without images runs on noise, and says that its agreement means nothing', async ({
  page,
}) => {
  const lab = await openHeadless(page);
  const zoo: HeadlessOptions = {
    ...options,
    model: { kind: 'zoo', name: 'mobilenet_v3_small' },
    data: 'noise',
    recipes: '[{"op":"identity"}]',
  };
  await lab.evaluate((api, given) => api.start(given), zoo);
  const { state, log } = await outcome(lab);
  expect(state).toMatchObject({ kind: 'done', summary: { quality: 'agreement', trials: { done: 1 } } });
  expect(log.join('\n')).toContain('mean nothing');
});

test('cancelling leaves a result of what is measured so far', async ({ page }) => {
  const lab = await openHeadless(page);
  await lab.evaluate((api, given) => api.start(given), { ...options, protocol: 'standard' as const });
  await expect
    .poll(
      async () => {
        const { state } = await lab.evaluate((api) => api.poll());
        return state.kind === 'working' ? state.progress?.step : state.kind;
      },
      { timeout: 60_000 },
    )
    // Whichever of the two is seen first: one may be over between two looks.
    .toMatch(/^(predicting|measuring)$/);
  await lab.evaluate((api) => api.cancel());
  const { state } = await outcome(lab);
  expect(state).toMatchObject({
    kind: 'done',
    summary: { wasCancelled: true, trials: { done: 0, unfinished: 2 } },
  });
  expect(parseStudy(await reportOf(lab, 'study.json')).trials).toHaveLength(2);
});

test('ratios for groups of channels, and blocks that can go, are found before they are measured', async ({
  page,
}) => {
  const protect = ['/exit*', '/stem*', '/stage1*', '/stage2*', '/stage3*'];
  const recipes = [
    { name: 'half', recipe: [{ op: 'prune', kind: 'structured', ratio: 0.5, protect }] },
    { name: 'shorter', recipe: [{ op: 'prune', kind: 'block', blocks: 1, samples: 8 }] },
  ];
  const lab = await openHeadless(page);
  const wanted = { ...options, channels: { targets: [{ kind: 'macs', share: 0.9 }] } } as const;
  await lab.evaluate((api, given) => api.start(given), { ...wanted, recipes: JSON.stringify(recipes) });
  const { state, log } = await outcome(lab);
  expect(state).toMatchObject({ kind: 'done', summary: { trials: { done: 3, unfinished: 0, failed: [] } } });
  expect(log.join('\n')).toMatch(/of the MACs, .* on 128 other images .* accuracy \d+/);

  const [header, whole, ...points] = (await reportOf(lab, 'pruning-sensitivity.csv')).trim().split('\r\n');
  expect(header).toMatch(/^group,operator,channels,units,units_left/);
  expect(whole).toMatch(/^,/);
  expect(new Set(points.map((line) => line.split('/')[1])), 'none that is protected').toEqual(
    new Set(['stage4']),
  );
  expect((await reportOf(lab, 'blocks.csv')).trim().split('\r\n')).toHaveLength(3);
  const found = parseStrategies(JSON.parse(await reportOf(lab, 'recipes.json')));
  expect(found.map(({ name }) => name)).toEqual(['half', 'shorter', 'channels for 90 % of the MACs']);
  const [, shorter, allocated] = parseStudy(await reportOf(lab, 'study.json')).trials;
  expect(shorter?.strategy.recipe).toMatchObject([{ blocks: [{ to: expect.any(String) }] }]);
  const macs = Number(whole?.split(',')[9]);
  expect((allocated?.size?.macs ?? 0) / macs).toBeLessThanOrEqual(0.9);
  expect((allocated?.size?.macs ?? 0) / macs).toBeGreaterThan(0.8);
});

test('a file that is no model ends in a message that says what it is', async ({ page }) => {
  const lab = await openHeadless(page);
  await page.setInputFiles('#model-files', {
    name: 'photo.onnx',
    mimeType: 'image/png',
    buffer: readFileSync(sample('digits.zip')),
  });
  const own = { ...options, model: { kind: 'files', externalLocations: [] } } as const;
  await lab.evaluate((api, given) => api.start(given), own);
  const { state } = await outcome(lab);
  expect(state.kind === 'failed' && state.failure.message).toContain('photo.onnx');
});

test('labelled images decide how a model is fed, and the log says so', async ({ page }) => {
  const lab = await openHeadless(page);
  const buffer = Buffer.from(pickyDigits(new Uint8Array(readFileSync(sample('digits.onnx')))));
  await page
    .locator('#model-files')
    .setInputFiles([{ name: 'picky.onnx', mimeType: 'application/octet-stream', buffer }]);
  const recipes = JSON.stringify([{ name: 'whole', recipe: [{ op: 'identity' }] }]);
  const given = { ...options, recipes, model: { kind: 'files', externalLocations: [] } } as const;
  await lab.evaluate((api, wanted) => api.start(wanted), given);
  const { state, log } = await outcome(lab);
  expect(log.some((line) => /^Trying \d normalizations on labelled images/.test(line))).toBe(true);
  expect(log.some((line) => /\d+ of \d+ right: pixels as 0\.\.1/.test(line))).toBe(true);
  // Not the 0..255 that the model's first operator suggests.
  expect(state).toMatchObject({ kind: 'done', summary: { preprocessing: { mean: [0.485, 0.456, 0.406] } } });
});
