import { expect, it } from 'vitest';
import { protocolSentence } from '../../../../src/study/measuring/protocol-text.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import type { Protocol } from '../../../../src/study/trial.ts';

const plain: Protocol = {
  name: 'custom',
  warmUpRuns: 100,
  rounds: 5,
  samplesPerRound: 10,
  accuracyImages: null,
  seed: 1,
};

it('tells how a protocol measures, in full', () => {
  expect(protocolSentence(PROTOCOLS.standard)).toBe(
    'Warm-up until latency is steady, 10 to 100 runs, then 20 to 60 rounds of 15 inferences, until the 95 % interval of each median reaches at most 3.0 % to either side or timing took 20 min 0 s; the strategies in a new random order each round; short visits to the unchanged model in between, to see whether the device changes; accuracy on all images.',
  );
  const largest = { kind: 'largest', count: 100 } as const;
  expect(
    protocolSentence({
      ...plain,
      order: 'sequential',
      perRound: 'all-images',
      images: largest,
      accuracyRepetitions: 5,
    }),
  ).toBe(
    '100 warm-up runs, then 5 rounds of the 100 largest images; one strategy after the other; accuracy on all images, 5 times.',
  );
  expect(protocolSentence({ ...plain, sustained: { durationMs: 1_800_000 }, accuracyImages: 50 })).toBe(
    '100 warm-up runs, then 30 min 0 s without rest; one strategy after the other; accuracy on up to 50 images.',
  );
});
