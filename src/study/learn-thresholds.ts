import { defined } from '../base/assert.ts';
import { seededRandom, shuffled } from '../base/random.ts';
import {
  evaluateThresholds,
  meanLatencyMs,
  NEVER,
  type ThresholdOutcome,
  type Thresholds,
  type ThresholdTable,
  UNIFORM_STEPS,
  uniformSweep,
} from './thresholds.ts';

/** Thresholds chosen on one half of the images, and what they give on the other half. */
export interface LearnedThresholds {
  readonly thresholds: Thresholds;
  /** On the half they were chosen on: flattering. */
  readonly validation: ThresholdOutcome;
  /** On the half that had no say: what to expect of new images. */
  readonly test: ThresholdOutcome;
}

/** Positions in a table, split by a seed. */
export function splitHalves(images: number, seed: number): { validation: Uint32Array; test: Uint32Array } {
  const order = shuffled(
    Array.from({ length: images }, (_, image) => image),
    seededRandom(seed),
  );
  const middle = Math.ceil(images / 2);
  return {
    validation: Uint32Array.from(order.slice(0, middle)).sort(),
    test: Uint32Array.from(order.slice(middle)).sort(),
  };
}

/**
 * The Pareto-best thresholds: no others found are at least as accurate and faster, or more accurate and no slower,
 * on a validation half of the images. Each is also evaluated on the other half.
 *
 * The last of the thresholds is swept exactly for choices of those before it: for all choices where that is
 * affordable, which makes the front exact (always for two exits, for three up to some 3,400 validation images), else for
 * a grid of evenly spread quantiles; then every threshold in turn is swept exactly with the others held, from each
 * vector of the front, until no sweep improves it or `EFFORT` is spent.
 * @param seed splits the images
 * @returns the fastest first; of very many an even choice
 */
export function learnThresholds(table: ThresholdTable, seed: number): readonly LearnedThresholds[] {
  const { validation, test } = splitHalves(table.images, seed);
  return thinned(paretoThresholds(table, validation), MOST_LEARNED).map((thresholds) => ({
    thresholds,
    validation: evaluateThresholds(table, thresholds, validation),
    test: evaluateThresholds(table, thresholds, test),
  }));
}

/**
 * At most so many of learned thresholds, spread evenly over their latencies, the fastest and the slowest among them.
 * @param learned the fastest first
 */
export function spreadOut(learned: readonly LearnedThresholds[], most: number): readonly LearnedThresholds[] {
  const [first, last] = [learned[0], learned.at(-1)];
  if (learned.length <= most || !first || !last || most < 2) return learned.slice(0, most);
  const latencyOf = (each: LearnedThresholds): number => each.validation.latencyMs;
  const stepMs = (latencyOf(last) - latencyOf(first)) / (most - 1);
  const nearest = Array.from({ length: most }, (_, step) => {
    const wantedMs = latencyOf(first) + step * stepMs;
    const distance = (each: LearnedThresholds): number => Math.abs(latencyOf(each) - wantedMs);
    return learned.reduce((best, each) => (distance(each) < distance(best) ? each : best), first);
  });
  return [...new Set(nearest)];
}

/** Neighbours on a front of more differ by less than anybody can measure. */
const MOST_LEARNED = 300;

/** Images looked at during a search, all sweeps together: a second on a slow device. */
const EFFORT = 12e6;

/** The search behind `learnThresholds`, on some images of a table. */
export function paretoThresholds(table: ThresholdTable, images: Uint32Array): readonly Thresholds[] {
  const early = table.exits.length - 1;
  const closed = new Array<number>(early).fill(NEVER);
  const found = new Archive(images.length);
  const all = evaluateThresholds(table, closed, images);
  found.keep(all.correct, all.latencyMs, { thresholds: closed, exit: 0, low: 1, high: NEVER });
  if (early === 0 || images.length === 0) return found.front();

  // One threshold for all is what most people would try: nothing found may be worse.
  const last = early - 1;
  for (const { correct, latencyMs, thresholds } of uniformSweep(table, UNIFORM_STEPS, images)) {
    const threshold = thresholds[last] as number;
    if (found.isNews(correct, latencyMs))
      found.keep(correct, latencyMs, { thresholds, exit: last, low: threshold, high: threshold });
  }
  const orders = table.exits.slice(0, early).map(({ confidence }) => orderedBy(confidence, images));
  const sweep = (thresholds: Thresholds, exit: number): void =>
    sweepExit(table, images, defined(orders[exit], 'order'), thresholds, exit, found);
  const mostSweeps = EFFORT / images.length;
  const lists = orders.slice(0, -1).map((order, exit) => candidates(table, exit, order));
  const isExact = lists.reduce((product, { length }) => product * length, 1) <= mostSweeps;
  const perExit = isExact ? Number.POSITIVE_INFINITY : Math.floor((mostSweeps / 2) ** (1 / lists.length));
  sweepGrid(
    lists.map((list) => thinned(list, perExit)),
    (thresholds) => sweep([...thresholds, NEVER], early - 1),
  );
  if (!isExact) searchLocally(found, early, sweep, mostSweeps / 2);
  return found.front();
}

/** Calls for every choice of one threshold from each list. */
function sweepGrid(lists: readonly (readonly number[])[], visit: (thresholds: Thresholds) => void): void {
  const [list, ...others] = lists;
  if (list === undefined) return visit([]);
  for (const threshold of list) sweepGrid(others, (rest) => visit([threshold, ...rest]));
}

