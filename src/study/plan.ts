import { seededRandom, shuffled } from '../base/random.ts';
import type { Protocol } from './trial.ts';

/** How carefully to measure. `quick` gives a first front within a minute on the bundled model. */
export const PROTOCOLS: { readonly quick: Protocol; readonly standard: Protocol } = {
  quick: {
    name: 'quick',
    warmUpRuns: 5,
    rounds: 5,
    samplesPerRound: 10,
    accuracyImages: 500,
    seed: 1,
  },
  standard: {
    name: 'standard',
    warmUpRuns: 10,
    rounds: 20,
    samplesPerRound: 15,
    accuracyImages: null,
    seed: 1,
  },
};

/** One visit of a strategy: timed inferences over these images, in this order. */
export interface Visit {
  readonly round: number;
  readonly strategyId: string;
  readonly imageIndices: readonly number[];
}

/**
 * All timed inferences of a study, in order. Within a round every strategy is visited once, in an order drawn
 * anew, so that drift and throttling hit all alike; all see the same images in a round, so that differences are
 * paired. The same arguments give the same plan, which is how an interrupted study finds its place.
 * @param imageCount images to draw from; at least 1
 */
export function planRounds(
  protocol: Protocol,
  strategyIds: readonly string[],
  imageCount: number,
): readonly Visit[] {
  // Two sources, so that strategies added later see the same images as those before them.
  const imageRandom = seededRandom(protocol.seed);
  const orderRandom = seededRandom(protocol.seed ^ 0x0bde7);
  const visits: Visit[] = [];
  for (let round = 0; round < protocol.rounds; round++) {
    const imageIndices = Array.from({ length: protocol.samplesPerRound }, () =>
      Math.floor(imageRandom() * imageCount),
    );
    for (const strategyId of shuffled(strategyIds, orderRandom))
      visits.push({ round, strategyId, imageIndices });
  }
  return visits;
}

/** Images of the accuracy pass, ascending: all, or a sample without repetition; the same for every strategy. */
export function accuracyImages(protocol: Protocol, imageCount: number): readonly number[] {
  const all = Array.from({ length: imageCount }, (_, index) => index);
  const wanted = protocol.accuracyImages ?? imageCount;
  if (wanted >= imageCount) return all;
  // A seed of its own, so that changing the rounds does not change the images.
  return shuffled(all, seededRandom(protocol.seed ^ 0x5eed))
    .slice(0, wanted)
    .sort((a, b) => a - b);
}

/** Images to warm up with, repeated as needed. */
export function warmUpImages(protocol: Protocol, imageCount: number): readonly number[] {
  return Array.from({ length: protocol.warmUpRuns }, (_, run) => run % imageCount);
}
