import { describe, expect, it } from 'vitest';
import { quantizationWarnings } from '../../../../src/transforms/quantize/quantization-warnings.ts';
import { sampleModel } from '../run-variant.ts';

const model = sampleModel('digits');
const coverage = { quantized: 1, grouped: 0, skipped: [], unmatched: [] };
const static8 = { op: 'quantize', mode: 'static' } as const;

describe('what is said of a quantized variant', () => {
  it('tells nodes that stay floats for one kind of reason in one line, however many values lack a range', () => {
    const skipped = Array.from({ length: 40 }, (_, at) => ({
      node: `n${at}`,
      reason: `no finite range of "v${at}" was calibrated`,
    }));
    const other = { node: 'x', reason: 'excluded' };
    expect(
      quantizationWarnings(model, static8, [
        { coverage: { ...coverage, skipped: [...skipped, other] }, opset: 13 },
      ]),
    ).toEqual([
      'Left as floats: n0, n1, n2 and 37 more (no finite range of "v0" was calibrated; likewise for 39 others).',
      'Left as floats: x (excluded).',
    ]);
  });

  it('tells operators without a quantized form in one line, however many there are', () => {
    const skipped = [
      ...Array.from({ length: 30 }, (_, at) => ({ node: `e${at}`, reason: 'Erf has no quantized form' })),
      { node: 'if', reason: 'a layer in a graph of its own stays float32' },
      { node: 's', reason: 'Sub has no quantized form' },
    ];
    expect(quantizationWarnings(model, static8, [{ coverage: { ...coverage, skipped }, opset: 13 }])).toEqual(
      [
        'Left as floats: 31 nodes whose operators have no quantized form (30 Erf, Sub).',
        'Left as floats: if (a layer in a graph of its own stays float32).',
      ],
    );
  });

  it('tells a few tensors that float16 cannot hold one by one, and many in one line', () => {
    const warningsOf = (count: number) =>
      quantizationWarnings(model, { op: 'quantize', mode: 'float16' }, [
        {
          coverage,
          opset: 13,
          clamped: Array.from({ length: count }, (_, at) => ({
            tensor: `w${at}`,
            tooLarge: at,
            tooSmall: 1,
            notFinite: 0,
          })),
        },
      ]);
    expect(warningsOf(2)).toEqual([
      'Weights "w0": 1 below the smallest became that.',
      'Weights "w1": 1 beyond the largest float16 became that, 1 below the smallest became that.',
    ]);
    expect(warningsOf(5)).toEqual([
      'Weights "w0", "w1", "w2" and 2 more: 10 beyond the largest float16 became that, 5 below the smallest became that.',
    ]);
  });
});
