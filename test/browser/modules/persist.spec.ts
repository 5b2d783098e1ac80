import { expect, test } from '@playwright/test';
import { serialiseStudy } from '../../../src/study/study-json.ts';
import { makeStudy, measuredTrial } from '../../unit/study/trials.ts';
import { openBlankPage, runInPage } from './in-page.ts';
import type * as Scenarios from './persist-scenarios.ts';

const path = '/persist-scenarios.js';
type Module = typeof Scenarios;

test.beforeEach(({ page }) => openBlankPage(page));

test('a model and its external data are there again after a reload', async ({ page }) => {
  const kept = await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 1);
  expect(kept.progress.length).toBeGreaterThan(2);
  expect(kept.progress).toEqual([...kept.progress].sort((a, b) => a - b));
  await page.reload();
  const found = await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a');
  expect(found).toEqual({ fileName: 'a.onnx', locations: ['w.bin'], hashes: kept.hashes });
  expect(await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'b')).toBeNull();
});

test('replacing a model leaves one copy; a replacement that is cancelled leaves the old one', async ({
  page,
}) => {
  await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 1);
  const bytes = await runInPage<Module, 'storedFileBytes'>(page, path, 'storedFileBytes');
  const second = await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 5);
  const cancelled = await runInPage<Module, 'replaceAndCancel'>(page, path, 'replaceAndCancel', 'a');
  expect(cancelled.ok ? '' : cancelled.failure.code).toBe('cancelled');
  const found = await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a');
  expect(found?.hashes).toEqual(second.hashes);
  expect(await runInPage<Module, 'storedFileBytes'>(page, path, 'storedFileBytes')).toBe(bytes);
  await runInPage<Module, 'forgetModel'>(page, path, 'forgetModel', 'a');
  expect(await runInPage<Module, 'storedFileBytes'>(page, path, 'storedFileBytes')).toBe(0);
  expect(await runInPage<Module, 'modelNames'>(page, path, 'modelNames')).toEqual([]);
});

test('a full disk is told with what to delete, and what was kept stays', async ({ page }) => {
  const kept = await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 1);
  const devtools = await page.context().newCDPSession(page);
  const { origin } = new URL(page.url());
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: 25e6 });
  const failure = await runInPage<Module, 'keepTooMuch'>(page, path, 'keepTooMuch');
  expect(failure?.code).toBe('storage-full');
  expect(failure?.message).toContain('huge.onnx (20.0 MB)');
  expect(failure?.hint).toContain('a.onnx (20.0 MB)');
  await page.reload();
  expect((await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a'))?.hashes).toEqual(kept.hashes);
  expect(await runInPage<Module, 'modelNames'>(page, path, 'modelNames')).toEqual(['a.onnx']);
});

