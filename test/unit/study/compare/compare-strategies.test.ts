import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  type Comparison,
  type Comparisons,
  compareStrategies,
  comparisonsWith,
  type LatencyComparison,
  latencyVerdict,
} from '../../../../src/study/compare/compare-strategies.ts';
import { comparisonSentence } from '../../../../src/study/compare/comparison-text.ts';
import { pairedDifference } from '../../../../src/study/compare/paired-difference.ts';
import { roundLevels } from '../../../../src/study/compare/round-levels.ts';
import { factsOf } from '../../../../src/study/compare/strategy-facts.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import { NO_CLASS, type Predictions, type Protocol } from '../../../../src/study/trial.ts';
import { NOISY_DEVICE, type SimulatedDevice, simulateStudy } from '../../../fixtures/simulated-study.ts';
import { environment, makeSample, makeTrial } from '../trials.ts';
import { simulatedFacts, STANDARD_LENGTH, withRight } from './evaluated.ts';

const studies = 200;

/** A trial whose rounds are at these levels, evaluated like this. */
function trialOf(name: string, levels: readonly number[], predictions: Partial<Predictions> | null = null) {
  const count = predictions?.top1?.length ?? 0;
  return makeTrial(name, {
    samples: levels.flatMap((computeMs, round) =>
      [0.9, 1, 1.1].map((factor, at) =>
        makeSample({ round, sequence: 10 * round + at, computeMs: factor * computeMs }),
      ),
    ),
    predictions: predictions && {
      imageIndices: Array.from({ length: count }, (_, at) => at),
      top1: [],
      top5: Array.from({ length: count }, () => []),
      confidence: Array.from({ length: count }, () => 0.5),
      exitIndex: Array.from({ length: count }, () => null),
      ...predictions,
    },
  });
}

function compared(comparison: Comparison | undefined): LatencyComparison & { kind: 'compared' } {
  if (comparison?.latency.kind !== 'compared') throw new Error('not compared');
  return comparison.latency;
}

function simulated(
  latenciesMs: readonly number[],
  protocol: Protocol,
  device: SimulatedDevice,
  seed: number,
): Comparisons {
  const strategies = latenciesMs.map((latencyMs, at) => ({ name: `S${at}`, latencyMs }));
  return compareStrategies(simulateStudy(strategies, protocol, device, seed).trials.map(factsOf));
}

function differences({ comparisons }: Comparisons): readonly Comparison[] {
  return comparisons.filter((each) => compared(each).isDifferent);
}

describe('200 simulated studies', () => {
  const throttling = { ...NOISY_DEVICE, throttling: { afterMs: 3000, ratio: 1.4 } };

  it.each([
    ['standard', NOISY_DEVICE, STANDARD_LENGTH],
    ['standard, throttling', throttling, STANDARD_LENGTH],
    ['quick', NOISY_DEVICE, PROTOCOLS.quick],
  ] as const)('call identical variants different in at most 7 of 100 (%s)', (_, device, protocol) => {
    let [alarms, shown, seeming] = [0, 0, 0];
    for (let study = 0; study < studies; study++) {
      const found = simulated([10, 10, 10], protocol, device, study);
      const withFirst = comparisonsWith(found, found.comparisons[0]?.a.trialId ?? '');
      if (differences(found).length > 0) alarms++;
      if (differences(withFirst).length > 0) shown++;
      if (found.comparisons.some((each) => latencyVerdict(compared(each)) === 'seems-different')) seeming++;
    }
    for (const count of [alarms, shown, seeming]) expect(count).toBeLessThanOrEqual(0.07 * studies);
  });

  it.each([
    ['steady', NOISY_DEVICE],
    ['throttling', throttling],
  ] as const)('find a slowdown by a twentieth in at least 9 of 10 of Standard length (%s)', (_, device) => {
    let found = 0;
    for (let study = 0; study < studies; study++) {
      const slow = differences(simulated([10, 10, 10.5], STANDARD_LENGTH, device, study));
      if (slow.filter(({ b }) => b.name === 'S2').length === 2) found++;
    }
    expect(found).toBeGreaterThanOrEqual(0.9 * studies);
  });
});

