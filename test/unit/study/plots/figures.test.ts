import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { timeParts } from '../../../../src/study/breakdown.ts';
import { densityOf } from '../../../../src/study/plots/distribution.ts';
import { measuredTrials, parallelAxes, withinLimits } from '../../../../src/study/plots/parallel.ts';
import { quantilePoints } from '../../../../src/study/plots/quantile-quantile.ts';
import { logScale, place } from '../../../../src/study/plots/value-scale.ts';
import { spreadOut } from '../../../../src/study/plots/violin.ts';
import type { Strategy } from '../../../../src/study/trial.ts';
import { makeSample, makeTrial, measuredTrial } from '../trials.ts';
import { answered, csvOf, pictureOf, trialOf } from './made.ts';

/** Numbers of a row by its columns. */
function numbers(row: ReadonlyMap<string, string> | undefined): Record<string, number> {
  return Object.fromEntries([...(row ?? [])].map(([column, cell]) => [column, Number(cell)]));
}

function quantized(name: string): Strategy {
  return {
    ...makeTrial(name).strategy,
    recipe: [{ op: 'quantize', mode: 'dynamic', weights: 'u8', perChannel: false }],
  };
}

describe('box plots', () => {
  it('tell quartiles, whiskers and outliers as worked out by hand', () => {
    // Sorted: 1 2 3 4 5 6 7 8 9 30; quartiles at positions 2.25 and 6.75, the box is 4.5 wide.
    const [row] = csvOf(pictureOf('box-plots', [trialOf('a', [5, 1, 9, 30, 2, 8, 3, 7, 4, 6])]));
    expect(row?.get('strategy')).toBe('a');
    expect(numbers(row)).toMatchObject({
      samples: 10,
      q1_ms: 3.25,
      median_ms: 5.5,
      q3_ms: 7.75,
      whisker_low_ms: 1,
      whisker_high_ms: 9,
      mean_ms: 7.5,
      min_ms: 1,
      max_ms: 30,
      outliers: 1,
      // Ranks 2 and 9 of 10: the exact interval of the median.
      median_low_ms: 2,
      median_high_ms: 9,
    });
  });
  it('stand in order of their medians', () => {
    const trials = [trialOf('slow', [5, 6]), trialOf('fast', [1, 2]), trialOf('middle', [3, 4])];
    const names = csvOf(pictureOf('box-plots', trials)).map((row) => row.get('strategy'));
    expect(names).toEqual(['fast', 'middle', 'slow']);
  });
});

describe('a logarithmic scale', () => {
  it('has all values and all ticks within, ticks in order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 1e-3, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 2, max: 12 }),
        (values, wanted) => {
          const scale = logScale(values, wanted);
          for (const value of [...values, ...scale.ticks]) {
            const x = place(value, scale, 0, 100);
            expect(x).toBeGreaterThanOrEqual(-1e-9);
            expect(x).toBeLessThanOrEqual(100 + 1e-9);
          }
          expect([...scale.ticks].sort((a, b) => a - b)).toEqual(scale.ticks);
          expect(scale.ticks.length).toBeLessThanOrEqual(2 * wanted + 4);
        },
      ),
    );
  });
  it('gives equal ratios equal lengths', () => {
    const scale = logScale([1, 100], 6);
    const step = (from: number) => place(10 * from, scale, 0, 300) - place(from, scale, 0, 300);
    expect(step(1)).toBeCloseTo(step(10), 9);
    expect(scale.ticks).toContain(1);
    expect(scale.ticks).toContain(10);
  });
  it('is linear where a time is 0', () => {
    expect(logScale([0, 5], 5)).toMatchObject({ isLog: false, low: 0 });
  });
});

