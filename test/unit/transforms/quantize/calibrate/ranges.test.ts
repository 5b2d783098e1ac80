import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../../../src/base/assert.ts';
import { type Random, seededRandom } from '../../../../../src/base/random.ts';
import { divergenceOf } from '../../../../../src/transforms/quantize/calibrate/entropy.ts';
import {
  rangeMethod,
  type RangeMethod,
} from '../../../../../src/transforms/quantize/calibrate/range-method.ts';
import { rangeOf } from '../../../../../src/transforms/quantize/calibrate/range-of.ts';
import {
  addToSketch,
  emptySketch,
  histogramOf,
  magnitudeHistogramOf,
  type ValueSketch,
} from '../../../../../src/transforms/quantize/calibrate/value-sketch.ts';

interface Golden {
  readonly images: number;
  readonly cases: readonly {
    readonly shape: string;
    readonly seed: number;
    readonly numbers: number;
    readonly sum: number;
    readonly ranges: Readonly<Record<string, readonly [number, number]>>;
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL('../../../../fixtures/quantize/golden/calibration.json', import.meta.url), 'utf8'),
) as Golden;

/** Nearly normal, mean 0, deviation 1; as `make_calibration.py` has it. */
function bell(random: Random): number {
  let total = 0;
  for (let i = 0; i < 12; i++) total += random();
  return total - 6;
}

const shapes = new Map<string, (random: Random, image: number, at: number) => number>([
  ['bell', (r) => bell(r)],
  ['relu', (r) => Math.max(0, bell(r))],
  ['clipped at 6', (r) => Math.min(6, Math.max(0, 2 * bell(r) + 1))],
  ['shifted', (r) => 0.3 * bell(r) - 2],
  ['all positive', (r) => 5 + r()],
  ['heavy tails', (r) => bell(r) / (r() + 0.01)],
  ['one outlier', (r, image, at) => (image === 2 && at === 77 ? 1000 : bell(r))],
  ['two humps', (r) => bell(r) * 0.2 + (r() < 0.5 ? 3 : -1)],
  ['growing', (r, image) => bell(r) * 4 ** image],
  ['tiny', (r) => bell(r) * 1e-30],
  ['sigmoid-like', (r) => r() * r()],
  ['constant', () => 0.7],
  ['negative constant', () => -3.25],
  ['zeros', () => 0],
  ['two values', (r) => (r() < 0.3 ? -1.5 : 1.5)],
  ['few numbers', (r) => bell(r)],
]);

const methods = new Map<string, RangeMethod>([
  ['minmax', rangeMethod({})],
  ['minmax symmetric', rangeMethod({ symmetric: true })],
  ['entropy', rangeMethod({ calibration: 'entropy' })],
  ['entropy 512', rangeMethod({ calibration: 'entropy', bins: 512 })],
  ['entropy 2048', rangeMethod({ calibration: 'entropy', bins: 2048 })],
  ['percentile', rangeMethod({ calibration: 'percentile' })],
  ['percentile 99.9', rangeMethod({ calibration: 'percentile', percentile: 99.9 })],
  [
    'percentile 99 of 500 asymmetric',
    rangeMethod({ calibration: 'percentile', percentile: 99, bins: 500, symmetric: false }),
  ],
  [
    'percentile 99.99 asymmetric',
    rangeMethod({ calibration: 'percentile', percentile: 99.99, symmetric: false }),
  ],
]);

/** The width of one of the bins that onnxruntime makes for a method. */
function binWidth({ low, high }: ValueSketch, method: RangeMethod): number {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  if (method.kind === 'minmax') return 0;
  if (method.kind === 'entropy' || !method.symmetric) return (2 * (largest || 0.5)) / method.bins;
  return (largest || 0.5) / method.bins;
}

function sketchOf(images: Iterable<Float32Array>): ValueSketch {
  const sketch = emptySketch();
  for (const image of images) addToSketch(sketch, image);
  return sketch;
}

describe.each(golden.cases)('numbers like "$shape"', ({ shape, seed, numbers, sum, ranges }) => {
  const random = seededRandom(seed);
  const make = defined(shapes.get(shape), shape);
  const images = Array.from({ length: golden.images }, (_, image) =>
    Float32Array.from({ length: numbers }, (_unused, at) => make(random, image, at)),
  );

  it('are those that the tool had', () => {
    const total = images.reduce((all, image) => all + image.reduce((part, number) => part + number, 0), 0);
    expect(Math.abs(total - sum)).toBeLessThanOrEqual(1e-9 * Math.abs(sum));
  });

  const sketch = sketchOf(images);

  it.each([...methods])('have the tool’s range by %s, to a bin', (name, method) => {
    const found = rangeOf(sketch, method);
    const [low, high] = defined(ranges[name], name);
    const width = binWidth(sketch, method) * 1.001;
    expect(found.low).toBeLessThanOrEqual(found.high);
    const isNear = Math.abs(found.low - low) <= width && Math.abs(found.high - high) <= width;
    if (isNear || method.kind !== 'entropy') return expect(isNear, `${found.low} ${found.high}`).toBe(true);
    // Of two ranges that tell nearly the same, which is best may hang on single numbers.
    const exact = exactHistogram(images, sketch, method.bins);
    const divergence = ({ low: from, high: to }: { low: number; high: number }): number => {
      const reach = Math.round(Math.max(Math.abs(from), Math.abs(to)) / (width / 1.001));
      const middle = method.bins / 2;
      return divergenceOf(exact, [middle - reach, Math.min(middle + reach + 1, method.bins)], 128);
    };
    expect(divergence(found) / divergence({ low, high })).toBeLessThan(1.01);
  });
});

