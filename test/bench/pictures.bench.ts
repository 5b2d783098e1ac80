import type { Page } from '@playwright/test';
import { seededRandom } from '../../src/base/random.ts';
import { serialiseStudy } from '../../src/study/study-json.ts';
import { makeSample, makeStudy, makeTrial } from '../unit/study/trials.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { framesDuring, LONGEST_FRAME_MS } from './canvas-page.ts';

const strategies = 24;
const samplesEach = 10_000;
const longestExportMs = 2000;

/** Frames while each picture of a very large study is made, and how long its files and `samples.csv` take. */
export const bench: Bench = async ({ browser, url }) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const choosing = page.waitForEvent('filechooser');
  await page.getByText('Open a study.json').click();
  const buffer = Buffer.from(largeStudy());
  await (await choosing).setFiles({ name: 'study.json', mimeType: 'application/json', buffer });
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

/** A study.json of lognormal-like latencies, one in fifty disturbed. */
function largeStudy(): string {
  const random = seededRandom(1);
  const trials = Array.from({ length: strategies }, (_, strategy) =>
    makeTrial(`strategy ${strategy}`, {
      samples: Array.from({ length: samplesEach }, (__, round) => {
        const spread = Math.exp(0.1 * (random() + random() + random() - 1.5));
        const computeMs = (3 + strategy) * spread * (random() < 0.02 ? 2.5 : 1);
        const sequence = round * strategies + strategy;
        return makeSample({
          round,
          sequence,
          startedAtMs: 1_700_000_000_000 + 30 * sequence,
          computeMs,
          segmentMs: [computeMs],
          totalMs: computeMs + 1.75,
        });
      }),
      accuracy: {
        images: 1000,
        labelledImages: 1000,
        top1Correct: 600 + 10 * strategy,
        top5Correct: null,
        agreeing: 700 + 10 * strategy,
      },
    }),
  );
  return serialiseStudy(makeStudy(trials));
}
