import { finish } from '../../base/finish.ts';
import { seededRandom } from '../../base/random.ts';
import { type AxisId, axisOf } from '../metrics.ts';
import { addImage, labelsOf, meanIou, noPixels, pixelRows, pixelShare } from '../segmentation/pixel-sums.ts';
import { quantileOfSorted } from '../statistics/summary.ts';
import { qualityMarks } from './quality-difference.ts';
import { roundLevels } from './round-levels.ts';
import type { PixelAnswers, StrategyFacts } from './strategy-facts.ts';

/** How sure it is that a strategy is on the front. */
export interface FrontProbability {
  readonly trialId: string;
  readonly name: string;
  /** Share of the resampled studies in which no other dominates it. */
  readonly probability: number;
  /** The strategy that dominated it most often; null if none did. */
  readonly rival: { readonly trialId: string; readonly probability: number } | null;
}

/** A resampled value of each strategy, as a cost: lower is better. */
type Resample = (costs: Float64Array) => void;

/**
 * The chance of each strategy to be on the front, by bootstrap: rounds are drawn again for latencies, and images for
 * accuracies, the same for all strategies, since they ran in the same rounds on the same images. Sizes and counts are
 * exact. A strategy whose rounds or images are not known one by one counts with its value alone.
 * Strategies without a value on every axis, and failed ones, take no part.
 * @param resamples studies drawn
 * @param seed the same seed draws the same
 */
export function frontProbabilities(
  all: readonly StrategyFacts[],
  axes: readonly AxisId[],
  options: { readonly resamples?: number; readonly seed?: number } = {},
): readonly FrontProbability[] {
  return finish(frontProbabilitiesInParts(all, axes, options));
}

/** Resamples between which the caller may do something else; even of thousands of rounds they take some milliseconds. */
const RESAMPLES_PER_PART = 5;

/** The same, in parts: for threads that have to answer in between. */
export function* frontProbabilitiesInParts(
  all: readonly StrategyFacts[],
  axes: readonly AxisId[],
  { resamples = 2000, seed = 1 }: { readonly resamples?: number; readonly seed?: number } = {},
): Generator<void, readonly FrontProbability[], void> {
  const facts = all.filter(
    ({ state, values }) => state !== 'failed' && axes.every((axis) => values.has(axis)),
  );
  for (const each of facts) {
    // Kept; of all strategies at once it takes long.
    roundLevels(each);
    yield;
  }
  const random = seededRandom(seed);
  const draws = axes.map((axis) => resampleOf(axis, facts, random));
  const count = facts.length;
  const costs = draws.map(() => new Float64Array(count));
  const onFront = new Uint32Array(count);
  const dominated = new Uint32Array(count * count);
  for (let resample = 0; resample < resamples; resample++) {
    if (resample % RESAMPLES_PER_PART === 0) yield;
    draws.forEach((draw, axis) => draw(costs[axis] as Float64Array));
    for (let point = 0; point < count; point++) {
      let isOnFront = true;
      for (let other = 0; other < count; other++) {
        if (!dominates(costs, other, point)) continue;
        isOnFront = false;
        dominated[point * count + other] = (dominated[point * count + other] ?? 0) + 1;
      }
      if (isOnFront) onFront[point] = (onFront[point] ?? 0) + 1;
    }
  }
  return facts.map(({ trialId, name }, point) => {
    const times = dominated.subarray(point * count, (point + 1) * count);
    const most = times.reduce((best, each, other) => (each > (times[best] ?? 0) ? other : best), 0);
    const rival = facts[most];
    return {
      trialId,
      name,
      probability: (onFront[point] ?? 0) / resamples,
      rival:
        rival && (times[most] ?? 0) > 0
          ? { trialId: rival.trialId, probability: (times[most] ?? 0) / resamples }
          : null,
    };
  });
}

function dominates(costs: readonly Float64Array[], a: number, b: number): boolean {
  let isBetter = false;
  for (const cost of costs) {
    const [costA, costB] = [cost[a] as number, cost[b] as number];
    if (costA > costB) return false;
    if (costA < costB) isBetter = true;
  }
  return isBetter;
}

function resampleOf(axis: AxisId, facts: readonly StrategyFacts[], random: () => number): Resample {
  const sign = axisOf(axis).better === 'lower' ? 1 : -1;
  const values = Float64Array.from(facts, (each) => sign * (each.values.get(axis) ?? Number.NaN));
  switch (axis) {
    case 'latencyMedianMs':
    case 'latencyMeanMs':
      return resampleRounds(facts.map(roundLevels), values, random);
    case 'latencyP90Ms':
      return resampleRounds(facts.map(roundTails), values, random);
    case 'miou':
      return resamplePixels(facts, ({ counts }) => counts, meanIou, values, random);
    case 'pixelAccuracy':
      return resamplePixels(facts, ({ counts }) => counts, pixelShare, values, random);
    case 'accuracyTop1':
      return resampleImages(facts, 'accuracy', values, random);
    case 'agreement':
      if (facts.some(({ pixels }) => pixels !== null))
        return resamplePixels(facts, ({ agreement }) => agreement, pixelShare, values, random);
      return resampleImages(facts, 'agreement', values, random);
    default:
      return (costs) => costs.set(values);
  }
}

