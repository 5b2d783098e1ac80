import type { Page } from '@playwright/test';
import { gzipSync } from 'node:zlib';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { framesDuring, LONGEST_FRAME_MS } from './canvas-page.ts';
import { LARGE_STUDY, largeStudyJson, onDisk } from './large-study.ts';

const longestExportMs = 2000;

/**
 * A study of 24 strategies x 10,000 samples: frames while its file is opened and while it is opened again after a
 * reload, while its views are shown, what adding a visit writes, and how long its exports take.
 */
export const bench: Bench = async ({ browser, url }) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  await page.getByText('Open a study.json').waitFor();
  const json = Buffer.from(largeStudyJson());
  const rows: BenchRow[] = [];
  const table = page.getByRole('region', { name: 'Trials', exact: true });
  rows.push(
    await frameRow(page, `Opening ${(json.length / 1e6).toFixed(0)} MB of study.json`, async () => {
      await pick(page, 'Open a study.json', 'study.json', json);
      await table.waitFor();
    }),
  );
  for (const view of ['Compare', 'Devices', 'Front'])
    rows.push(
      await frameRow(page, `Showing ${view}`, async () => {
        await page.getByRole('tab', { name: view, exact: true }).click();
        await page.waitForTimeout(1500);
      }),
    );
  for (const file of ['trials.csv', 'samples.csv', 'study.json']) rows.push(await exportRow(page, file));
  await page.waitForFunction(() => document.documentElement.dataset.kept === 'true');
  await page.reload({ waitUntil: 'commit' });
  rows.push(
    await frameRow(page, 'Opening it again after a reload', async () => {
      await table.waitFor({ timeout: 60_000 });
    }),
  );
  await page.getByRole('tab', { name: 'Devices', exact: true }).click();
  rows.push(
    await frameRow(page, 'A second such study, gzipped, beside it', async () => {
      const other = gzipSync(largeStudyJson('other'));
      await pick(page, 'Open study files', 'study.json.gz', other);
      await page
        .getByText('All devices name')
        .or(page.getByText('order'))
        .first()
        .waitFor({ timeout: 60_000 });
    }),
  );
  await page.close();
  return rows;
};

async function pick(page: Page, button: string, name: string, bytes: Buffer): Promise<void> {
  const choosing = page.waitForEvent('filechooser');
  await page.getByText(button).click();
  await (await choosing).setFiles(await onDisk(name, bytes));
}

async function frameRow(page: Page, what: string, work: () => Promise<void>): Promise<BenchRow> {
  const startedMs = performance.now();
  const frames = await framesDuring(page, work);
  const seconds = (performance.now() - startedMs) / 1000;
  const p95 = quantile(frames, 0.95);
  return {
    name: `${what}: ${seconds.toFixed(1)} s, longest frame ${Math.max(...frames).toFixed(0)} ms, p95`,
    value: `${p95.toFixed(1)} ms`,
    target: `< ${LONGEST_FRAME_MS} ms`,
    ok: p95 < LONGEST_FRAME_MS,
  };
}

async function exportRow(page: Page, file: string): Promise<BenchRow> {
  const download = page.waitForEvent('download');
  const startedMs = performance.now();
  await page.getByRole('button', { name: file, exact: true }).click();
  await download;
  const ms = performance.now() - startedMs;
  return {
    name: `${LARGE_STUDY} as ${file}`,
    value: `${ms.toFixed(0)} ms`,
    target: `< ${longestExportMs} ms`,
    ok: ms < longestExportMs,
  };
}
