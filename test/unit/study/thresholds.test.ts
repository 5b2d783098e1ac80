import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import {
  between,
  learnThresholds,
  paretoThresholds,
  splitHalves,
} from '../../../src/study/learn-thresholds.ts';
import {
  evaluateThresholds,
  type ExitScores,
  NEVER,
  type ThresholdTable,
  thresholdTable,
  type Thresholds,
  uniformSweep,
} from '../../../src/study/thresholds.ts';

/** A table of exits that are surer and better the later they come; few distinct confidences, so that there are ties. */
function randomTable(exits: number, images: number, seed: number, levels = 12): ThresholdTable {
  const random = seededRandom(seed);
  return {
    images,
    judged: Uint8Array.from({ length: images }, () => (random() < 0.9 ? 1 : 0)),
    exits: Array.from({ length: exits }, (_, exit) => {
      const confidence = Float64Array.from({ length: images }, () => Math.ceil(random() * levels) / levels);
      return {
        index: exit,
        latencyMs: 1 + exit + random(),
        confidence,
        correct: Uint8Array.from(confidence, (sure) => (random() < 0.3 + 0.1 * exit + 0.4 * sure ? 1 : 0)),
      };
    }),
  };
}

const allOf = (table: ThresholdTable) => Uint32Array.from({ length: table.images }, (_, image) => image);

/** Word for word: an image leaves where it is first confident enough. */
function replay(table: ThresholdTable, thresholds: Thresholds) {
  let [correct, latencyMs] = [0, 0];
  for (let image = 0; image < table.images; image++) {
    const exit = table.exits.find(
      ({ confidence }, at) => (confidence[image] as number) >= (thresholds[at] ?? 0),
    );
    correct += exit?.correct[image] as number;
    latencyMs += (exit?.latencyMs as number) / table.images;
  }
  return { correct, latencyMs };
}

/** Every choice between the distinct confidences. */
function everyVector(table: ThresholdTable): Thresholds[] {
  return table.exits
    .slice(0, -1)
    .map(({ confidence }) => [...new Set(confidence), NEVER])
    .reduce<Thresholds[]>(
      (vectors, choices) => vectors.flatMap((v) => choices.map((choice) => [...v, choice])),
      [[]],
    );
}

/** The least latency for at least so many right answers. */
function bestLatencyMs(outcomes: readonly { correct: number; latencyMs: number }[], correct: number) {
  return Math.min(...outcomes.filter((each) => each.correct >= correct).map(({ latencyMs }) => latencyMs));
}

describe('evaluateThresholds', () => {
  it('equals letting every image walk from exit to exit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer(),
        fc.array(fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(NEVER)), {
          minLength: 4,
          maxLength: 4,
        }),
        (exits, seed, values) => {
          const table = randomTable(exits, 40, seed);
          const thresholds = values.slice(0, exits - 1);
          const outcome = evaluateThresholds(table, thresholds);
          const { correct, latencyMs } = replay(table, thresholds);
          expect(outcome.correct).toBe(correct);
          expect(outcome.latencyMs).toBeCloseTo(latencyMs, 9);
          expect(outcome.shares.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
        },
      ),
    );
  });

  it('never lets an image without a number leave early', () => {
    const table = randomTable(2, 3, 1);
    table.exits[0]?.confidence.fill(Number.NaN);
    expect(evaluateThresholds(table, [0.1]).shares).toEqual([0, 1]);
  });

  it('goes from all leaving early to none', () => {
    const sweep = uniformSweep(randomTable(3, 200, 4));
    const latencies = sweep.map(({ latencyMs }) => latencyMs);
    expect(latencies).toEqual(latencies.toSorted((a, b) => a - b));
    expect(sweep.at(-1)?.shares).toEqual([0, 0, 1]);
  });
});

