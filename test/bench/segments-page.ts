// Runs in the page, which only starts the worker; the bench serves it where the app's workers are.
import type { SegmentsResult, SegmentsTask } from './segments-worker.ts';

/** Runs a model whole and in four segments, in one worker, taking turns. */
export function compareSegments(task: SegmentsTask): Promise<SegmentsResult> {
  const worker = new Worker('/workers/segments-bench.ts', { type: 'module' });
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<{ result: SegmentsResult } | { error: string }>) => {
      worker.terminate();
      if ('result' in data) resolve(data.result);
      else reject(new Error(data.error));
    };
    worker.onerror = (event) => reject(new Error(event.message));
    worker.postMessage(task);
  });
}
