import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { fullSizeFile } from './full-size-file.ts';

const WANTED_MS = 600;
const WANTED_MB = 150;
const MODELS = ['resnet152', 'densenet201', 'wide_resnet101_2'];
const RUNS = 3;

/** From handing over a full-size file to its graph on screen, and the page's memory meanwhile. */
export const bench: Bench = async ({ browser, url, projectRoot }) => {
  const rows: BenchRow[] = [];
  for (const name of MODELS) {
    const file = fullSizeFile(projectRoot, name);
    const openMs: number[] = [];
    const extraMb: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
      const page = await context.newPage();
      await page.goto(url);
      await page.getByTestId('graph-canvas').waitFor();
      await page.getByRole('button', { name: /^Model: / }).click();
      // The first visit's own work is over: images read, service worker settled.
      await page.waitForTimeout(4000);
      await watchOpening(page, name);
      const idleMb = rendererMb() ?? 0;
      let peakMb = idleMb;
      const sampler = setInterval(() => (peakMb = Math.max(peakMb, rendererMb() ?? 0)), 100);
      await page.locator('dialog input[type=file]').first().setInputFiles(file);
      const ms = await page.evaluate(() => (window as unknown as { opened: Promise<number> }).opened);
      await page.waitForTimeout(2000);
      clearInterval(sampler);
      openMs.push(ms);
      if (idleMb > 0) extraMb.push(peakMb - idleMb);
      await context.close();
    }
    const medianMs = quantile(openMs, 0.5);
    rows.push({
      name: `open ${name}, file to graph painted (median of ${RUNS})`,
      value: `${medianMs.toFixed(0)} ms`,
      target: `< ${WANTED_MS} ms`,
      ok: medianMs < WANTED_MS,
    });
    if (extraMb.length > 0) {
      const medianMb = quantile(extraMb, 0.5);
      rows.push({
        name: `open ${name}, renderer memory above idle, peak until 2 s after`,
        value: `${medianMb.toFixed(0)} MB`,
        target: `< ${WANTED_MB} MB`,
        ok: medianMb < WANTED_MB,
      });
    }
  }
  return rows;
};

/** Arms the page's own clock: from the picker's change event to the frame after the graph's boxes are there. */
async function watchOpening(page: Page, name: string): Promise<void> {
  await page.evaluate((wanted) => {
    const opened = new Promise<number>((resolve) => {
      document.addEventListener(
        'change',
        () => {
          const startedAtMs = performance.now();
          const check = {
            tick(): void {
              const shown = document.querySelector(`button[aria-label^="Model: ${wanted}"]`);
              const painted = document.querySelector(
                `[data-testid="graph-canvas"][data-model="${wanted}.onnx"]`,
              );
              if (shown && painted) {
                // The frame after next has certainly put on screen what is in the document now.
                requestAnimationFrame(() =>
                  requestAnimationFrame(() => resolve(performance.now() - startedAtMs)),
                );
              } else requestAnimationFrame(() => check.tick());
            },
          };
          requestAnimationFrame(() => check.tick());
        },
        { capture: true, once: true },
      );
    });
    Object.assign(window, { opened });
  }, name);
}

/** Proportional memory of all renderer processes of this machine's browser, in MB; null where /proc has none. */
function rendererMb(): number | null {
  if (!existsSync('/proc/self/smaps_rollup')) return null;
  let kilobytes = 0;
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer')) continue;
      const pss = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
      kilobytes += Number(pss?.[1] ?? 0);
    } catch {
      // The process ended while it was being read.
    }
  }
  return kilobytes / 1000;
}
