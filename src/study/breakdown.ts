import { isEmulatedTrial, timedSamples } from './metrics.ts';
import { tiersOfPlacement } from './placement/tiers.ts';
import type { Sample, Trial } from './trial.ts';

/** A part of the way from an image file to its answer. */
export interface TimePart {
  readonly kind: 'decode' | 'preprocess' | 'compute' | 'decide' | 'transfer' | 'postprocess';
  /** For people; parts that compute say which segment or tier. */
  readonly label: string;
  /** Mean over all timed inferences; a segment that an exit left out counts as zero there. */
  readonly meanMs: number;
}

/**
 * Where the time of a trial's inferences goes, from decode to answer: means, because they add up to the mean of the
 * whole. Computing is told by segment, and where a placement is emulated by tier.
 * @returns in order; empty if nothing was timed
 */
export function timeParts(trial: Trial): readonly TimePart[] {
  const samples = timedSamples(trial);
  if (samples.length === 0) return [];
  const mean = (part: (sample: Sample) => number): number =>
    samples.reduce((sum, sample) => sum + part(sample), 0) / samples.length;
  const step = (kind: TimePart['kind'], label: string, part: (sample: Sample) => number): TimePart => ({
    kind,
    label,
    meanMs: mean(part),
  });
  return isEmulatedTrial(trial) && samples.every(({ emulated }) => emulated)
    ? [
        step('decode', 'decode', ({ emulated }) => emulated?.decodeMs ?? 0),
        step('preprocess', 'prepare', ({ emulated }) => emulated?.preprocessMs ?? 0),
        ...tierSteps(trial, samples, step),
        step('transfer', 'send', ({ emulated }) => emulated?.transferMs ?? 0),
        step('postprocess', 'read the answer', ({ emulated }) => emulated?.postprocessMs ?? 0),
      ]
    : [
        step('decode', 'decode', ({ decodeMs }) => decodeMs),
        step('preprocess', 'prepare', ({ preprocessMs }) => preprocessMs),
        ...segmentSteps(samples, step),
        step('postprocess', 'read the answer', ({ postprocessMs }) => postprocessMs),
      ];
}

type Step = (kind: TimePart['kind'], label: string, part: (sample: Sample) => number) => TimePart;

function segmentSteps(samples: readonly Sample[], step: Step): readonly TimePart[] {
  const count = Math.max(...samples.map(({ segmentMs }) => segmentMs.length));
  if (count <= 1) return [step('compute', 'compute', ({ computeMs }) => computeMs)];
  const inSegments = (sample: Sample) => sample.segmentMs.reduce((sum, ms) => sum + ms, 0);
  return [
    ...Array.from({ length: count }, (_, segment) =>
      step('compute', `segment ${segment + 1}`, ({ segmentMs }) => segmentMs[segment] ?? 0),
    ),
    step('decide', 'between segments', (sample) => Math.max(0, sample.computeMs - inSegments(sample))),
  ];
}

function tierSteps(trial: Trial, samples: readonly Sample[], step: Step): readonly TimePart[] {
  const { placement } = trial.strategy;
  const tiers = placement ? tiersOfPlacement(placement.name) : [];
  const isTold = samples.every(({ emulated }) => emulated?.tierMs?.length === tiers.length);
  // Studies of earlier versions tell the sum alone.
  if (!isTold) return [step('compute', 'compute', ({ emulated }) => emulated?.computeMs ?? 0)];
  return tiers.map((tier, at) =>
    step('compute', `compute on ${tier}`, ({ emulated }) => emulated?.tierMs?.[at] ?? 0),
  );
}
