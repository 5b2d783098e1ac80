import fc from 'fast-check';
import { expect, it } from 'vitest';
import { packSamples, unpackSamples } from '../../../src/study/packed-samples.ts';
import { makeSample } from './trials.ts';

const time = fc.double({ min: 0, max: 1e9, noNaN: true });
const emulated = fc.record({
  decodeMs: time,
  preprocessMs: time,
  computeMs: time,
  transferBytes: fc.nat(),
  transferMs: time,
  postprocessMs: time,
  totalMs: time,
});
const sample = fc
  .record(
    {
      round: fc.nat(),
      sequence: fc.nat(),
      startedAtMs: fc.double({ min: 0, max: 4e12, noNaN: true }),
      warmUp: fc.boolean(),
      reference: fc.constant(true as const),
      segmentMs: fc.array(time, { maxLength: 5 }),
      computeMs: time,
      exitIndex: fc.option(fc.nat({ max: 1e6 })),
      emulated,
    },
    { requiredKeys: ['round', 'sequence', 'startedAtMs', 'warmUp', 'segmentMs', 'computeMs', 'exitIndex'] },
  )
  .map((change) => makeSample(change));

it('gives back the samples that were packed', () => {
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
      expect(unpackSamples(packSamples(samples))).toEqual(samples);
    }),
  );
});