describe('pairedDifference', () => {
  it('tells what the trimmed mean of log ratios and its t interval are', () => {
    // scipy.stats.ttest_1samp(log ratios, 0, trim=0.2)-like numbers by hand: four rounds are too few to trim.
    const found = pairedDifference(
      [1.1, 1.2, 1.1, 1.2].map((ratio) => [10, 10 * ratio] as const),
      0,
    );
    const [low, high] = [Math.log(1.1), Math.log(1.2)];
    const mean = (low + high) / 2;
    const error = (high - low) / 2 / Math.sqrt(3);
    expect(found?.ratio).toBeCloseTo(Math.exp(mean), 12);
    // Student's t with 3 degrees of freedom: 3.182446305 encloses 95 %.
    expect(found?.high).toBeCloseTo(Math.exp(mean + 3.182446305284263 * error), 9);
    expect(found?.low).toBeCloseTo(Math.exp(mean - 3.182446305284263 * error), 9);
  });

  it('is the same seen from the other side', () => {
    const random = seededRandom(4);
    const levels = Array.from({ length: 20 }, () => [1 + random(), 1.5 + random()] as const);
    const [one, other] = [
      pairedDifference(levels),
      pairedDifference(levels.map(([a, b]) => [b, a] as const)),
    ];
    expect((one?.ratio ?? 0) * (other?.ratio ?? 0)).toBeCloseTo(1, 12);
    expect((one?.low ?? 0) * (other?.high ?? 0)).toBeCloseTo(1, 12);
    expect(one?.p).toBeCloseTo(other?.p ?? 0, 12);
  });

  it('does not call 1 % a difference, however sure it is', () => {
    const levels = Array.from({ length: 200 }, (_, at) => [10, 10.09 + 0.001 * (at % 3)] as const);
    expect(pairedDifference(levels)?.p).toBe(1);
    expect(pairedDifference(levels, 0)?.p).toBeLessThan(1e-100);
  });

  it('counts rounds where a coarse timer gives the same difference each time', () => {
    const levels = (rounds: number) => Array.from({ length: rounds }, () => [10, 10.1] as const);
    expect(pairedDifference(levels(5), 0)).toMatchObject({ method: 'sign', p: 2 ** -4 });
    expect(pairedDifference(levels(20), 0)?.p).toBe(2 ** -19);
    expect(pairedDifference(Array.from({ length: 9 }, () => [7, 7] as const))?.p).toBe(1);
    expect(pairedDifference([[1, 2]])).toBeNull();
  });
});

describe('roundLevels', () => {
  it('averages the medians of exits by how many left there, where a median would jump', () => {
    const samples = [1, 1, 1, 9, 9].map((computeMs) =>
      makeSample({ computeMs, exitIndex: computeMs === 1 ? 0 : 1 }),
    );
    expect([...roundLevels(factsOf(makeTrial('E', { samples })))]).toEqual([[0, (3 * 1 + 2 * 9) / 5]]);
  });

  it('averages times of a few steps of a coarse clock, of which a median would be one', () => {
    const levelOf = (times: readonly number[]) => {
      const samples = times.map((computeMs) => makeSample({ computeMs }));
      return roundLevels(factsOf(makeTrial('coarse', { samples }))).get(0);
    };
    expect(levelOf([0, 0, 0.1, 0, 0])).toBeCloseTo(0.02, 9);
    expect(levelOf([0.3, 0.3, 0.4])).toBeCloseTo(1 / 3, 9);
    expect(levelOf([0.31, 0.345, 0.98]), 'a fine clock').toBe(0.345);
    expect(levelOf([20.1, 20.2, 25.9]), 'many steps').toBe(20.2);
    expect(levelOf([0, 0, 0])).toBeUndefined();
  });

  it('leaves the warm-up out', () => {
    const samples = [makeSample({ computeMs: 100, warmUp: true }), makeSample({ computeMs: 2 })];
    expect([...roundLevels(factsOf(makeTrial('any', { samples })))]).toEqual([[0, 2]]);
  });
});

