import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Dataset } from '../../../src/data/dataset.ts';
import type { PreprocessingCandidate } from '../../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import type { Preprocessing } from '../../../src/data/preprocessing.ts';
import {
  bestCandidate,
  candidateName,
  imagesToTry,
  reasonsWithScore,
  scoreCandidate,
} from '../../../src/data/rank-preprocessings.ts';
import { makeTrial } from '../study/trials.ts';

function labelled(labels: readonly (number | null)[]): Dataset {
  const { dataset } = noiseDataset({ width: 2, height: 2, channels: 1 }, labels.length);
  return { ...dataset, items: dataset.items.map((item, i) => ({ ...item, label: labels[i] ?? null })) };
}

function candidate(name: string, change: Partial<Preprocessing> = {}): PreprocessingCandidate {
  const { preprocessing } = makeTrial('any');
  return { preprocessing: { ...preprocessing, ...change }, reasons: ['32 x 32', name] };
}

const scored = (name: string, correct: number) => ({ candidate: candidate(name), images: 32, correct });

describe('images to try', () => {
  test('are labelled, distinct, in order, and as many as wanted', () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.nat(9)), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 40 }),
        (labels, count) => {
          const images = imagesToTry(labelled(labels), count);
          const all = labels.flatMap((label, i) => (label === null ? [] : [i]));
          expect(images).toHaveLength(Math.min(count, all.length));
          expect(all).toEqual(expect.arrayContaining([...images]));
          expect(images).toEqual([...new Set(images)].sort((a, b) => a - b));
        },
      ),
    );
  });
  test('come from all classes of a sorted dataset', () => {
    const labels = Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100));
    const tried = imagesToTry(labelled(labels), 30).map((i) => labels[i]);
    expect(tried).toEqual(Array.from({ length: 30 }, (_, i) => Math.floor(i / 3)));
  });
});

test('a score counts the images whose best class is their label, the class offset included', () => {
  const dataset = labelled([0, 1, null, 2]);
  const top1 = [1, 1, 7, 3];
  const offset = candidate('offset', { classOffset: 1 });
  expect(scoreCandidate(offset, dataset, [0, 1, 2, 3], top1)).toMatchObject({ images: 4, correct: 2 });
  expect(scoreCandidate(candidate('plain'), dataset, [0, 1, 2, 3], top1)).toMatchObject({ correct: 1 });
});

describe('the best candidate', () => {
  test('gets clearly more images right than the likeliest', () => {
    expect(bestCandidate([scored('a', 20), scored('b', 29), scored('c', 24)])?.candidate.reasons[1]).toBe(
      'b',
    );
  });
  test('is the likeliest where the difference may be chance', () => {
    expect(bestCandidate([scored('a', 28), scored('b', 29)])?.candidate.reasons[1]).toBe('a');
    expect(bestCandidate([scored('a', 0), scored('b', 0)])?.candidate.reasons[1]).toBe('a');
    expect(bestCandidate([])).toBeNull();
  });
  test('says how it did', () => {
    const best = scored('a', 28);
    expect(candidateName(best.candidate)).toBe('a');
    expect(reasonsWithScore(best, 5)).toEqual([
      '32 x 32',
      'a',
      '28 of 32 images right, the best of 5 normalizations tried',
    ]);
  });
});