/** Moves each value by the ratio of its resampled level to its level: the geometric mean over rounds. */
function resampleRounds(
  levels: readonly ReadonlyMap<number, number>[],
  values: Float64Array,
  random: () => number,
): Resample {
  const rounds = [...new Set(levels.flatMap((each) => [...each.keys()]))];
  const logs = levels.map((each) => {
    const known = [...each.values()].map(Math.log);
    const mean = known.reduce((sum, log) => sum + log, 0) / known.length;
    // A round that a strategy lacks says nothing of it.
    return Float64Array.from(rounds, (round) => {
      const level = each.get(round);
      return level === undefined ? Number.NaN : Math.log(level) - mean;
    });
  });
  const drawn = new Uint32Array(rounds.length);
  return (costs) => {
    for (let at = 0; at < drawn.length; at++) drawn[at] = Math.floor(random() * rounds.length);
    for (let point = 0; point < values.length; point++) {
      const own = logs[point] as Float64Array;
      let [sum, count] = [0, 0];
      for (let at = 0; at < drawn.length; at++) {
        const log = own[drawn[at] as number] as number;
        if (Number.isNaN(log)) continue;
        sum += log;
        count++;
      }
      costs[point] = (values[point] as number) * (count === 0 ? 1 : Math.exp(sum / count));
    }
  };
}

/** The 90th percentile of each round. */
function roundTails({ latencyMs, round }: StrategyFacts): ReadonlyMap<number, number> {
  const rounds = new Map<number, number[]>();
  latencyMs.forEach((ms, at) => {
    const number = round[at] ?? 0;
    const some = rounds.get(number);
    if (some) some.push(ms);
    else rounds.set(number, [ms]);
  });
  return new Map(
    [...rounds].flatMap(([number, some]) => {
      const tail = quantileOfSorted(Float64Array.from(some).sort(), 0.9);
      return tail > 0 ? [[number, tail]] : [];
    }),
  );
}

/**
 * Draws images again. Most images are answered alike by all strategies in one of few ways, so images are counted by
 * which strategies get them right.
 */
function resampleImages(
  facts: readonly StrategyFacts[],
  measure: 'accuracy' | 'agreement',
  values: Float64Array,
  random: () => number,
): Resample {
  const all = qualityMarks(facts);
  const marks = facts.map((each) => all.get(each)?.[measure] ?? null);
  const [known] = marks.filter((each) => each !== null);
  if (!known) return (costs) => costs.set(values);
  const groups = new Map<string, number>();
  const patterns: Int8Array[] = [];
  const groupOfImage: number[] = [];
  for (let image = 0; image < known.length; image++) {
    const pattern = Int8Array.from(marks, (each) => each?.[image] ?? -1);
    if (pattern.every((mark) => mark === -1)) continue;
    const key = pattern.join();
    let group = groups.get(key);
    if (group === undefined) {
      groups.set(key, (group = patterns.length));
      patterns.push(pattern);
    }
    groupOfImage.push(group);
  }
  const images = Uint32Array.from(groupOfImage);
  // By strategy, so that the sums below run over neighbours in memory.
  const rightOf = marks.map((_, point) =>
    Uint8Array.from(patterns, (pattern) => (pattern[point] === 1 ? 1 : 0)),
  );
  const askedOf = marks.map((_, point) =>
    Uint8Array.from(patterns, (pattern) => (pattern[point] === -1 ? 0 : 1)),
  );
  const counts = new Uint32Array(patterns.length);
  return (costs) => {
    counts.fill(0);
    for (let drawn = 0; drawn < images.length; drawn++) {
      const group = images[Math.floor(random() * images.length)] as number;
      counts[group] = (counts[group] as number) + 1;
    }
    for (let point = 0; point < values.length; point++) {
      const asked = marks[point] === null ? 0 : weighed(counts, askedOf[point] as Uint8Array);
      // More is better.
      costs[point] =
        asked === 0 ? (values[point] as number) : -weighed(counts, rightOf[point] as Uint8Array) / asked;
    }
  };
}

/**
 * Draws images again, whose pixels are counted.
 * @param countsOf what is counted of each image
 * @param valueOf what sums of counts come to; more is better
 */
function resamplePixels(
  facts: readonly StrategyFacts[],
  countsOf: (pixels: PixelAnswers) => PixelAnswers['agreement'],
  valueOf: (sums: Float64Array) => number,
  values: Float64Array,
  random: () => number,
): Resample {
  const all = facts.map(({ pixels }) => {
    const counts = pixels && countsOf(pixels);
    return new Map(pixels?.images.map((image, at) => [image, counts?.[at] ?? null]));
  });
  const images = [...new Set(all.flatMap((counts) => [...counts.keys()]))];
  // An image that a strategy has no counts of adds nothing.
  const tables = all.map((counts) => {
    const known = images.map((image) => counts.get(image) ?? []);
    const table = pixelRows(known, labelsOf(known));
    return { table, sums: noPixels(table) };
  });
  const drawn = new Uint32Array(images.length);
  return (costs) => {
    drawn.fill(0);
    for (let at = 0; at < images.length; at++) {
      const image = Math.floor(random() * images.length);
      drawn[image] = (drawn[image] as number) + 1;
    }
    tables.forEach(({ table, sums }, point) => {
      sums.fill(0);
      for (let image = 0; image < images.length; image++)
        if (drawn[image] !== 0) addImage(sums, table, image, drawn[image]);
      const value = valueOf(sums);
      costs[point] = Number.isNaN(value) ? (values[point] as number) : -value;
    });
  };
}

function weighed(counts: Uint32Array, weights: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < counts.length; at++) sum += (counts[at] as number) * (weights[at] as number);
  return sum;
}
