import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { InputError } from '../../../../src/base/result.ts';
import {
  checkHeadSize,
  type HeadWeights,
  trainHead,
  type TrainingSet,
} from '../../../../src/transforms/exits/train-head.ts';
import { MIN_IMAGES_PER_CLASS } from '../../../../src/transforms/exits/training-classes.ts';

interface Found {
  readonly trainingLoss: number;
  readonly validationLoss: number;
  readonly validationAccuracy: number;
}

interface Case {
  readonly images: number;
  readonly width: number;
  readonly classes: number;
  readonly spread: number;
  readonly l2: number;
  readonly seed: number;
  readonly sklearn: Found;
  readonly torch: Found;
}

const golden = JSON.parse(
  readFileSync(new URL('../../../fixtures/heads/golden/heads.json', import.meta.url), 'utf8'),
) as { readonly cases: readonly Case[] };

/** Clouds around a centre for each class; the same numbers as in `make_golden.py`. */
function clouds(images: number, width: number, classes: number, spread: number): TrainingSet {
  const uniform = seededRandom(images + width);
  const centres = Array.from({ length: classes * width }, () => uniform() - 0.5);
  const targets = Int32Array.from({ length: images }, (_, image) => (image * 7) % classes);
  const features = new Float32Array(images * width);
  for (let at = 0; at < features.length; at++) {
    const centre = centres[(targets[Math.floor(at / width)] as number) * width + (at % width)] as number;
    features[at] = 10 + 3 * (centre + spread * (uniform() + uniform() - 1));
  }
  return { features, width, targets, classCount: classes, fewImages: 'refuse' };
}

function predictions({ weights, bias }: HeadWeights, { features, width }: TrainingSet): number[] {
  return Array.from({ length: features.length / width }, (_, image) => {
    const scores = Array.from(bias, (start, each) => {
      let score = start;
      for (let i = 0; i < width; i++)
        score += (weights[each * width + i] as number) * (features[image * width + i] as number);
      return score;
    });
    return scores.indexOf(Math.max(...scores));
  });
}