describe('raw samples', () => {
  it('have two hills where two ways were taken', () => {
    const two = Float64Array.from({ length: 200 }, (_, at) => (at % 2 === 0 ? 1 : 4) + (at % 7) / 50).sort();
    const { height = [] } = densityOf(two, true) ?? {};
    const peaks = height.filter((each, at) => each > (height[at - 1] ?? 0) && each >= (height[at + 1] ?? 0));
    expect(peaks.filter((each) => each > 0.5)).toHaveLength(2);
  });
  it('have a density around all samples that is the higher the nearer they lie', () => {
    const density = densityOf(Float64Array.of(1, 2, 2.1, 2.2, 9), false);
    expect(density?.ms[0]).toBeLessThan(1);
    expect(density?.ms.at(-1)).toBeGreaterThan(9);
    const highest = density?.height.indexOf(1) ?? 0;
    expect(density?.ms[highest]).toBeGreaterThan(1.7);
    expect(density?.ms[highest]).toBeLessThan(2.6);
  });
  it('have no density where all are equal', () => {
    expect(densityOf(Float64Array.of(2, 2, 2), true)).toBeNull();
  });
  it('are thinned to evenly spread ranks with both ends', () => {
    const sorted = Float64Array.from({ length: 1001 }, (_, at) => at);
    expect(spreadOut(sorted, 5)).toEqual([0, 250, 500, 750, 1000]);
    expect(spreadOut(sorted.slice(0, 3), 5)).toEqual([0, 1, 2]);
  });
});

describe('Q-Q plots', () => {
  it("put samples at Blom's normal quantiles", () => {
    const points = quantilePoints(Float64Array.of(1, 2, 3));
    // scipy.stats.norm.ppf([0.625 / 3.25, 0.5, 2.625 / 3.25])
    expect(points[0]?.normal).toBeCloseTo(-0.869423773288886, 12);
    expect(points[1]?.normal).toBeCloseTo(0, 12);
    expect(points[2]?.normal).toBeCloseTo(0.869423773288886, 12);
    expect(points.map(({ ms }) => ms)).toEqual([1, 2, 3]);
  });
});

describe('the breakdown', () => {
  it('adds up to the mean of the whole way', () => {
    const trial = makeTrial('two segments', {
      samples: [
        makeSample({ segmentMs: [2, 3], computeMs: 5.5, totalMs: 7.25 }),
        makeSample({ segmentMs: [2], computeMs: 2.5, totalMs: 4.25 }),
      ],
    });
    const rows = csvOf(pictureOf('breakdown', [trial])).map((row) => [
      row.get('part'),
      Number(row.get('mean_ms')),
    ]);
    expect(rows).toEqual([
      ['decode', 1],
      ['prepare', 0.5],
      ['segment 1', 2],
      ['segment 2', 1.5],
      ['between segments', 0.5],
      ['read the answer', 0.25],
    ]);
    expect(timeParts(trial).reduce((sum, { meanMs }) => sum + meanMs, 0)).toBe((7.25 + 4.25) / 2);
  });
});

