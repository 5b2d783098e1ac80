import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { seenPart } from '../../../../src/data/preprocess.ts';
import { changedMasks, outcomesByPixelClass } from '../../../../src/study/quality/by-pixel-class.ts';
import { answerMask, classMapsOf } from '../../../../src/study/segmentation/class-maps.ts';
import { countPixels, maskQuality } from '../../../../src/study/segmentation/class-pixels.ts';
import { answersFor, joinMaskAnswers, pixelsAlike } from '../../../../src/study/segmentation/mask-answers.ts';
import {
  classColour,
  classCssColour,
  classesOf,
  type MaskPicture,
  maskPicture,
} from '../../../../src/study/segmentation/mask-picture.ts';
import { NO_ANSWER, packMask, unpackMask } from '../../../../src/study/segmentation/packed-mask.ts';
import { readMaskAnswers } from '../../../../src/study/segmentation/read-mask-answers.ts';
import type { MaskAnswers } from '../../../../src/study/trial.ts';
import { golden, type SmallGolden } from '../../../fixtures/segmentation/read.ts';

const { answers } = golden<SmallGolden>('small.json');
const all = { ignored: null, first: 0, end: null };
const input = { height: 48, width: 64 };
const whole = ({ height, width }: { height: number; width: number }) => ({ left: 0, top: 0, width, height });

describe('answers of models', () => {
  it.each(answers)('dims $dims to $size: as torch interpolates and numpy counts', (each) => {
    const [, classes, h, w] = each.dims;
    const [height, width] = each.size;
    const size = { height, width };
    const maps = { kind: 'scores', layout: 'NCHW', classes, height: h, width: w } as const;
    const found = answerMask(maps, each.scores, size, whole(size), null);
    expect([...found.classes]).toEqual(each.found);
    const counts = countPixels(Uint16Array.from(each.labels), found.classes, { ...all, end: classes });
    const quality = maskQuality([counts]);
    expect(quality?.miou.value).toBeCloseTo(each.miou, 12);
    expect(quality?.pixelAccuracy.value).toBeCloseTo(each.pixelAccuracy, 12);
    // The same with channels last.
    const last = Float64Array.from(
      each.scores,
      (_, at) => each.scores[(at % classes) * h * w + Math.floor(at / classes)] ?? 0,
    );
    expect(answerMask({ ...maps, layout: 'NHWC' }, last, size, whole(size), null)).toEqual(found);
  });

  it.each([
    [[1, 12, 48, 64], { kind: 'scores', layout: 'NCHW', classes: 12, height: 48, width: 64 }],
    [[1, 48, 64, 12], { kind: 'scores', layout: 'NHWC', classes: 12, height: 48, width: 64 }],
    [[1, 150, 12, 16], { kind: 'scores', layout: 'NCHW', classes: 150, height: 12, width: 16 }],
    [[1, 48, 64], { kind: 'numbers', height: 48, width: 64 }],
    [[48, 64], { kind: 'numbers', height: 48, width: 64 }],
    [[1, 1, 48, 64], { kind: 'numbers', height: 48, width: 64 }],
    [[1, 48, 64, 1], { kind: 'numbers', height: 48, width: 64 }],
    // A picture, a detector's grid, boxes, classes.
    [[1, 3, 96, 128], null],
    [[1, 255, 2, 2], null],
    [[1, 84, 8400], null],
    [[1, 1000], null],
  ] as const)('tells what %j is', (dims, wanted) => {
    const values = new Float32Array(dims.reduce<number>((product, dim) => product * dim, 1));
    expect(classMapsOf(dims, values, input, false)).toEqual(wanted);
  });

  it('takes one score a pixel for two classes where there are masks, by the sign or the half', () => {
    const maps = classMapsOf([1, 1, 2, 2], [-1, 2, 0.5, -3], { height: 2, width: 2 }, true);
    expect(maps?.kind).toBe('one-score');
    if (!maps) return;
    const size = { height: 2, width: 2 };
    expect([...answerMask(maps, [-1, 2, 0.5, -3], size, whole(size), null).classes]).toEqual([0, 1, 1, 0]);
    expect([...answerMask(maps, [0.1, 0.9, 0.6, 0.2], size, whole(size), null).classes]).toEqual([
      0, 1, 1, 0,
    ]);
    expect(classMapsOf([1, 1, 2, 2], [-1, 2, 0.5, -3], { height: 2, width: 2 }, false)).toBeNull();
  });

  it('gives no answer where scores are not numbers, and never the ignored class', () => {
    const maps = { kind: 'scores', layout: 'NCHW', classes: 2, height: 1, width: 3 } as const;
    const scores = [1, Number.NaN, 0, 2, 5, -1];
    const size = { height: 1, width: 3 };
    expect([...answerMask(maps, scores, size, whole(size), null).classes]).toEqual([1, NO_ANSWER, 0]);
    expect([...answerMask(maps, scores, size, whole(size), 1).classes]).toEqual([0, NO_ANSWER, 0]);
  });

  it('leaves out what a crop does not show', () => {
    const preprocessing = {
      inputName: 'x',
      layout: 'NCHW',
      height: 4,
      width: 4,
      channels: 3,
      channelOrder: 'RGB',
      fit: { kind: 'crop', shorterSide: 4 },
      scale: 1,
      mean: [0],
      std: [1],
      dataType: 'float32',
      invert: false,
      classOffset: 0,
    } as const;
    const part = seenPart({ width: 16, height: 8 }, preprocessing);
    expect(part).toEqual({ left: 0.25, top: 0, width: 0.5, height: 1 });
    const maps = { kind: 'numbers', height: 1, width: 2 } as const;
    const seen = { left: 2, top: 0, width: 4, height: 1 };
    expect([...answerMask(maps, [5, 6], { height: 1, width: 8 }, seen, null).classes]).toEqual([
      NO_ANSWER,
      NO_ANSWER,
      5,
      5,
      6,
      6,
      NO_ANSWER,
      NO_ANSWER,
    ]);
  });
});

