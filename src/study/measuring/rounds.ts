import { latencyMsOf, timedSamples } from '../metrics.ts';
import { medianOf } from '../statistics/summary.ts';
import type { Sample, Trial } from '../trial.ts';

/** The median of what a strategy took in a round. */
export interface RoundMedian {
  readonly round: number;
  readonly medianMs: number;
}

/**
 * Median latency of each round, ascending: the rounds are what repeats independently, since samples of one visit are
 * alike.
 * @param valueOf what to take of a sample instead of its latency
 */
export function roundMedians(
  trial: Trial,
  valueOf: (sample: Sample) => number = latencyMsOf,
): readonly RoundMedian[] {
  const rounds = new Map<number, number[]>();
  for (const sample of timedSamples(trial)) {
    const values = rounds.get(sample.round);
    if (values) values.push(valueOf(sample));
    else rounds.set(sample.round, [valueOf(sample)]);
  }
  return [...rounds]
    .map(([round, values]) => ({ round, medianMs: medianOf(values) }))
    .sort((a, b) => a.round - b.round);
}
