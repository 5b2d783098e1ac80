import { describe, expect, it } from 'vitest';
import { arranged, changedImages, outcomesByClass } from '../../../../src/study/quality/by-class.ts';
import { changedImagesCsv, classesCsv } from '../../../../src/study/quality/quality-csv.ts';
import { NO_CLASS, type Predictions } from '../../../../src/study/trial.ts';

function predictions(answers: ReadonlyMap<number, number>): Predictions {
  const top1 = [...answers.values()];
  return {
    imageIndices: [...answers.keys()],
    top1,
    top5: top1.map((best) => [best]),
    // The later, the surer.
    confidence: top1.map((best, at) => (best === NO_CLASS ? Number.NaN : at / 8)),
    exitIndex: top1.map(() => null),
  };
}

// The model counts a background class before the labels' first.
const before = predictions(
  new Map([
    [10, 1],
    [11, 1],
    [12, 2],
    [13, 2],
    [14, 3],
  ]),
);
const after = predictions(
  new Map([
    [14, 3],
    [13, 1],
    [12, NO_CLASS],
    [11, 2],
    [10, 1],
    [9, 1],
  ]),
);
const labels: (number | null)[] = [];
labels[9] = 0;
labels[10] = 0;
labels[11] = 1;
labels[12] = 1;
labels[13] = 2;
labels[14] = null;
const truth = { labels, classOffset: 1 };

describe('accuracy by class', () => {
  it('is over the images that both ran, with Wilson intervals', () => {
    const outcomes = outcomesByClass(after, before, truth);
    expect(outcomes.map(({ label, images }) => [label, images])).toEqual([
      [0, 1],
      [1, 2],
      [2, 1],
    ]);
    expect(outcomes.map((each) => [each.before?.right, each.after.right])).toEqual([
      [1, 1],
      [1, 1],
      [0, 0],
    ]);
    // Computed by scipy's binomtest(1, 2).proportion_ci(method='wilson').
    expect(outcomes[1]?.after.low).toBeCloseTo(0.094531, 6);
    expect(outcomes[1]?.after.high).toBeCloseTo(0.905469, 6);
    const alone = outcomesByClass(after, null, truth);
    expect(alone.map(({ images, before: none }) => [images, none])).toEqual([
      [2, null],
      [2, null],
      [1, null],
    ]);
    expect(classesCsv(outcomes, ['=cat', 'dog'])).toContain("\r\n0,'=cat,1,1,1,");
  });

  it('without labels tells how many of each class stay', () => {
    const outcomes = outcomesByClass(after, before, { labels: [], classOffset: 1 });
    expect(outcomes.map(({ label, images, after: { right } }) => [label, images, right])).toEqual([
      [0, 2, 1],
      [1, 2, 0],
      [2, 1, 1],
    ]);
  });
});

describe('images that changed class', () => {
  it('tell before, after and label; what is lost comes first', () => {
    const changed = changedImages(after, before, truth);
    expect(changed).toEqual([
      {
        image: 12,
        before: 1,
        after: null,
        label: 1,
        kind: 'lost',
        confidenceBefore: 0.25,
        confidenceAfter: Number.NaN,
        exitBefore: null,
        exitAfter: null,
      },
      {
        image: 11,
        before: 0,
        after: 1,
        label: 1,
        kind: 'won',
        confidenceBefore: 0.125,
        confidenceAfter: 0.375,
        exitBefore: null,
        exitAfter: null,
      },
      {
        image: 13,
        before: 1,
        after: 0,
        label: 2,
        kind: 'other',
        confidenceBefore: 0.375,
        confidenceAfter: 0.125,
        exitBefore: null,
        exitAfter: null,
      },
    ]);
    expect(changedImages(before, before, truth)).toEqual([]);
    const csv = changedImagesCsv(changed, ['a', 'b', 'c'], (image) => `${image}.png`);
    expect(csv.split('\r\n')[1]).toBe('12,12.png,1,b,1,b,,,lost,0.25,,,');
    const early = { ...after, exitIndex: after.exitIndex.map(() => 0) };
    expect(changedImages(early, before, truth)[0]).toMatchObject({ exitBefore: null, exitAfter: 0 });
  });

  it('are shown by who is right, and by the surer of both answers', () => {
    const changed = changedImages(after, before, truth);
    const imagesOf = (...[show, order]: [Parameters<typeof arranged>[1]['show'], 'surest' | 'least-sure']) =>
      arranged(changed, { show, order }).map(({ image }) => image);
    expect(imagesOf('all', 'surest')).toEqual([11, 13, 12]);
    expect(imagesOf('all', 'least-sure')).toEqual([12, 11, 13]);
    expect(imagesOf('one-right', 'surest')).toEqual([11, 12]);
    expect(imagesOf('both-wrong', 'surest')).toEqual([13]);
    expect(arranged(changed, { show: 'all', order: 'by-kind' })).toEqual(changed);
    // A model that counts its classes from elsewhere names the same ones.
    const shifted = { ...before, top1: before.top1.map((best) => (best === NO_CLASS ? NO_CLASS : best + 1)) };
    expect(changedImages(after, shifted, { ...truth, classOffsetBefore: truth.classOffset + 1 })).toEqual(
      changed,
    );
    // Without labels nobody is wrong.
    const unlabelled = changedImages(after, before, { labels: [], classOffset: 1 });
    expect(arranged(unlabelled, { show: 'both-wrong', order: 'surest' })).toEqual([]);
  });
});