describe('counting pixels', () => {
  it('asks about no ignored label and none that the model has no class for', () => {
    const label = Uint16Array.of(0, 0, 1, 255, 7);
    const answer = Uint16Array.of(0, 1, 1, 0, 0);
    expect(countPixels(label, answer, { ignored: 255, first: 0, end: 3 })).toEqual([0, 1, 1, 2, 1, 1, 2, 1]);
  });

  it('knows nothing of no pixels, and gives classes that nobody names no weight', () => {
    expect(maskQuality([])).toBeNull();
    expect(maskQuality([[], null])).toBeNull();
    expect(
      maskQuality([
        [3, 4, 4, 4],
        [9, 0, 0, 0],
      ])?.miou.value,
    ).toBe(1);
  });

  it('has an interval over images that holds the value, and none of a single image', () => {
    const images = Array.from({ length: 20 }, (_, at) => [0, 50 + at, 60 + at, 70 + at, 1, 20, 50 - at, 40]);
    const { miou, pixelAccuracy } = maskQuality(images) ?? {};
    for (const measure of [miou, pixelAccuracy]) {
      expect(measure?.low).toBeLessThan(measure?.value ?? 0);
      expect(measure?.high).toBeGreaterThan(measure?.value ?? 1);
    }
    expect(maskQuality([[0, 1, 2, 2]])?.miou.low).toBeNull();
  });
});

