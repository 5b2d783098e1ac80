import type { Locator, Page } from '@playwright/test';
import { quantile, type Bench, type BenchRow } from './bench.ts';
import { dropModel, framesDuring, galleryFiles, LONGEST_FRAME_MS, tasksDuring } from './canvas-page.ts';

/** Longer, and a page does not answer at once. */
const LONGEST_TASK_MS = 50;

/**
 * Frame times and tasks while a cut, a new exit and the ramp past repeated blocks are dragged along the whole graph
 * of each gallery model, with live labels: folded, and with everything unfolded.
 */
export const bench: Bench = async ({ browser, url, projectRoot }) => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await page.goto(url);
  const rows: BenchRow[] = [];
  for (const fileName of galleryFiles(projectRoot)) {
    await dropModel(page, fileName);
    const name = fileName.replace('.onnx', '');
    const frames: number[] = [];
    const tasks: number[] = [];
    const drag = async (): Promise<void> => {
      const work = async () => void frames.push(...(await framesDuring(page, () => dragAll(page))));
      tasks.push(...(await tasksDuring(browser, page, work)));
    };
    await drag();
    await page.getByRole('button', { name: /^unfold all/ }).click();
    await page.getByRole('button', { name: /^fold all/ }).waitFor();
    await drag();
    const p95 = quantile(frames, 0.95);
    rows.push({
      name: `drag on ${name}, p95 frame of ${frames.length}`,
      value: `${p95.toFixed(1)} ms`,
      target: `< ${LONGEST_FRAME_MS} ms`,
      ok: p95 < LONGEST_FRAME_MS,
    });
    const longest = Math.max(...tasks);
    rows.push({
      name: `drag on ${name}, longest task (processor time)`,
      value: `${longest.toFixed(1)} ms`,
      target: `< ${LONGEST_TASK_MS} ms`,
      ok: longest < LONGEST_TASK_MS,
    });
  }
  await page.close();
  return rows;
};

/** All that can be dragged, from afar and at readable size. */
async function dragAll(page: Page): Promise<void> {
  const add = page.getByTestId('add-cut');
  const ramp = page.getByTestId('skip-handle').first();
  if ((await ramp.count()) > 0) await dragBy(page, ramp, [-240, 0]);
  await page.getByRole('button', { name: 'Show the whole graph' }).click();
  await add.click();
  await dragOverPane(page, page.getByTestId('cut-handle'));
  const secondCut = page.getByTestId('second-cut');
  if (await secondCut.isEnabled()) {
    await secondCut.click();
    await dragOverPane(page, page.getByTestId('cut-handle').first());
  }
  for (let click = 0; click < 8; click++) await page.getByRole('button', { name: 'Zoom in' }).click();
  await dragOverPane(page, page.getByTestId('cut-handle').first());
  await page.getByRole('button', { name: 'Show the whole graph' }).click();
  // Pressed again, it takes all cuts away.
  await add.click();
  const newExit = page.getByTestId('add-tap');
  if ((await newExit.count()) > 0) {
    await dragOverPane(page, newExit);
    await page.keyboard.press('Control+z');
  }
}

/** From the top of the graph's pane to its bottom, where the graph moves along for a while, and back. */
async function dragOverPane(page: Page, handle: Locator): Promise<void> {
  const pane = await page.getByTestId('graph-canvas').boundingBox();
  const at = await handle.boundingBox();
  if (!pane || !at) throw new Error('nothing to drag');
  const grabbed = at.y + at.height / 2;
  const bottom = pane.y + pane.height - 10;
  await dragBy(page, handle, [
    pane.y + 60 - grabbed,
    bottom - grabbed,
    bottom + 4 - grabbed,
    pane.y + 80 - grabbed,
  ]);
}

/** Through these heights above and below where it was grabbed. */
async function dragBy(page: Page, handle: Locator, heights: readonly number[]): Promise<void> {
  const at = await handle.boundingBox();
  if (!at) throw new Error('nothing to drag');
  const [x, y] = [at.x + 20, at.y + at.height / 2];
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (const height of heights) await page.mouse.move(x, y + height, { steps: 40 });
  await page.mouse.up();
}