describe('latency over time', () => {
  it('is told relative to the median of the strategy, pauses taking no time', () => {
    const hourMs = 3_600_000;
    const before = trialOf('a', Array(20).fill(2));
    const after = trialOf('a', Array(20).fill(3), {}, 1_700_000_000_000 + hourMs);
    const trial = { ...before, samples: [...before.samples, ...after.samples] };
    const rows = csvOf(pictureOf('over-time', [trial])).map(numbers);
    // 19 seconds before the pause, 19 after it.
    expect(Math.max(...rows.map((row) => row['to_minutes'] ?? 0))).toBeLessThan(1);
    expect(rows[0]).toMatchObject({ median_ms: 2, relative_to_own_median: 2 / 2.5 });
    expect(rows.at(-1)).toMatchObject({ median_ms: 3, relative_to_own_median: 3 / 2.5 });
    expect(rows.reduce((sum, row) => sum + (row['samples'] ?? 0), 0)).toBe(40);
  });
  it('shows the levels of the device that the unchanged model tells, and says so', () => {
    const slower = Array.from({ length: 100 }, (_, at) => (at < 50 ? 10 : 12) * (1 + (at % 3) / 1000));
    const trials = [
      trialOf('quantized', Array(100).fill(1), { strategy: quantized('quantized') }),
      trialOf('unchanged', slower),
    ];
    const picture = pictureOf('over-time', trials);
    expect(picture.finding).toContain('unchanged');
    const levels = csvOf(picture).filter((row) => row.get('kind') === 'device level');
    expect(levels).toHaveLength(2);
    const ratios = levels.map((row) => Number(row.get('relative_to_own_median')));
    expect((ratios[1] ?? 0) / (ratios[0] ?? 1)).toBeCloseTo(1.2, 2);
    const steady = pictureOf('over-time', [trialOf('unchanged', Array(100).fill(10))]);
    expect(csvOf(steady).filter((row) => row.get('kind') === 'device level')).toEqual([]);
  });
  it('draws stretches far beyond the others at the edge, counts them, and keeps them in its CSV', () => {
    const disturbed = Array.from({ length: 200 }, (_, at) =>
      at >= 50 && at < 60 ? 100 : 10 * (1 + (at % 5) / 100),
    );
    const other = trialOf('other', disturbed, { strategy: quantized('other') });
    const picture = pictureOf('over-time', [trialOf('unchanged', disturbed.slice(60)), other]);
    expect(picture.notes.join(' ')).toMatch(/^1 of \d+ stretches is far beyond .*; the CSV has all\.$/);
    const relative = csvOf(picture).map((row) => Number(row.get('relative_to_own_median')));
    expect(relative.filter((each) => each > 9)).toHaveLength(1);
    const texts = picture.draw(390).marks.flatMap((mark) => (mark.kind === 'text' ? [mark.text] : []));
    const ticks = texts.filter((text) => /^[+−]\d.* %$/.test(text));
    expect(ticks.some((text) => Number.parseFloat(text.replace('−', '-')) > 100)).toBe(false);
    const steady = pictureOf('over-time', [trialOf('unchanged', disturbed.slice(100))]);
    expect(steady.notes).toEqual([]);
  });
  it('has an axis whose ticks differ, however steady the device', () => {
    const picture = pictureOf('over-time', [trialOf('unchanged', [...Array(99).fill(10), 10.001])]);
    const texts = picture.draw(390).marks.flatMap((mark) => (mark.kind === 'text' ? [mark.text] : []));
    const ticks = texts.filter((text) => /^[+−±]/.test(text));
    expect(ticks.length).toBeGreaterThan(2);
    expect(new Set(ticks).size).toBe(ticks.length);
  });
});

describe('the effect matrix', () => {
  it('is what counting all pairs gives, and the opposite for a pair turned round', () => {
    const latencies: Readonly<Record<string, readonly number[]>> = {
      a: [1, 2, 3, 4, 5],
      b: [3, 3, 4, 8],
      c: [6, 7, 8, 9],
    };
    const rows = csvOf(
      pictureOf(
        'effect-sizes',
        Object.entries(latencies).map(([name, ms]) => trialOf(name, ms)),
      ),
    );
    expect(rows).toHaveLength(6);
    for (const row of rows) {
      const [mine = [], others = []] = [row.get('row'), row.get('column')].map(
        (name) => latencies[name ?? ''],
      );
      const pairs = mine.flatMap((x) => others.map((y): number => Math.sign(x - y)));
      const delta = pairs.reduce((sum, sign) => sum + sign, 0) / pairs.length;
      expect(Number(row.get('cliffs_delta'))).toBeCloseTo(delta, 12);
    }
    const letters = rows.map((row) => `${row.get('row')}${row.get('column')} ${row.get('letter')}`);
    expect(letters).toEqual(['ab M−', 'ac L−', 'ba M+', 'bc L−', 'ca L+', 'cb L+']);
  });
});

