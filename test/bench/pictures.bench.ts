import type { Page } from '@playwright/test';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { framesDuring, LONGEST_FRAME_MS } from './canvas-page.ts';
import { largeStudyJson, onDisk } from './large-study.ts';

const longestExportMs = 2000;

/** Frames while each picture of a very large study is made, and how long its files and `samples.csv` take. */
export const bench: Bench = async ({ browser, url }) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const choosing = page.waitForEvent('filechooser');
  await page.getByText('Open a study.json').click();
  const path = await onDisk('study.json', Buffer.from(largeStudyJson()));
  await (await choosing).setFiles(path);
  await page.getByRole('tab', { name: 'Pictures' }).click();
  const chooser = page.getByRole('group', { name: 'Picture' });
  await chooser.waitFor();
  const rows: BenchRow[] = [];
  for (const name of await chooser.getByRole('button').allInnerTexts()) {
    const frames = await framesDuring(page, async () => {
      await chooser.getByRole('button', { name, exact: true }).click();
      await page.locator('figure svg, figure [role="alert"]').first().waitFor();
    });
    const p95 = quantile(frames, 0.95);
    rows.push({
      name: `${name}: p95 of ${frames.length} frames, longest ${Math.max(...frames).toFixed(0)} ms`,
      value: `${p95.toFixed(1)} ms`,
      target: `< ${LONGEST_FRAME_MS} ms`,
      ok: p95 < LONGEST_FRAME_MS,
    });
    for (const format of ['SVG', 'PNG', 'CSV']) rows.push(await exportRow(page, name, format));
  }
  await page.getByRole('tab', { name: 'Front' }).click();
  for (const file of ['trials.csv', 'samples.csv']) rows.push(await exportRow(page, 'All samples', file));
  await page.close();
  return rows;
};

async function exportRow(page: Page, what: string, button: string): Promise<BenchRow> {
  const download = page.waitForEvent('download');
  const startedMs = performance.now();
  await page
    .getByRole('button', { name: new RegExp(`${button}$`) })
    .first()
    .click();
  await download;
  const ms = performance.now() - startedMs;
  return {
    name: `${what} as ${button}`,
    value: `${ms.toFixed(0)} ms`,
    target: `< ${longestExportMs} ms`,
    ok: ms < longestExportMs,
  };
}
