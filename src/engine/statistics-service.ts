import { attempt } from '../base/result.ts';
import type { StatisticsApi } from '../protocol/statistics-api.ts';
import { compareDevices } from '../study/compare/compare-devices.ts';
import { recommendForAll } from '../study/recommend/across-devices.ts';

/** Statistics of trials, off the page's thread. */
export function createStatisticsService(): StatisticsApi {
  return {
    compare: (facts, adjustment, quality) => attempt(() => compareDevices(facts, adjustment, quality)),
    advise: (facts, limits, wish) => attempt(() => recommendForAll(facts, limits, wish)),
  };
}