describe('packed masks', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.array(
          fc.tuple(fc.constantFrom(0, 1, 31, 32, 255, 4000, NO_ANSWER), fc.integer({ min: 1, max: 3000 })),
          { minLength: 1, maxLength: 8 },
        ),
        (width, runs) => {
          const flat = runs.flatMap(([value, length]) => Array<number>(length).fill(value));
          const classes = Uint16Array.from([
            ...flat,
            ...Array<number>((width - (flat.length % width)) % width).fill(0),
          ]);
          const mask = { width, height: classes.length / width, classes };
          expect(unpackMask(packMask(mask))).toEqual(mask);
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(['', 'AB', 'A', 'AEAE', 'A!', 'A/', '/////////A', 'AB*C'])('of 2 x 2 are not %j', (runs) => {
    expect(unpackMask({ width: 2, height: 2, runs })).toBeNull();
  });

  it('of absurd sizes take no memory', () => {
    expect(unpackMask({ width: 1e6, height: 1e6, runs: 'AB' })).toBeNull();
  });
});

/** What a generator returns at its end. */
function finished<T>(work: Generator<void, T, void>): T {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}

describe('answers of a trial', () => {
  const maskOf = (...classes: number[]) =>
    packMask({ width: 2, height: 1, classes: Uint16Array.from(classes) });
  const some = (from: number, ...masks: readonly ReturnType<typeof maskOf>[]): MaskAnswers => ({
    imageIndices: masks.map((_, at) => from + at),
    exitIndex: masks.map(() => null),
    counts: masks.map(() => null),
    masks,
  });

  it('joined in batches are held against those of the unchanged model', () => {
    const reference = some(0, maskOf(0, 1), maskOf(2, 2));
    const first = joinMaskAnswers(null, some(0, maskOf(0, 0)), reference);
    const joined = joinMaskAnswers(first, some(1, maskOf(2, 2)), reference);
    expect(maskQuality(joined.agreement ?? [])?.pixelAccuracy.value).toBe(0.75);
    expect(answersFor(joined, [1])).toEqual({
      ...some(1, maskOf(2, 2)),
      agreement: [[2, 2, 2, 2]],
    });
    expect(answersFor(joined, [5])).toBeNull();
  });

  it('of the unchanged model agree with themselves, as far as they are kept', () => {
    const large = { width: 1, height: 1_100_000, runs: `A${'g'.repeat(1_100_000)}` };
    const joined = joinMaskAnswers(null, some(0, maskOf(0, 1), large), 'itself');
    const full = joinMaskAnswers(joined, some(2, large), 'itself');
    expect(full.masks.map((mask) => mask !== null)).toEqual([true, true, false]);
    expect(full.agreement).toEqual([[0, 1, 1, 1, 1, 1, 1, 1], null, null]);
    expect(joinMaskAnswers(null, some(0, maskOf(0, 1)), null).agreement).toBeUndefined();
  });

  it('keep as many masks as there is room for, the first ones', () => {
    const large = { ...maskOf(0, 0), runs: 'A'.repeat(900_000) };
    const joined = joinMaskAnswers(some(0, large, large), some(2, large, maskOf(1, 1)), null);
    expect(joined.masks.map((mask) => mask?.runs.length ?? 0)).toEqual([900_000, 900_000, 0, 0]);
    expect(joined.imageIndices).toEqual([0, 1, 2, 3]);
  });
});

