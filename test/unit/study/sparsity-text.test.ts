import { expect, it } from 'vitest';
import { sparsityTexts } from '../../../src/study/sparsity-text.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { measuredTrial } from './trials.ts';

const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 } as const;
const int8 = { op: 'quantize', mode: 'dynamic' } as const;
const size = {
  rawBytes: 4e6,
  gzipBytes: 2.2e6,
  sparseBytes: 2.1e6,
  params: 1e6,
  nonZeroParams: 5e5,
  macs: 1,
  macsToExit: [],
};
const trialOf = (name: string, recipe: Recipe, latencyMs: number) => {
  const trial = measuredTrial(name, latencyMs, 90);
  return { ...trial, size, strategy: { ...trial.strategy, recipe } };
};
const identity = trialOf('identity', [{ op: 'identity' }], 10);
const quantized = trialOf('Q', [int8], 5);

it('tells of zeros how small they make files, and that they make nothing faster', () => {
  const pruned = trialOf('pruned', [prune], 10.2);
  expect(sparsityTexts(pruned, [quantized, identity, pruned])).toEqual([
    '500 k of 1.00 M parameters are not zero (50.0 %); the files have 4.00 MB, 2.20 MB gzipped, 2.10 MB in a sparse encoding.',
    'Zeros alone do not speed up dense kernels: expected as fast as without them, measured 1.02 × as slow as identity (the 95 % intervals overlap, so this may be chance).',
  ]);
});

it('compares with the same recipe without the zeros', () => {
  const both = trialOf('pruned Q', [prune, int8], 5);
  expect(sparsityTexts(both, [identity, quantized])[1]).toContain('measured 1.00 × as fast as Q');
  expect(sparsityTexts(both, [identity])[1]).toBe(
    'Zeros alone do not speed up dense kernels: expected as fast as without them.',
  );
});

it('tells nothing of recipes without zeros, and of studies that did not count them what is known', () => {
  const channels = trialOf('small', [{ op: 'prune', kind: 'structured', ratio: 0.5 }], 4);
  expect(sparsityTexts(channels, [identity])).toEqual([]);
  expect(sparsityTexts(quantized, [identity])).toEqual([]);
  const { sparseBytes: _, ...old } = size;
  const trial = { ...trialOf('pruned', [prune], 10), size: { ...old, gzipBytes: null } };
  expect(sparsityTexts(trial, [])[0]).toContain('the files have 4.00 MB.');
});
