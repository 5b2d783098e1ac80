import type { CompareApi } from '../protocol/compare-api.ts';
import { type Client, wrapWorker } from './spawn.ts';

/** Starts a worker that compares what two engines compute. */
export function openCompareClient(): Client<CompareApi> {
  const worker = new Worker(new URL('../../workers/compare.ts', import.meta.url), { type: 'module' });
  return wrapWorker<CompareApi>(worker, 'the comparison');
}
