import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CONFIDENCE_MEASURES, confidenceOf } from '../../../../src/transforms/exits/confidence.ts';

const logits = fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 2, maxLength: 60 });
const measures = fc.constantFrom(...CONFIDENCE_MEASURES);

function softmax(values: readonly number[]): number[] {
  const exponentials = values.map(Math.exp);
  const sum = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((each) => each / sum);
}

describe('confidenceOf', () => {
  it('is what its definition says, in words of probabilities', () => {
    fc.assert(
      fc.property(logits, (values) => {
        const p = softmax(values).sort((a, b) => b - a) as [number, number, ...number[]];
        const entropy = -p.reduce((sum, each) => sum + (each > 0 ? each * Math.log(each) : 0), 0);
        expect(confidenceOf(values, 'logits')).toBeCloseTo(p[0], 10);
        expect(confidenceOf(values, 'logits', 'max-softmax')).toBeCloseTo(p[0], 10);
        expect(confidenceOf(values, 'logits', 'margin')).toBeCloseTo(p[0] - p[1], 10);
        expect(confidenceOf(values, 'logits', 'entropy')).toBeCloseTo(1 - entropy / Math.log(p.length), 8);
      }),
    );
  });

  it('is the same of logits and of their probabilities, and within 0 and 1', () => {
    fc.assert(
      fc.property(logits, measures, (values, measure) => {
        const sure = confidenceOf(values, 'logits', measure);
        expect(confidenceOf(softmax(values), 'probabilities', measure)).toBeCloseTo(sure, 8);
        expect(sure).toBeGreaterThan(-1e-9);
        expect(sure).toBeLessThan(1 + 1e-9);
      }),
    );
  });

  it.each(CONFIDENCE_MEASURES)('%s grows towards certainty', (measure) => {
    const sure = [0, 1, 2, 4, 8, 16].map((best) => confidenceOf([best, 0, 0, 0], 'logits', measure));
    expect(sure).toEqual(sure.toSorted((a, b) => a - b));
    expect(sure[0]).toBeCloseTo(measure === 'max-softmax' ? 0.25 : 0);
    expect(sure.at(-1)).toBeCloseTo(1, 5);
  });

  it.each(CONFIDENCE_MEASURES)('%s survives extremes and one class', (measure) => {
    expect(confidenceOf([1000, -1000], 'logits', measure)).toBe(1);
    expect(confidenceOf([1, 0, 0], 'probabilities', measure)).toBe(1);
    expect(confidenceOf([3], 'logits', measure)).toBe(1);
    expect(confidenceOf([1, Number.NaN, 0], 'logits', measure)).toBeNaN();
  });
});