test('where the private file system cannot be written to, IndexedDB takes its place', async ({ page }) => {
  await page.addInitScript(() => {
    Reflect.deleteProperty(FileSystemFileHandle.prototype, 'createWritable');
  });
  await page.reload();
  const kept = await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 1);
  expect(await runInPage<Module, 'storedFileBytes'>(page, path, 'storedFileBytes')).toBe(0);
  await page.reload();
  expect((await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a'))?.hashes).toEqual(kept.hashes);
  await runInPage<Module, 'forgetModel'>(page, path, 'forgetModel', 'a');
  expect(await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a')).toBeNull();
});

test('files that no record names are cleaned up, others are not', async ({ page }) => {
  const kept = await runInPage<Module, 'keepModel'>(page, path, 'keepModel', 'a', 1);
  const orphan = await runInPage<Module, 'cleanUpAfterOrphan'>(page, path, 'cleanUpAfterOrphan');
  expect(orphan).toEqual({ before: 1000, after: undefined });
  expect((await runInPage<Module, 'keptModel'>(page, path, 'keptModel', 'a'))?.hashes).toEqual(kept.hashes);
});

test('images and the session are there again after a reload', async ({ page }) => {
  const kept = await runInPage<Module, 'keepDataset'>(page, path, 'keepDataset');
  const session = await runInPage<Module, 'keepSession'>(page, path, 'keepSession');
  await page.reload();
  expect(await runInPage<Module, 'keptDataset'>(page, path, 'keptDataset', kept.dataset.id)).toEqual(kept);
  expect(await runInPage<Module, 'keptSession'>(page, path, 'keptSession')).toEqual(session);
});

test('studies keep their trials apart from those of other studies, even under the same ids', async ({
  page,
}) => {
  const first = makeStudy([measuredTrial('a', 1, 50), measuredTrial('b', 2, 60)]);
  const trials = [measuredTrial('a', 9, 10)].map((trial) => ({ ...trial, studyId: 'other' }));
  const other = { ...makeStudy(trials), id: 'other', createdAtMs: first.createdAtMs + 1 };
  await runInPage<Module, 'keepStudies'>(page, path, 'keepStudies', [
    serialiseStudy(first),
    serialiseStudy(other),
  ]);
  await runInPage<Module, 'renewTrial'>(page, path, 'renewTrial', 'other', 0);
  await page.reload();
  expect(await runInPage<Module, 'studyIds'>(page, path, 'studyIds')).toEqual(['other', 'study']);
  expect(await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'study')).toEqual(first);
  const renewed = await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'other');
  expect(renewed?.trials.map((trial) => trial.warnings)).toEqual([['renewed']]);
  const gone = await runInPage<Module, 'renewAfterForgetting'>(page, path, 'renewAfterForgetting', 'other');
  expect(gone).toEqual({ told: expect.stringContaining('its study was deleted'), trialsLeft: [] });
  expect(await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'other')).toBeNull();
  expect(await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'study')).toEqual(first);
});

test('a growing trial adds to what is kept of its samples, one that starts over replaces them; its answers are written once', async ({
  page,
}) => {
  const predictions = {
    imageIndices: [0, 1],
    top1: [1, 0],
    top5: [[1, 0], [0]],
    confidence: [0.9, 0.5],
    exitIndex: [null, 1],
  };
  const trial = { ...measuredTrial('a', 1, 50), predictions };
  const study = makeStudy([trial, { ...measuredTrial('b', 2, 60), predictions }]);
  await runInPage<Module, 'keepAsBefore'>(page, path, 'keepAsBefore', serialiseStudy(study));
  expect(await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'study')).toEqual(study);
  const steps = [100, 5000, 5020, 5020, 5300, 40, 60];
  const grown = await runInPage<Module, 'growTrial'>(page, path, 'growTrial', 'study', steps);
  expect(grown.every(({ isKept }) => isKept)).toBe(true);
  expect(grown.map(({ chunksWritten }) => chunksWritten)).toEqual([1, 20, 1, 0, 2, 1, 1]);
  expect(grown.map(({ answersWritten }) => answersWritten)).toEqual([1, 0, 0, 0, 0, 0, 0]);
  await page.reload();
  const after = await runInPage<Module, 'keptStudy'>(page, path, 'keptStudy', 'study');
  expect(after?.trials[0]?.samples).toHaveLength(60);
  expect(after?.trials[0]?.predictions).toEqual(predictions);
  expect(after?.trials[1]).toEqual(study.trials[1]);
});

test('what was found of layers is kept for the model it was found of; the oldest go first', async ({
  page,
}) => {
  await runInPage<Module, 'keepScans'>(page, path, 'keepScans', 'a', 4);
  await runInPage<Module, 'keepScans'>(page, path, 'keepScans', 'b', 22);
  await page.reload();
  const ofB = await runInPage<Module, 'keptScans'>(page, path, 'keptScans', 'b');
  expect(ofB).toHaveLength(21);
  expect(ofB[0]).toEqual(['scan 1', 1]);
  expect(ofB.at(-1)).toEqual(['scan 21', 2]);
  expect(await runInPage<Module, 'keptScans'>(page, path, 'keptScans', 'a')).toHaveLength(3);
});