describe('the accuracy table', () => {
  it('adjusts exact McNemar tests against the unchanged model after Holm', () => {
    const right = (wrong: number) => Array.from({ length: 40 }, (_, image) => image >= wrong);
    const changed = (name: string, wrong: number) =>
      trialOf(name, [1, 2], {
        ...answered(right(wrong)),
        strategy: quantized(name),
      });
    const trials = [trialOf('unchanged', [1, 2], answered(right(0))), changed('bad', 10), changed('like', 5)];
    const rows = new Map(csvOf(pictureOf('accuracies', trials)).map((row) => [row.get('strategy'), row]));
    // Ten images against none: twice 2^-10; five against none: twice 2^-5.
    expect(numbers(rows.get('bad'))).toMatchObject({
      difference: -0.25,
      only_this_right: 0,
      only_reference_right: 10,
    });
    expect(numbers(rows.get('bad'))['p']).toBeCloseTo(2 * 2 ** -10, 12);
    expect(numbers(rows.get('bad'))['p_holm']).toBeCloseTo(4 * 2 ** -10, 12);
    expect(numbers(rows.get('like'))['p_holm']).toBeCloseTo(2 * 2 ** -5, 12);
    expect([...rows].map(([name, row]) => [name, row.get('verdict')])).toEqual([
      ['unchanged', 'reference'],
      ['like', 'not told apart'],
      ['bad', 'worse'],
    ]);
  });
});

describe('the front', () => {
  it('tells for certain what no resampling changes', () => {
    const trials = [measuredTrial('fast', 1, 60), measuredTrial('good', 4, 90), measuredTrial('bad', 9, 50)];
    const rows = csvOf(pictureOf('front', trials)).map((row) => [
      row.get('strategy'),
      row.get('on_front'),
      Number(row.get('front_probability')),
    ]);
    expect(rows.map(([name, isOn, chance]) => [name, isOn, Math.round(100 * Number(chance))])).toEqual([
      ['bad', '0', 0],
      ['fast', '1', 100],
      ['good', '1', 100],
    ]);
  });

  it('is over the axes that are chosen', () => {
    const trials = [measuredTrial('fast', 1, 60), measuredTrial('good', 4, 90)];
    const picture = pictureOf('front', trials, new Map(), { x: 'latencyP90Ms', y: 'agreement' });
    expect(picture.rows[0]).toEqual(expect.arrayContaining(['latencyP90Ms', 'agreement']));
  });
});

describe('hypervolume over time', () => {
  it('is that of the strategies that ran until then', () => {
    const later = 1_700_000_000_000 + 50_000;
    const trials = [
      trialOf('good', Array(10).fill(4), answered([true, true])),
      trialOf('fast', Array(10).fill(1), answered([true, false]), later),
    ];
    const rows = csvOf(pictureOf('hypervolume', trials)).map(numbers);
    // Scaled, `good` is at (1, 0), `fast` at (0, 1), the reference at (1.1, 1.1).
    expect(rows[0]?.['hypervolume']).toBeCloseTo(0.1 * 1.1, 12);
    expect(rows[0]).toMatchObject({ strategies: 1 });
    expect(rows.at(-1)?.['hypervolume']).toBeCloseTo(0.1 * 1.1 + 1 * 0.1, 12);
    expect(rows.at(-1)).toMatchObject({ share_of_final: 1, strategies: 2 });
  });
});

describe('parallel coordinates', () => {
  const trials = [measuredTrial('fast', 1, 60), measuredTrial('slow', 4, 90), makeTrial('queued')];
  it('have an axis for what differs, from worst to best', () => {
    const axes = parallelAxes(measuredTrials(trials)).map(({ axis, worst, best }) => [axis.id, worst, best]);
    expect(axes.slice(0, 3)).toEqual([
      ['accuracyTop1', 0.6, 0.9],
      ['agreement', 0.6, 0.9],
      ['latencyMedianMs', 4, 1],
    ]);
  });
  it('keep the trials within all limits, and say which in their file', () => {
    const limits = new Map([['latencyMedianMs', [0, 2]]] as const);
    expect(withinLimits(trials, limits).map(({ strategy }) => strategy.name)).toEqual(['fast']);
    expect(withinLimits(trials, new Map())).toEqual(trials);
    const picture = pictureOf('parallel-coordinates', trials, limits);
    expect(csvOf(picture).map((row) => [row.get('strategy'), row.get('within_limits')])).toEqual([
      ['fast', '1'],
      ['slow', '0'],
    ]);
    expect(picture.notes[0]).toContain('1 of 2 strategies');
  });
});
