import { csvText } from './csv-text.ts';
import type { LearnedThresholds } from './learn-thresholds.ts';
import type { ThresholdOutcome } from './thresholds.ts';

/**
 * thresholds.csv: what thresholds give. A row for each outcome: `set` says of which images (all, or the halves they
 * were learned and tested on), `threshold_N` is empty where nothing leaves at exit N, `share_N` is the share of the
 * images that does. Exits count from 1.
 */
export function thresholdsCsv(
  swept: readonly ThresholdOutcome[],
  learned: readonly LearnedThresholds[],
): string {
  const rows = [
    ...swept.map((outcome) => ({ origin: 'one for all exits', set: 'all', outcome })),
    ...learned.flatMap(({ validation, test }) => [
      { origin: 'learned', set: 'validation', outcome: validation },
      { origin: 'learned', set: 'test', outcome: test },
    ]),
  ];
  const exits = rows[0]?.outcome.shares.length ?? 0;
  const numbered = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, exit) => `${name}_${exit + 1}`);
  const header = [
    'origin',
    'set',
    ...numbered('threshold', exits - 1),
    'images',
    'accuracy',
    'latency_mean_ms',
    ...numbered('share', exits),
  ];
  const lines = rows.map(({ origin, set, outcome }) => [
    origin,
    set,
    ...outcome.thresholds.map((threshold) => (Number.isFinite(threshold) ? threshold : null)),
    outcome.images,
    Number.isFinite(outcome.accuracy) ? outcome.accuracy : null,
    outcome.latencyMs,
    ...outcome.shares,
  ]);
  return csvText([header, ...lines]);
}
