import { gzipSync } from 'node:zlib';
import type { Browser, Page } from '@playwright/test';
import type { Bench, BenchRow } from './bench.ts';

const WANTED_FRONT_S = 60;
const WANTED_SCRIPT_KB = 350;
const LONG_TASK_MS = 50;

/** A first visit, no choices made: what is loaded before the graph, the time to the first front, long tasks meanwhile. */
export const bench: Bench = async ({ browser, url }) => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await noteLongTasks(page);
  await noteScriptsBeforeGraph(page);
  const startedAtMs = Date.now();
  await page.goto(url);
  await page.getByTestId('graph-canvas').waitFor();
  const graphS = (Date.now() - startedAtMs) / 1000;
  // A person looks before pressing.
  await page.waitForTimeout(3000);
  const startTasks = await longTasksSoFar(page);
  await page.getByRole('button', { name: 'Measure on this device' }).first().click();
  const pause = page.getByRole('button', { name: 'Pause' }).first();
  await pause.waitFor();
  await pause.waitFor({ state: 'detached', timeout: 300_000 });
  const frontS = (Date.now() - startedAtMs) / 1000;
  const longTasks = await longTasksSoFar(page);
  const scripts = await page.evaluate(() => (window as unknown as { scripts: string[] }).scripts);
  const bodies = await Promise.all(scripts.map(async (script) => (await page.request.get(script)).body()));
  const scriptKb = bodies.reduce((sum, body) => sum + gzipSync(body).byteLength, 0) / 1000;
  await context.close();
  const phoneTasks = await longTasksOnPhone(browser, url);
  return [
    { name: 'first visit to graph on screen', value: `${graphS.toFixed(1)} s`, target: '', ok: true },
    {
      name: 'first visit to the finished bundled study',
      value: `${frontS.toFixed(1)} s`,
      target: `< ${WANTED_FRONT_S} s`,
      ok: frontS < WANTED_FRONT_S,
    },
    {
      name: `script before the graph, gzipped (${scripts.length} files)`,
      value: `${scriptKb.toFixed(0)} kB`,
      target: `< ${WANTED_SCRIPT_KB} kB`,
      ok: scriptKb < WANTED_SCRIPT_KB,
    },
    longTaskRow('while the lab starts', startTasks),
    longTaskRow('while it starts on a phone', phoneTasks),
    longTaskRow('while the study runs', longTasks),
  ];
};

/** The start alone, at a phone's size. */
async function longTasksOnPhone(browser: Browser, url: string): Promise<readonly number[]> {
  const context = await browser.newContext({
    viewport: { width: 390, height: 844 },
    hasTouch: true,
    isMobile: true,
  });
  const page = await context.newPage();
  await noteLongTasks(page);
  await page.goto(url);
  await page.getByTestId('graph-canvas').waitFor();
  await page.waitForTimeout(3000);
  const tasks = await longTasksSoFar(page);
  await context.close();
  return tasks;
}

/** In the page, at the moment that the graph is there: told from outside, what is loaded right after it counts, too. */
async function noteScriptsBeforeGraph(page: Page): Promise<void> {
  await page.addInitScript(() => {
    new MutationObserver((_changes, observer) => {
      if (!document.querySelector('[data-testid="graph-canvas"]')) return;
      observer.disconnect();
      const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
      const scripts = loaded.filter((name) => new URL(name).pathname.endsWith('.js'));
      Object.assign(window, { scripts: [...new Set(scripts)] });
    }).observe(document, { childList: true, subtree: true });
  });
}

async function noteLongTasks(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const longTasks: number[] = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) longTasks.push(entry.duration);
    }).observe({ type: 'longtask', buffered: true });
    Object.assign(window, { longTasks });
  });
}

/** Durations in milliseconds since the last time this was asked. */
function longTasksSoFar(page: Page): Promise<readonly number[]> {
  return page.evaluate(() => (window as unknown as { longTasks: number[] }).longTasks.splice(0));
}

function longTaskRow(when: string, tasks: readonly number[]): BenchRow {
  const worstMs = Math.max(0, ...tasks);
  return {
    name: `long tasks ${when} (${tasks.length}), worst`,
    value: `${worstMs.toFixed(0)} ms`,
    target: `none over ${LONG_TASK_MS} ms`,
    ok: worstMs <= LONG_TASK_MS,
  };
}
