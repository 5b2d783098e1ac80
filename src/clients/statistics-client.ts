import type { StatisticsApi } from '../protocol/statistics-api.ts';
import { type Client, wrapWorker } from './spawn.ts';

/** Starts a worker for statistics of many trials. */
export function openStatisticsClient(): Client<StatisticsApi> {
  const worker = new Worker(new URL('../../workers/statistics.ts', import.meta.url), { type: 'module' });
  return wrapWorker<StatisticsApi>(worker, 'the statistics');
}
