import type { Result } from '../base/result.ts';
import type { DeviceReport } from '../study/compare/compare-devices.ts';
import type { StrategyFacts } from '../study/compare/strategy-facts.ts';
import type { AxisId } from '../study/metrics.ts';
import type { AdviceForAll } from '../study/recommend/across-devices.ts';
import type { Limits, Wish } from '../study/recommend/wishes.ts';
import type { Adjustment } from '../study/statistics/adjust.ts';

/**
 * Served by `workers/statistics.ts` (implementation `src/engine/statistics-service.ts`): what takes long to tell of
 * many trials.
 */
export interface StatisticsApi {
  /** See `compareDevices`. */
  compare(
    facts: readonly StrategyFacts[],
    adjustment: Adjustment,
    quality: AxisId | null,
  ): Promise<Result<readonly DeviceReport[]>>;
  /** See `recommendForAll`. */
  advise(facts: readonly StrategyFacts[], limits: Limits, wish: Wish): Promise<Result<AdviceForAll>>;
}