describe('thresholdTable', () => {
  const pass: ExitScores = {
    imageIndices: [7, 3],
    classCount: 2,
    exits: [
      { index: 0, output: 'a', kind: 'logits', scores: Float32Array.of(0, 0, 0, 9), latencyMs: 1 },
      { index: 1, output: 'b', kind: 'logits', scores: Float32Array.of(9, 0, 0, 9), latencyMs: 2 },
    ],
  };

  it('compares with the truth, and leaves out images without one', () => {
    const table = thresholdTable(pass, 'margin', [1, null]);
    expect([...table.judged]).toEqual([1, 0]);
    expect(table.exits.map(({ correct }) => [...correct])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(table.exits[0]?.confidence[0]).toBe(0);
    expect(evaluateThresholds(table, [0.5]).shares).toEqual([0.5, 0.5]);
  });

  it('takes scores that are not numbers for no answer: wrong, agreeing with nothing, never leaving early', () => {
    const exits = pass.exits.map((exit) => ({ ...exit, scores: exit.scores.with(1, Number.NaN) }));
    for (const truth of [null, [0, 1]]) {
      const table = thresholdTable({ ...pass, exits }, 'max-softmax', truth);
      expect([...table.judged]).toEqual([1, 1]);
      const outcome = evaluateThresholds(table, [0.1]);
      expect(outcome.correct).toBe(1);
      expect(outcome.accuracy).toBe(0.5);
      expect(outcome.shares).toEqual([0.5, 0.5]);
    }
    expect([...thresholdTable({ ...pass, exits }, 'max-softmax', [null, 1]).judged]).toEqual([0, 1]);
  });

  it('compares with the final exit where there is no truth', () => {
    const table = thresholdTable(pass, 'max-softmax', null);
    expect(evaluateThresholds(table, [NEVER]).accuracy).toBe(1);
    expect(table.exits.map(({ correct }) => [...correct])).toEqual([
      [1, 1],
      [1, 1],
    ]);
  });
});

describe('paretoThresholds', () => {
  it.each([2, 3])('with %i exits finds what trying everything finds', (exits) => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const table = randomTable(exits, 30, seed);
        const every = everyVector(table).map((vector) => evaluateThresholds(table, vector));
        const found = paretoThresholds(table, allOf(table)).map((v) => evaluateThresholds(table, v));
        for (const { correct } of every) {
          expect(bestLatencyMs(found, correct)).toBeCloseTo(bestLatencyMs(every, correct), 9);
        }
        // And nothing in it that something else in it beats.
        for (const point of found) expect(bestLatencyMs(found, point.correct)).toBe(point.latencyMs);
        expect(found.map(({ latencyMs }) => latencyMs)).toEqual(
          found.map(({ latencyMs }) => latencyMs).toSorted((a, b) => a - b),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('with more exits comes close to trying everything', () => {
    // Too many choices to look at all of them in the time that is given, few enough to do so here.
    const table = randomTable(4, 3000, 6, 60);
    const every = new Map<number, number>();
    for (const vector of everyVector(table).filter((_, at) => at % 97 === 0)) {
      const { correct, latencyMs } = evaluateThresholds(table, vector);
      every.set(correct, Math.min(latencyMs, every.get(correct) ?? Number.POSITIVE_INFINITY));
    }
    const found = paretoThresholds(table, allOf(table)).map((v) => evaluateThresholds(table, v));
    const ratios = [...every].map(([correct, latencyMs]) => bestLatencyMs(found, correct) / latencyMs);
    expect(Math.max(...ratios)).toBeLessThan(1.01);
  });

  it('is nowhere worse than one threshold for all exits, on the images it learns from', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.integer({ min: 1, max: 30 }),
        fc.integer(),
        (exits, half, seed) => {
          const table = randomTable(exits, 2 * half, seed, 1000);
          const { validation } = splitHalves(table.images, seed);
          const found = learnThresholds(table, seed).map((each) => each.validation);
          for (const { correct, latencyMs } of uniformSweep(table, 100, validation))
            expect(bestLatencyMs(found, correct)).toBeLessThanOrEqual(latencyMs + 1e-9);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('closes no exit and opens none without images or early exits', () => {
    expect(paretoThresholds(randomTable(1, 5, 1), allOf(randomTable(1, 5, 1)))).toEqual([[]]);
  });
});

describe('learnThresholds', () => {
  it('chooses on one half and reports on the other', () => {
    const table = randomTable(3, 201, 5);
    const { validation, test } = splitHalves(201, 8);
    expect([...validation, ...test].sort((a, b) => a - b)).toEqual([...allOf(table)]);
    for (const point of learnThresholds(table, 8)) {
      expect(point.validation).toEqual(evaluateThresholds(table, point.thresholds, validation));
      expect(point.test).toEqual(evaluateThresholds(table, point.thresholds, test));
    }
    expect(splitHalves(201, 8)).toEqual({ validation, test });
    expect(splitHalves(201, 9)).not.toEqual({ validation, test });
  });

  it('names thresholds that recipes can hold', () => {
    for (const { thresholds } of learnThresholds(randomTable(3, 120, 2, 1000), 1)) {
      for (const each of thresholds) expect(each === NEVER || (each > 0 && each <= 1)).toBe(true);
    }
  });
});

describe('between', () => {
  it('is above the lower and up to the higher, in as few digits as that takes', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (a, b) => {
          fc.pre(a !== b);
          const [low, high] = [Math.min(a, b), Math.max(a, b)];
          const found = between(low, high);
          expect(found > low && found <= high).toBe(true);
        },
      ),
    );
    expect(between(0.5, 0.9)).toBe(0.7);
    expect(between(0.8812, 0.8836)).toBe(0.882);
  });
});