/** At most so many of a list, both ends among them, evenly spread. */
function thinned<T>(list: readonly T[], most: number): readonly T[] {
  if (list.length <= most) return list;
  const count = Math.max(2, most);
  return Array.from(
    { length: count },
    (_, at) => list[Math.round((at / (count - 1)) * (list.length - 1))] as T,
  );
}

/** Sweeps every threshold of every vector of the front, until nothing is new. */
function searchLocally(
  found: Archive,
  early: number,
  sweep: (thresholds: Thresholds, exit: number) => void,
  mostSweeps: number,
): void {
  const expanded = new Set<string>();
  let sweeps = 0;
  for (let isNew = true; isNew; ) {
    isNew = false;
    for (const thresholds of found.front()) {
      const key = thresholds.join();
      if (expanded.has(key)) continue;
      expanded.add(key);
      isNew = true;
      for (let exit = 0; exit < early; exit++) {
        if (++sweeps > mostSweeps) return;
        sweep(thresholds, exit);
      }
    }
  }
}

/**
 * Offers every distinct threshold of one exit, the others held. Sorted by confidence, images go over one by one
 * from where they would leave later to this exit, so that a sweep is linear in the images.
 */
function sweepExit(
  table: ThresholdTable,
  images: Uint32Array,
  order: Uint32Array,
  thresholds: Thresholds,
  exit: number,
  found: Archive,
): void {
  const { exits } = table;
  const last = exits.length - 1;
  const here = defined(exits[exit], `exit ${exit}`);
  const leaving = new Array<number>(exits.length).fill(0);
  let correct = 0;
  // Where each image leaves if not here; 255: before.
  const later = new Uint8Array(table.images);
  for (const image of images) {
    let at = 0;
    while (
      at < last &&
      (at === exit || !((exits[at]?.confidence[image] as number) >= (thresholds[at] as number)))
    )
      at++;
    later[image] = at < exit ? 255 : at;
    leaving[at] = (leaving[at] as number) + 1;
    correct += exits[at]?.correct[image] as number;
  }
  const offer = (low: number, high: number): void => {
    const latencyMs = meanLatencyMs(table, leaving);
    if (found.isNews(correct, latencyMs)) found.keep(correct, latencyMs, { thresholds, exit, low, high });
  };
  offer(1, NEVER);
  let confidence = NEVER;
  for (const image of order) {
    if (later[image] === 255) continue;
    const next = here.confidence[image] as number;
    // Images of equal confidence leave together.
    if (next < confidence && confidence !== NEVER) offer(next, confidence);
    if (!(next > 0)) return;
    confidence = next;
    const before = later[image] as number;
    leaving[before] = (leaving[before] as number) - 1;
    leaving[exit] = (leaving[exit] as number) + 1;
    correct += (here.correct[image] as number) - (exits[before]?.correct[image] as number);
  }
  if (confidence !== NEVER) offer(0, confidence);
}

/** A vector whose threshold of one exit may lie anywhere above `low` and up to `high`. */
interface Candidate {
  readonly thresholds: Thresholds;
  readonly exit: number;
  readonly low: number;
  readonly high: number;
}

/** The fastest vector known for each number of right answers. */
class Archive {
  private readonly latencyMs: Float64Array;
  private readonly candidates: (Candidate | undefined)[];

  constructor(images: number) {
    this.latencyMs = new Float64Array(images + 1).fill(Number.POSITIVE_INFINITY);
    this.candidates = new Array<Candidate | undefined>(images + 1).fill(undefined);
  }

  isNews(correct: number, latencyMs: number): boolean {
    return latencyMs < (this.latencyMs[correct] as number);
  }

  keep(correct: number, latencyMs: number, candidate: Candidate): void {
    this.latencyMs[correct] = latencyMs;
    this.candidates[correct] = candidate;
  }

  /** The fastest first. */
  front(): Thresholds[] {
    const front: Thresholds[] = [];
    let fastestMs = Number.POSITIVE_INFINITY;
    for (let correct = this.latencyMs.length - 1; correct >= 0; correct--) {
      const candidate = this.candidates[correct];
      if (candidate === undefined || (this.latencyMs[correct] as number) >= fastestMs) continue;
      fastestMs = this.latencyMs[correct] as number;
      const { thresholds, exit, low, high } = candidate;
      // Only now: most candidates are beaten before anybody wants to read them.
      front.push(
        exit < thresholds.length
          ? thresholds.with(exit, high === NEVER ? NEVER : between(low, high))
          : thresholds,
      );
    }
    return front.reverse();
  }
}

/** One threshold between each two neighbouring confidences of an exit, `NEVER` first. */
function candidates(table: ThresholdTable, exit: number, order: Uint32Array): number[] {
  const confidence = defined(table.exits[exit], `exit ${exit}`).confidence;
  const sorted = Array.from(order, (image) => confidence[image] as number).filter((each) => each > 0);
  const distinct = sorted.filter((each, at) => each !== sorted[at - 1]);
  return [NEVER, ...distinct.map((high, at) => between(distinct[at + 1] ?? 0, high))];
}

/** The most confident first; those without a number are left out, because they never leave. */
function orderedBy(confidence: Float64Array, images: Uint32Array): Uint32Array {
  return images
    .filter((image) => !Number.isNaN(confidence[image]))
    .sort((a, b) => (confidence[b] as number) - (confidence[a] as number) || a - b);
}

/**
 * The shortest decimal above `low` and up to `high`, near their middle: what people can read, and what does not
 * hang on the last digit of one image.
 */
export function between(low: number, high: number): number {
  const middle = (low + high) / 2;
  for (let digits = 2; digits <= 15; digits++) {
    const rounded = Number(middle.toFixed(digits));
    if (low < rounded && rounded <= high) return rounded;
  }
  return high;
}
