import type { Page } from '@playwright/test';
import { quantile, type Bench } from './bench.ts';
import { dropModel, framesDuring, galleryFiles, LONGEST_FRAME_MS } from './canvas-page.ts';

/** Frame times while the graph of each gallery model, everything unfolded, is panned and zoomed. */
export const bench: Bench = async ({ browser, url, projectRoot }) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const rows = [];
  for (const fileName of galleryFiles(projectRoot)) {
    await dropModel(page, fileName);
    await page.getByRole('button', { name: /^unfold all/ }).click();
    await page.getByRole('button', { name: /^fold all/ }).waitFor();
    const frames = await framesDuring(page, () => panAndZoom(page));
    const p95 = quantile(frames, 0.95);
    rows.push({
      name: `pan and zoom ${fileName.replace('.onnx', '')}, p95 frame of ${frames.length}`,
      value: `${p95.toFixed(1)} ms`,
      target: `< ${LONGEST_FRAME_MS} ms`,
      ok: p95 < LONGEST_FRAME_MS,
    });
  }
  await page.close();
  return rows;
};

/** At readable size, then from afar, then in and out between the two. */
async function panAndZoom(page: Page): Promise<void> {
  const canvas = await page.getByTestId('graph-canvas').boundingBox();
  if (!canvas) throw new Error('the graph is not on screen');
  const x = canvas.x + 40;
  const y = canvas.y + canvas.height / 2;
  const pan = async (): Promise<void> => {
    await page.mouse.move(x, y);
    await page.mouse.down();
    for (let i = 0; i < 60; i++)
      await page.mouse.move(x + 30 * Math.sin(i / 9), y + 0.4 * canvas.height * Math.sin(i / 7));
    await page.mouse.up();
  };
  const zoom = async (steps: number, delta: number): Promise<void> => {
    await page.mouse.move(x + canvas.width / 2, y);
    for (let i = 0; i < steps; i++) await page.mouse.wheel(0, delta);
  };
  await pan();
  await zoom(20, 150);
  await pan();
  await zoom(20, -150);
  await zoom(20, 150);
}