describe('pictures of masks', () => {
  it('give neighbouring classes colours far apart', () => {
    const far = (a: number, b: number): number => {
      const [first, second] = [classColour(a), classColour(b)];
      return Math.hypot(...first.map((channel, at) => channel - (second[at] as number)));
    };
    for (let label = 0; label < 20; label++)
      for (let other = label + 1; other < 20; other++) expect(far(label, other)).toBeGreaterThan(25);
  });

  it('let the image through where there is no class, it is ignored, or nothing differs', () => {
    const mask = { width: 4, height: 1, classes: Uint16Array.of(1, NO_ANSWER, 9, 2) };
    const only = { ...mask, classes: Uint16Array.of(0, 0, 0, 2) };
    const opaque = ({ rgba }: MaskPicture) => [3, 7, 11, 15].map((at) => rgba[at]);
    expect(opaque(maskPicture(mask, { ignored: 9 }))).toEqual([255, 0, 0, 255]);
    expect(opaque(maskPicture(mask, { ignored: null }))).toEqual([255, 0, 255, 255]);
    expect(opaque(maskPicture(mask, { ignored: 9, only }))).toEqual([255, 0, 0, 0]);
    expect(classesOf(mask, 9)).toEqual([1, 2]);
  });

  it('have the colours that a data set lists, and of very large masks no more pixels than a screen', () => {
    const mask = { width: 4096, height: 1024, classes: new Uint16Array(4096 * 1024).fill(1) };
    const { width, height, rgba } = maskPicture(mask, { ignored: null, listed: [0, 0x804020] });
    expect([width, height]).toEqual([1366, 342]);
    expect([...rgba.subarray(-4)]).toEqual([0x80, 0x40, 0x20, 255]);
    expect(classCssColour(1, [0, 0x804020])).toBe('rgb(128 64 32)');
    expect(classCssColour(2, [0, 0x804020])).toBe(classCssColour(2));
  });
});

describe('masks of two strategies', () => {
  it('are held against each other by runs as pixel by pixel', () => {
    const random = seededRandom(3);
    const some = () => {
      const classes = new Uint16Array(600);
      for (let at = 0, label = 0; at < classes.length; at++) {
        if (random() < 0.1) label = random() < 0.1 ? NO_ANSWER : Math.floor(5 * random());
        classes[at] = label;
      }
      return { width: 30, height: 20, classes };
    };
    for (let round = 0; round < 20; round++) {
      const [a, b] = [some(), some()];
      expect(pixelsAlike(packMask(a), packMask(b))).toEqual(
        countPixels(a.classes, b.classes, { ignored: NO_ANSWER, first: 0, end: null }),
      );
    }
  });
});

describe('what two trials changed', () => {
  const pack = (...classes: number[]) =>
    packMask({ width: classes.length, height: 1, classes: Uint16Array.from(classes) });
  const before: MaskAnswers = {
    imageIndices: [0, 1],
    exitIndex: [null, null],
    counts: [
      [0, 2, 2, 2],
      [1, 4, 4, 4],
    ],
    masks: [pack(0, 0), pack(1, 1, 1, 1)],
  };
  const after: MaskAnswers = {
    ...before,
    counts: [
      [0, 2, 2, 2],
      [0, 0, 1, 0, 1, 3, 3, 4],
    ],
    masks: [pack(0, 0), pack(1, 1, 1, 0)],
  };

  it('is told image by image, the most changed first', () => {
    expect(finished(changedMasks(after, before))).toEqual([
      { image: 1, changedShare: 0.25, rightBefore: 1, rightAfter: 0.75 },
      { image: 0, changedShare: 0, rightBefore: 1, rightAfter: 1 },
    ]);
  });

  it('is told class by class', () => {
    const told = outcomesByPixelClass(after, before);
    expect(
      told.map(({ label, images, before: old, after: now }) => [label, images, old?.value, now.value]),
    ).toEqual([
      [0, 2, 1, 2 / 3],
      [1, 4, 1, 0.75],
    ]);
  });

  it('comes back from a study.json, and edited by hand is refused by its place', () => {
    expect(readMaskAnswers(JSON.parse(JSON.stringify(after)), 'trials[0].maskAnswers')).toEqual(after);
    const spoilt = { ...after, counts: [[0, 5, 2, 2], null] };
    expect(() => readMaskAnswers(spoilt, 'trials[0].maskAnswers')).toThrow(/maskAnswers\.counts\[0\]/);
    const torn = { ...after, masks: [{ width: 9, height: 9, runs: 'AC' }, null] };
    expect(() => readMaskAnswers(torn, 'trials[0].maskAnswers')).toThrow(/maskAnswers\.masks\[0\]/);
  });
});
