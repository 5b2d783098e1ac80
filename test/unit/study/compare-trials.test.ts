import { describe, expect, it } from 'vitest';
import { comparisonText, differenceText, expectationTexts } from '../../../src/study/compare-trials.ts';
import { measuredTrial } from './trials.ts';

const exactly = (value: number) => ({ value, low: value, high: value });

describe('comparing two trials', () => {
  it('tells factors of speed, points of shares, percents of the rest', () => {
    expect(differenceText('latencyMedianMs', exactly(10), exactly(4))).toBe('2.50 × as fast');
    expect(differenceText('latencyMedianMs', exactly(4), exactly(10))).toBe('2.50 × as slow');
    expect(differenceText('accuracyTop1', exactly(0.9), exactly(0.875))).toBe('−2.5 points');
    expect(differenceText('rawBytes', exactly(200), exactly(50))).toBe('−75.0 %');
    expect(differenceText('rawBytes', exactly(0), exactly(50))).toBeNull();
    expect(differenceText('rawBytes', null, exactly(50))).toBeNull();
  });
  it('does not call different what the intervals cannot tell apart', () => {
    const identity = measuredTrial('identity', 10, 90);
    const clear = comparisonText(identity, measuredTrial('QE', 5, 50), 'accuracyTop1');
    expect(clear).toContain('QE is 2.00 × as fast as identity');
    expect(clear).toContain('40.0 points lower.');
    const unclear = comparisonText(identity, measuredTrial('Q', 10.2, 88), 'accuracyTop1');
    expect(unclear).toContain('about as fast as identity');
    expect(unclear).toContain('2.0 points lower; the intervals overlap');
  });
  it('tells on how many images the answers and the exits are the same', () => {
    const trial = (top1: readonly number[], exitIndex: readonly (number | null)[]) => ({
      ...measuredTrial('E', 10, 90),
      predictions: {
        imageIndices: top1.map((_, image) => image),
        top1,
        top5: top1.map((best) => [best]),
        confidence: top1.map(() => 0.5),
        exitIndex,
      },
    });
    const segments = trial([1, 2, 3], [0, 1, 1]);
    expect(comparisonText(segments, segments, 'accuracyTop1')).toContain(
      'the same answer for all 3 images, and take the same exit for all 3 images.',
    );
    expect(comparisonText(segments, trial([1, 2, 4], [0, 0, 0]), 'accuracyTop1')).toContain(
      'the same answer for 2 of 3 images, and take the same exit for 1 of 3 images.',
    );
    expect(comparisonText(segments, trial([1, 2, 3], [null, null, null]), 'accuracyTop1')).toMatch(
      /the same answer for all 3 images\.$/,
    );
  });
  it('puts what was expected beside what was measured', () => {
    const predicted = { latencyMeanMs: 8, accuracyTop1: 0.95, agreement: null };
    expect(expectationTexts({ ...measuredTrial('E', 10, 90), predicted })).toEqual([
      'median latency: 8.00 ms expected, 10.0 ms measured (+25.0 %)',
      'top-1 accuracy: 95.0 % expected, 90.0 % measured (−5.0 points)',
    ]);
    expect(expectationTexts(measuredTrial('E', 10, 90))).toEqual([]);
  });
});
