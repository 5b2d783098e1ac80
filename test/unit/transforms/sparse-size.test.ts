import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { sparseByteLength, sparseSavings } from '../../../src/transforms/sparse-size.ts';
import { build, fileBytes, sampleModel } from './run-variant.ts';

describe('a tensor in the smallest encoding', () => {
  it.each([
    ['dense where few are left out', { count: 1000, others: 990, bits: 32 }, 4000],
    ['a bitmap where half are', { count: 1000, others: 500, bits: 32 }, 125 + 2000],
    ['places where nearly all are', { count: 1000, others: 10, bits: 32 }, 4 + 10 * (2 + 4)],
    ['places in stretches of 65,536', { count: 65_537, others: 3, bits: 8 }, 2 * 4 + 3 * (2 + 1)],
    ['nothing but a count where all are', { count: 1000, others: 0, bits: 16 }, 4],
    ['4-bit numbers two to a byte', { count: 15, others: 15, bits: 4 }, 8],
  ] as const)('%s', (_, sparseness, bytes) => {
    expect(sparseByteLength(sparseness)).toBe(bytes);
  });
});

describe('a file with sparse tensors', () => {
  const model = sampleModel('digits');
  const share = (recipe: Recipe): number => {
    const bytes = fileBytes(build(model, recipe).files[0]!);
    const saved = [...sparseSavings(parseModel(memorySource(bytes)))];
    return 1 - saved.reduce((sum, each) => sum + each, 0) / bytes.length;
  };
  const prune = (ratio: number) => ({ op: 'prune', kind: 'unstructured', ratio }) as const;

  it('is as large as it was where nothing is zero, and shrinks with the zeros', () => {
    expect(share([{ op: 'identity' }])).toBeGreaterThan(0.99);
    expect(share([prune(0.5)])).toBeCloseTo(0.5 + 1 / 32, 1);
    expect(share([prune(0.9)])).toBeLessThan(0.25);
  });

  it('leaves out zero points where weights are integers', () => {
    const int8 = { op: 'quantize', mode: 'dynamic' } as const;
    expect(share([prune(0.9), int8])).toBeLessThan(0.6 * share([int8]));
  });
});
