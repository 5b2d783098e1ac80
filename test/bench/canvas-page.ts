import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from '@playwright/test';

/** Two frames of a 60 Hz screen. */
export const LONGEST_FRAME_MS = 34;

/** The gallery's models, by file name. */
export function galleryFiles(projectRoot: string): readonly string[] {
  return readdirSync(join(projectRoot, 'public/samples/zoo')).filter((file) => file.endsWith('.onnx'));
}

/** Opens a gallery model as a person would who drops its file on the page. */
export async function dropModel(page: Page, fileName: string): Promise<void> {
  await page.getByTestId('graph-canvas').waitFor();
  await page.evaluate(async (name) => {
    const response = await fetch(`samples/zoo/${name}`);
    const dropped = new DataTransfer();
    dropped.items.add(new File([await response.arrayBuffer()], name));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document.body.dispatchEvent(
        new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: dropped }),
      );
    }
  }, fileName);
  const shownName = fileName.replace('.onnx', '');
  await page.getByRole('button', { name: new RegExp(`^Model: ${shownName}`) }).waitFor();
  await page.getByRole('button', { name: /^unfold all/ }).waitFor();
}

/** Times between the frames that the page draws during some work, in milliseconds. */
export async function framesDuring(page: Page, work: () => Promise<void>): Promise<readonly number[]> {
  await page.evaluate(() => {
    // A method, since the compiler that runs this file wraps named functions in a helper the page lacks.
    const recorder = {
      frames: [] as number[],
      last: performance.now(),
      tick(this: void): void {
        // The clock, not the frame's nominal time, which hides a late start.
        const now = performance.now();
        recorder.frames.push(now - recorder.last);
        recorder.last = now;
        if (page.benchFrames === recorder.frames) requestAnimationFrame(recorder.tick);
      },
    };
    const page = Object.assign(window, { benchFrames: recorder.frames });
    requestAnimationFrame(recorder.tick);
  });
  await work();
  const frames = await page.evaluate(() => (window as unknown as { benchFrames: number[] }).benchFrames);
  return frames.slice(2);
}

/**
 * Processor time of the tasks of the page's main thread during some work, in milliseconds: unlike the wall's time it
 * is the page's own, whatever else the machine does.
 */
export async function tasksDuring(
  browser: Browser,
  page: Page,
  work: () => Promise<void>,
): Promise<readonly number[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'blink.user_timing'] });
  await page.evaluate((mark) => performance.mark(mark), WORK_MARK);
  await work();
  const { traceEvents } = JSON.parse(String(await browser.stopTracing())) as { traceEvents: TraceEvent[] };
  const threadOf = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(threadOf),
  );
  // Starting to trace is a long task of its own.
  const fromUs = traceEvents.find(({ name }) => name === WORK_MARK)?.ts ?? 0;
  const byThread = new Map<string, number[]>();
  for (const event of traceEvents) {
    const thread = threadOf(event);
    if (event.ph !== 'X' || event.ts < fromUs) continue;
    if (!main.has(thread) || !event.name.endsWith('RunTask')) continue;
    byThread.set(thread, [...(byThread.get(thread) ?? []), (event.tdur ?? 0) / 1000]);
  }
  // Other renderers idle; the page is the one that worked.
  const sumOf = (tasks: readonly number[]): number => tasks.reduce((sum, ms) => sum + ms, 0);
  const [busiest = []] = [...byThread.values()].toSorted((a, b) => sumOf(b) - sumOf(a));
  return busiest;
}

const WORK_MARK = 'traced work';

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  /** Start, in microseconds. */
  readonly ts: number;
  /** Processor time of the thread, in microseconds. */
  readonly tdur?: number;
  readonly args?: { readonly name?: string };
}
