import type { AxisId } from '../metrics.ts';
import type { Adjustment } from '../statistics/adjust.ts';
import type { CliffsDelta } from '../statistics/cliffs-delta.ts';
import { type Comparison, type Comparisons, compareStrategies } from './compare-strategies.ts';
import { type FrontProbability, frontProbabilities } from './front-probability.ts';
import { type PaperPair, type PaperTests, paperTests } from './paper-tests.ts';
import type { StrategyFacts } from './strategy-facts.ts';

/** What the trials of one device tell of each other. */
export interface DeviceReport {
  readonly deviceId: string;
  readonly deviceName: string;
  readonly compared: Comparisons;
  readonly papers: PaperTests;
  /** Over `frontAxes`. */
  readonly front: readonly FrontProbability[];
  readonly frontAxes: readonly AxisId[];
}

/**
 * Compares strategies device by device: latencies of different devices are not comparable.
 * @param quality what the front is drawn over beside the median latency; null: nothing is known of answers
 */
export function compareDevices(
  all: readonly StrategyFacts[],
  adjustment: Adjustment,
  quality: AxisId | null,
): readonly DeviceReport[] {
  const frontAxes: readonly AxisId[] = ['latencyMedianMs', quality ?? 'rawBytes'];
  return [...new Set(all.map(({ deviceId }) => deviceId))].map((deviceId) => {
    const facts = all.filter((each) => each.deviceId === deviceId);
    return {
      deviceId,
      deviceName: facts[0]?.deviceName ?? '',
      compared: compareStrategies(facts, { adjustment }),
      papers: paperTests(facts, adjustment),
      front: frontProbabilities(facts, frontAxes),
      frontAxes,
    };
  });
}

/** What the papers' tests say of a pair, told from its first strategy; null if they say nothing. */
export function paperPairOf({ a, b }: Comparison, { pairs }: PaperTests): PaperPair | null {
  if (!pairs.ok) return null;
  const found = pairs.value.find(
    (pair) =>
      (pair.a === a.trialId && pair.b === b.trialId) || (pair.a === b.trialId && pair.b === a.trialId),
  );
  if (!found || found.a === a.trialId) return found ?? null;
  return { ...found, a: found.b, b: found.a, t: -found.t, cliff: found.cliff && turned(found.cliff) };
}

function turned({ delta, low, high, magnitude }: CliffsDelta): CliffsDelta {
  return { delta: -delta, low: -high, high: -low, magnitude };
}
