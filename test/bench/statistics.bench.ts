import { type Random, seededRandom } from '../../src/base/random.ts';
import { compareStrategies } from '../../src/study/compare/compare-strategies.ts';
import { frontProbabilities } from '../../src/study/compare/front-probability.ts';
import { adjustPValues } from '../../src/study/statistics/adjust.ts';
import { cliffsDelta } from '../../src/study/statistics/cliffs-delta.ts';
import { conover } from '../../src/study/statistics/conover.ts';
import { kruskalWallis } from '../../src/study/statistics/kruskal-wallis.ts';
import { medianSpeedUp } from '../../src/study/statistics/median-ratio.ts';
import { resampledQuantiles } from '../../src/study/statistics/resampled-quantiles.ts';
import { orThrow } from '../../src/base/result.ts';
import { simulatedFacts, withRight } from '../unit/study/compare/evaluated.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';

const repetitions = 7;

/** Statistics are plain TypeScript, so this needs no page. */
export const bench: Bench = async () => {
  const random = seededRandom(3);
  const study = strategies(24, 500, random);
  const large = strategies(24, 10_000, random);
  const [a, b] = [large[0] as Float64Array, large[1] as Float64Array];
  const points = simulatedFacts(Array.from({ length: 60 }, (_, i) => 10 + i / 10)).map((facts, i) =>
    withRight(
      facts,
      Array.from({ length: 1000 }, () => random() < 0.8 + i / 1000),
    ),
  );
  return [
    row('chance to be on the front of 60 strategies, 20 rounds and 1,000 images', 1000, () =>
      frontProbabilities(points, ['latencyMedianMs', 'accuracyTop1']),
    ),
    row('differences of all pairs of 24 strategies by rounds and images', 200, () =>
      compareStrategies(points.slice(0, 24)),
    ),
    row('Kruskal-Wallis and Conover with Holm, 24 strategies x 500', 100, () => posthoc(study)),
    row('the same, 24 strategies x 10,000', 2000, () => posthoc(large)),
    row("Cliff's delta of every pair, 24 strategies x 500", 500, () => everyPair(study, cliffsDelta)),
    row('median speed-up with interval, 10,000 samples each', 100, () => medianSpeedUp(a, b)),
    row('2,000 bootstrap medians of 60 strategies x 500', 1000, () =>
      strategies(60, 500, random).map((values) => resampledQuantiles(values.sort(), 0.5, 2000, random)),
    ),
  ];
};

/** Latencies with a floor and a long tail, each strategy a little slower than the one before. */
function strategies(count: number, samples: number, random: Random): Float64Array[] {
  return Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length: samples }, () => 5 + i / 20 + 1 / (0.05 + random())),
  );
}

function posthoc(groups: readonly Float64Array[]): number[] {
  orThrow(kruskalWallis(groups));
  return adjustPValues(
    orThrow(conover(groups)).map(({ p }) => p),
    'holm',
  );
}

function everyPair(groups: readonly Float64Array[], compare: (a: Float64Array, b: Float64Array) => unknown) {
  for (const [i, group] of groups.entries()) for (const other of groups.slice(i + 1)) compare(group, other);
}

function row(name: string, targetMs: number, work: () => unknown): BenchRow {
  const times = Array.from({ length: repetitions }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  const medianMs = quantile(times, 0.5);
  return {
    name,
    value: `${medianMs.toFixed(1)} ms (least ${Math.min(...times).toFixed(1)})`,
    target: `< ${targetMs} ms`,
    ok: medianMs < targetMs,
  };
}