describe('compareStrategies', () => {
  const levels = [10, 11, 12, 10, 11, 12, 10, 11, 12, 10, 11, 12];
  const slower = levels.map((level, at) => level * (at % 2 === 0 ? 1.7 : 1.75));
  const labels = Array.from({ length: 40 }, () => 1);
  const all = { top1: labels.map(() => 1), labels };
  const lossy = { top1: labels.map((_, at) => (at < 4 ? 0 : 1)), labels };

  it('says each comparison in one sentence with its numbers', () => {
    const facts = [trialOf('Q', slower, all), trialOf('QE', levels, lossy)].map(factsOf);
    const found = compareStrategies(facts);
    expect(comparisonSentence(found.comparisons[0] as Comparison, found)).toBe(
      'QE is 1.72 × as fast as Q (95 % interval 1.70–1.75, p < 0.0001), and not told apart from it by accuracy (10.0 points less accurate, 95 % interval −1.5 to 20.6, p = 0.13).',
    );
  });

  it('adjusts over all pairs and says over how many', () => {
    const found = compareStrategies(simulatedFacts([10, 12, 15]));
    expect(found.latencies).toBe(3);
    for (const each of found.comparisons)
      expect(compared(each).adjustedP).toBeGreaterThanOrEqual(compared(each).p);
    expect(comparisonSentence(found.comparisons[0] as Comparison, found)).toContain(
      'after Holm over 3 pairs',
    );
  });

  it('adjusts over fewer pairs where all are compared with one strategy, and says so', () => {
    const all = compareStrategies(simulatedFacts([10, 12, 15, 15.2]));
    const trialId = all.comparisons[0]?.a.trialId ?? '';
    const some = comparisonsWith(all, trialId);
    expect([all.latencies, some.latencies]).toEqual([6, 3]);
    const same = (each: Comparison) => all.comparisons.find(({ a, b }) => a === each.a && b === each.b);
    for (const each of some.comparisons) {
      expect([each.a.trialId, each.b.trialId]).toContain(trialId);
      expect(compared(each).p).toBe(compared(same(each)).p);
      expect(compared(each).adjustedP).toBeLessThanOrEqual(compared(same(each)).adjustedP);
    }
    expect(comparisonSentence(some.comparisons[0] as Comparison, some)).toMatch(
      /after Holm over the 3 pairs with S\d/,
    );
  });

  it('has words for a difference that is large but not certain', () => {
    const ratios = [3, 9, 4, 8, 5];
    const facts = [
      trialOf('exit 1', [10, 10, 10, 10, 10]),
      trialOf(
        'identity',
        ratios.map((ratio) => 10 * ratio),
      ),
      // Rivals that make the family large and tell nothing.
      ...Array.from({ length: 9 }, (_, at) => trialOf(`R${at}`, [9 + at, 30 - at, 11, 12 + at, 5])),
    ].map(factsOf);
    const found = compareStrategies(facts);
    const [first] = found.comparisons;
    expect(latencyVerdict(compared(first))).toBe('seems-different');
    expect(comparisonSentence(first as Comparison, found)).toMatch(
      /^exit 1 seems 5\.\d\d × as fast as identity, which is not certain after 5 rounds \(95 % interval of this pair alone 3\.\d\d–\d\.\d\d, p = 0\.\d+ after Holm over 55 pairs\)/,
    );
  });

  it('counts scores that are not numbers as wrong', () => {
    const broken = { top1: labels.map(() => NO_CLASS), labels };
    const [comparison] = compareStrategies(
      [trialOf('A', levels, all), trialOf('B', levels, broken)].map(factsOf),
    ).comparisons;
    expect(comparison?.quality).toMatchObject({
      kind: 'compared',
      difference: 1,
      onlyA: 40,
      onlyB: 0,
      isDifferent: true,
    });
  });

  it('falls back to agreement with the unchanged model where there are no labels', () => {
    const [comparison] = compareStrategies(
      [trialOf('identity', levels, { top1: [1, 2, 3, 4] }), trialOf('B', slower, { top1: [1, 2, 3, 0] })].map(
        factsOf,
      ),
    ).comparisons;
    expect(comparison?.quality).toMatchObject({ measure: 'agreement', difference: 0.25, images: 4 });
  });

  it('says what it cannot compare, and why', () => {
    const reasonsOf = (...trials: ReturnType<typeof trialOf>[]): string => {
      const found = compareStrategies(trials.map(factsOf));
      return found.comparisons.map((each) => comparisonSentence(each, found)).join(' ');
    };
    const elsewhere = {
      ...trialOf('B', levels, all),
      environment: { ...environment, hardwareConcurrency: 64 },
    };
    expect(reasonsOf(trialOf('A', levels, all), elsewhere)).toBe(
      'A and B were measured on different devices (Linux, 2 cores; Linux, 64 cores), so their latencies cannot be compared; A is right on the same images as B, of 40.',
    );
    expect(reasonsOf(trialOf('A', [10]), trialOf('B', [12]))).toBe(
      'A and B have one round in common, and differences need two, and were not both evaluated on images: they cannot be compared.',
    );
    const { labels: _, ...unlabelled } = all;
    const old = (name: string) => ({
      ...trialOf(name, levels, unlabelled),
      accuracy: { images: 40, labelledImages: 40, top1Correct: 40, top5Correct: null, agreeing: null },
    });
    const found = compareStrategies([old('A'), old('B')].map(factsOf));
    expect(found.comparisons[0]?.quality).toEqual({
      kind: 'unknown',
      reason: 'were evaluated before labels were kept image by image',
    });
    const failed = makeTrial('B', { state: { kind: 'failed', code: 'x', message: 'no' } });
    expect(compareStrategies([trialOf('A', levels), failed].map(factsOf)).comparisons).toEqual([]);
    expect(compareStrategies([]).comparisons).toEqual([]);
  });

  it('warns of strategies that ran one after the other', () => {
    const later = trialOf('B', levels);
    const shifted = {
      ...later,
      samples: later.samples.map((each) => ({ ...each, sequence: each.sequence + 1000 })),
    };
    const [comparison] = compareStrategies([trialOf('A', levels), shifted].map(factsOf)).comparisons;
    expect(comparison?.caveats).toEqual([
      'Measured one after the other: what changed on the device in between counts as a difference.',
    ]);
  });

  it('compares 24 strategies of thousands of images pair by pair', () => {
    const random = seededRandom(6);
    const right = Array.from({ length: 2000 }, () => random() < 0.8);
    const facts = simulatedFacts(Array.from({ length: 24 }, (_, at) => 10 + at)).map((each) =>
      withRight(each, right),
    );
    expect(compareStrategies(facts).comparisons).toHaveLength(276);
  });
});
