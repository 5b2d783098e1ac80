import { describe, expect, it } from 'vitest';
import { timeParts } from '../../../src/study/breakdown.ts';
import { DEFAULT_SETUP } from '../../../src/study/placement/tiers.ts';
import type { EmulatedTimes, Sample } from '../../../src/study/trial.ts';
import { makeSample, makeTrial } from './trials.ts';

const sum = (parts: readonly { readonly meanMs: number }[]) =>
  parts.reduce((total, { meanMs }) => total + meanMs, 0);

describe('where the time goes', () => {
  it('adds up to the mean of the whole, warm-up apart, whatever exits were taken', () => {
    const samples: Sample[] = [
      makeSample({ segmentMs: [2, 5], computeMs: 7.5, totalMs: 9.25 }),
      makeSample({ segmentMs: [3], computeMs: 3.1, totalMs: 4.85 }),
      makeSample({ segmentMs: [100, 100], computeMs: 200, totalMs: 300, warmUp: true }),
    ];
    const parts = timeParts(makeTrial('E', { samples }));
    expect(parts.map(({ label }) => label)).toEqual([
      'decode',
      'prepare',
      'segment 1',
      'segment 2',
      'between segments',
      'read the answer',
    ]);
    expect(parts.map(({ meanMs }) => Number(meanMs.toFixed(6)))).toEqual([1, 0.5, 2.5, 2.5, 0.3, 0.25]);
    expect(sum(parts)).toBeCloseTo((9.25 + 4.85) / 2, 9);
  });
  it('is told by tier where a placement is emulated', () => {
    const emulated: EmulatedTimes = {
      decodeMs: 1,
      preprocessMs: 2,
      computeMs: 7,
      tierMs: [3, 4],
      transferBytes: 100,
      transferMs: 5,
      postprocessMs: 0.5,
      totalMs: 15.5,
    };
    const trial = makeTrial('P', { samples: [makeSample({ segmentMs: [3, 16], computeMs: 19, emulated })] });
    const placement = { name: 'mobile-edge', sends: 'encoded-image', setup: DEFAULT_SETUP } as const;
    const placed = { ...trial, strategy: { ...trial.strategy, placement } };
    const parts = timeParts(placed);
    expect(parts.map(({ label }) => label).slice(2, 5)).toEqual([
      'compute on mobile',
      'compute on edge',
      'send',
    ]);
    expect(sum(parts)).toBe(15.5);
    const { tierMs: _unknown, ...earlier } = emulated;
    expect(sum(timeParts({ ...placed, samples: [makeSample({ emulated: earlier })] }))).toBe(15.5);
  });
  it('is not told where nothing was timed', () => {
    expect(timeParts(makeTrial('none'))).toEqual([]);
  });
});