async function failureOf(work: () => Promise<unknown>): Promise<{ code: string; message: string }> {
  try {
    await work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('nothing was refused');
}

describe('trainHead', () => {
  test.each(golden.cases)(
    'reaches the optimum of scikit-learn and PyTorch: $images images, $width features, $classes classes',
    async ({ images, width, classes, spread, l2, seed, sklearn, torch }) => {
      const set = clouds(images, width, classes, spread);
      const { curve } = await trainHead(set, {
        seed,
        decays: [l2],
        maxSteps: 1000,
        patience: Number.POSITIVE_INFINITY,
      });
      const last = curve.at(-1);
      for (const oracle of [sklearn, torch]) {
        expect(last?.trainingLoss).toBeCloseTo(oracle.trainingLoss, 3);
        expect(last?.validationLoss).toBeCloseTo(oracle.validationLoss, 2);
        expect(last?.validationAccuracy).toBe(oracle.validationAccuracy);
      }
    },
  );

  test('stops early where validation images say so, and keeps the best step', async () => {
    const set = clouds(200, 60, 4, 2.5);
    const { curve, best } = await trainHead(set, { seed: 1, decays: [0], patience: 5 });
    expect(best.validationLoss).toBe(Math.min(...curve.map(({ validationLoss }) => validationLoss)));
    expect(curve.length).toBe(best.step + 5);
  });

  test('knows images that it has never seen: the usual decay does better than hardly any', async () => {
    const [images, width, classes] = [400, 120, 4];
    const all = clouds(images + 400, width, classes, 3);
    const set = {
      ...all,
      features: all.features.slice(0, images * width),
      targets: all.targets.slice(0, images),
    };
    const rightOf = (head: HeadWeights) =>
      predictions(head, all).filter((each, image) => image >= images && each === all.targets[image]).length;
    const usual = rightOf(await trainHead(set, { seed: 3 }));
    expect(usual).toBeGreaterThan(rightOf(await trainHead(set, { seed: 3, decays: [1e-4] })));
    expect(usual).toBeGreaterThan(0.7 * 400);
  });

  test('the loss on training images falls at every step', async () => {
    const { curve } = await trainHead(clouds(150, 10, 3, 1), {
      seed: 2,
      decays: [0],
      patience: 1000,
      maxSteps: 40,
    });
    curve.slice(1).forEach(({ trainingLoss }, at) => {
      expect(trainingLoss).toBeLessThanOrEqual((curve[at]?.trainingLoss as number) + 1e-12);
    });
  });

  test('weights for raw features choose what was validated: scale and shift of features do not matter', async () => {
    const set = clouds(240, 12, 3, 0.8);
    const moved = { ...set, features: set.features.map((feature) => 250 * feature - 1000) };
    const [plain, shifted] = [await trainHead(set, { seed: 5 }), await trainHead(moved, { seed: 5 })];
    const agreeing = predictions(plain, set).filter(
      (each, image) => each === predictions(shifted, moved)[image],
    );
    expect(agreeing.length).toBeGreaterThanOrEqual(238);
  });

  test('the same seed gives the same head, and images are divided anew by another', async () => {
    const set = clouds(90, 5, 3, 1.5);
    expect(await trainHead(set, { seed: 4 })).toEqual(await trainHead(set, { seed: 4 }));
    expect((await trainHead(set, { seed: 4 })).curve).not.toEqual((await trainHead(set, { seed: 5 })).curve);
  });

  test('features that never change teach nothing and break nothing', async () => {
    const features = new Float32Array(40 * 3).fill(7);
    const targets = Int32Array.from({ length: 40 }, (_, image) => image % 2);
    const head = await trainHead(
      { features, width: 3, targets, classCount: 2, fewImages: 'refuse' },
      { seed: 1 },
    );
    expect([...head.weights, ...head.bias].every(Number.isFinite)).toBe(true);
    expect(head.best.validationAccuracy).toBe(0.5);
  });

  test('rare classes, features of any scale, copies of features and few images are learned', async () => {
    const width = 12;
    const set = clouds(400, width, 2, 0.6);
    // One image in ten of the second class.
    const kept = Array.from(set.targets.keys()).filter((at) => set.targets[at] === 0 || at % 20 === 1);
    const features = Float32Array.from({ length: kept.length * width }, (_, at) => {
      const image = kept[Math.floor(at / width)] as number;
      const column = at % width;
      // The last three are copies of the first, and each has a scale of its own.
      return (set.features[image * width + (column % 9)] as number) * 10 ** ((column % 9) - 4);
    });
    const rare = { ...set, features, targets: Int32Array.from(kept, (at) => set.targets[at] as number) };
    const rightOfRare = predictions(await trainHead(rare, { seed: 1 }), rare).filter(
      (each, image) => each === 1 && rare.targets[image] === 1,
    ).length;
    expect(rightOfRare).toBeGreaterThan(0.7 * rare.targets.reduce((sum, each) => sum + each, 0));

    const twenty = await trainHead(clouds(20, 500, 4, 0.5), { seed: 1 });
    expect(twenty.best.validationAccuracy).toBeGreaterThan(0.7);
  });

  test('a thousand classes are told apart', async () => {
    const set = clouds(4000, 16, 1000, 0.05);
    const head = await trainHead(set, { seed: 1, decays: [0.001], maxSteps: 3 });
    expect(head.best.validationAccuracy, 'chance: a thousandth').toBeGreaterThan(0.3);
    expect(head.missingClasses).toEqual([]);
  });

  test('what is chosen is learned once more from all images, in as many steps', async () => {
    const finished: number[] = [];
    const attempts = new Set<number>();
    const { best } = await trainHead(clouds(200, 20, 4, 1), {
      seed: 1,
      onProgress(now) {
        if (now.kind === 'step') attempts.add(now.attempt);
        else finished.push(now.step);
      },
    });
    expect([...attempts]).toEqual([0, 1, 2]);
    expect(finished).toEqual(Array.from({ length: best.step }, (_, at) => at + 1));
  });

  test('classes that the model does not have are refused by name', async () => {
    const classNames = new Map([[2, 'zebra']]);
    const set = { ...clouds(40, 4, 3, 1), classCount: 2, classNames };
    const { code, message } = await failureOf(() => trainHead(set, { seed: 1 }));
    expect(code).toBe('head-class-range');
    expect(message).toContain('class 2 "zebra", wanted classes 0 to 1');
  });

  test('a head whose training would not fit the memory is refused with how many features would do', async () => {
    const { code, message } = await failureOf(async () => checkHeadSize(25_088, 1000, '/flatten'));
    expect(code).toBe('head-too-large');
    expect(message).toBe('Found 25088 features at "/flatten" for 1000 classes, wanted at most 14000');
  });

  test('classes without images are never chosen', async () => {
    const set = { ...clouds(60, 4, 2, 1), classCount: 6 };
    const head = await trainHead({ ...set, targets: set.targets.map((each) => 2 * each + 1) }, { seed: 1 });
    expect(head.missingClasses).toEqual([0, 2, 4, 5]);
    expect(new Set(predictions(head, set))).toEqual(new Set([1, 3]));
  });

  test('too few images of a labelled class are refused with how many are wanted', async () => {
    const set = clouds(31, 4, 3, 1);
    const targets = set.targets.map((target, image) => (image < 3 ? 2 : target === 2 ? 0 : target));
    const { code, message } = await failureOf(() => trainHead({ ...set, targets }, { seed: 1 }));
    expect(code).toBe('head-too-few-images');
    expect(message).toContain('class 2 (3)');
    expect(message).toContain(`at least ${MIN_IMAGES_PER_CLASS}`);
  });

  test('where no two classes have enough images, leaving classes out is no way out', async () => {
    const set = clouds(9, 4, 3, 1);
    const { code, message } = await failureOf(() => trainHead(set, { seed: 1 }));
    expect(code).toBe('head-no-full-classes');
    expect(message).toContain('class 0 (3), class 1 (3), class 2 (3)');
  });

  test('seldom predicted classes are left out instead, unless one class remains', async () => {
    const set: TrainingSet = { ...clouds(31, 4, 3, 1), fewImages: 'leave-out' };
    const targets = set.targets.map((target, image) => (image < 3 ? 2 : target === 2 ? 0 : target));
    expect((await trainHead({ ...set, targets }, { seed: 1 })).missingClasses).toEqual([2]);
    const one = { ...set, targets: targets.map(() => 1) };
    expect((await failureOf(() => trainHead(one, { seed: 1 }))).code).toBe('head-one-class');
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])(
    'features that are %s are refused, but of few images left out',
    async (bad) => {
      const set = clouds(30, 4, 3, 1);
      const features = set.features.with(4 * 7 + 2, bad).with(4 * 9, bad);
      const { code, message } = await failureOf(() =>
        trainHead({ ...set, value: '/relu', features }, { seed: 1 }),
      );
      expect(code).toBe('head-bad-features');
      expect(message).toContain('at "/relu" in 2 of 30 training images');
      const few = clouds(100, 4, 3, 1);
      const head = await trainHead({ ...few, features: few.features.with(9, bad) }, { seed: 1 });
      expect(head.leftOutImages).toBe(1);
      expect(head.trainingImages + head.validationImages).toBe(99);
      expect([...head.weights, ...head.bias].every(Number.isFinite)).toBe(true);
    },
  );

  test('every image is trained on or validated on, and never both', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 2, max: 5 }),
        fc.integer({ min: MIN_IMAGES_PER_CLASS, max: 12 }),
        fc.integer(),
        async (classes, each, seed) => {
          const head = await trainHead(clouds(classes * each, 3, classes, 1), { seed, maxSteps: 2 });
          expect(head.trainingImages + head.validationImages).toBe(classes * each);
          expect(head.validationImages).toBeGreaterThanOrEqual(classes);
        },
      ),
      { numRuns: 30 },
    );
  });
});
