import { nextTask } from '../next-task.ts';

/** Progress is told at most this often, so that messages do not slow the work. */
const intervalMs = 100;

/** Tells progress now and then; the worker's waiting messages have their turn whenever it does. */
export function nowAndThen(onProgress: (done: number) => void): (done: number) => Promise<void> {
  let toldMs = performance.now();
  return async (done) => {
    const nowMs = performance.now();
    if (nowMs - toldMs < intervalMs) return;
    toldMs = nowMs;
    onProgress(done);
    await nextTask();
  };
}