function exactHistogram(
  images: readonly Float32Array[],
  { low, high }: ValueSketch,
  bins: number,
): Float64Array {
  const largest = Math.max(-low, high);
  const counts = new Float64Array(bins);
  for (const image of images) {
    for (const number of image) {
      const bin = Math.min(bins - 1, Math.floor(((number + largest) / (2 * largest)) * bins));
      counts[bin] = (counts[bin] as number) + 1;
    }
  }
  return counts;
}

/** Numbers of very different sizes, none so small beside others that adding them is lost to rounding. */
const numbers = fc.array(
  fc.oneof(
    fc.integer({ min: -4000, max: 4000 }).map((number) => number / 16),
    fc.integer({ min: -40, max: 40 }).map((number) => number * 2 ** 20),
    fc.constant(0),
  ),
  { maxLength: 60 },
);

function counted({ counts }: ValueSketch): [bin: number, count: number][] {
  const filled: [number, number][] = [];
  counts?.forEach((count, bin) => {
    if (count > 0) filled.push([bin, count]);
  });
  return filled;
}
const quickMethods = [...methods.values()].filter((method) => method.kind !== 'entropy' || method.bins < 512);
const runs = { numRuns: 40 };

describe('a sketch', () => {
  it('does not depend on the order of what it is told', () => {
    fc.assert(
      fc.property(fc.array(numbers, { maxLength: 4 }), numbers, (parts, last) => {
        const arrays = [...parts, last].map((part) => Float32Array.from(part));
        const [forth, back] = [sketchOf(arrays), sketchOf(arrays.toReversed())];
        expect(counted(back)).toEqual(counted(forth));
        expect(back.exponent).toBe(forth.exponent);
        for (const method of quickMethods) expect(rangeOf(back, method)).toEqual(rangeOf(forth, method));
      }),
      runs,
    );
  });

  it('counts all numbers, its histograms too, and ranges lie within the extremes', () => {
    fc.assert(
      fc.property(numbers, (given) => {
        const array = Float32Array.from(given);
        const sketch = sketchOf([array]);
        const sum = (counts: Float64Array): number => counts.reduce((all, count) => all + count, 0);
        expect(sum(Float64Array.from(sketch.counts ?? []))).toBe(array.length);
        expect(sum(histogramOf(sketch, 100).counts)).toBe(array.length);
        expect(sum(magnitudeHistogramOf(sketch, 100).counts)).toBe(array.length);
        if (array.length === 0) return;
        const [least, largest] = [Math.min(...array), Math.max(...array)];
        for (const method of quickMethods) {
          const { low, high } = rangeOf(sketch, method);
          expect(low).toBeLessThanOrEqual(high);
          if (method.kind === 'minmax' && method.symmetric) continue;
          expect(low).toBeGreaterThanOrEqual(least);
          expect(high).toBeLessThanOrEqual(largest);
        }
      }),
      runs,
    );
  });

  it('leaves numbers that are not finite out and counts them', () => {
    const sketch = sketchOf([Float32Array.of(1, NaN, -2, Infinity, 0.5, -Infinity), Float32Array.of(NaN)]);
    expect(sketch).toMatchObject({ count: 3, notFinite: 4, low: -2, high: 1 });
    expect(rangeOf(sketch, rangeMethod({}))).toEqual({ low: -2, high: 1 });
  });

  it('of nothing, and of empty tensors, has the range from 0 to 0', () => {
    for (const method of methods.values()) {
      expect(rangeOf(emptySketch(), method)).toEqual({ low: 0, high: 0 });
      expect(rangeOf(sketchOf([new Float32Array(0)]), method)).toEqual({ low: 0, high: 0 });
    }
  });
});

describe('the options of a recipe', () => {
  it('are the tool’s where they are left out', () => {
    expect(rangeMethod({ calibration: 'percentile' })).toEqual({
      kind: 'percentile',
      percentile: 99.999,
      bins: 2048,
      symmetric: true,
    });
    expect(rangeMethod({ calibration: 'entropy' })).toEqual({ kind: 'entropy', bins: 128 });
    expect(rangeMethod({})).toEqual({ kind: 'minmax', symmetric: false });
  });
});
