import { describe, expect, it } from 'vitest';
import { designFromPreset } from '../../../../src/study/design/design-from-preset.ts';
import { expectedPreparations, preparedKey } from '../../../../src/study/design/expected-preparation.ts';
import { expectedStudyMs, sessionCosts } from '../../../../src/study/design/expected-study.ts';
import { inferenceTimes } from '../../../../src/study/design/expected-time.ts';
import { inInformationOrder } from '../../../../src/study/design/information-order.ts';
import { planOf } from '../../../../src/study/design/planned-study.ts';
import type { StudyPreset } from '../../../../src/study/design/preset.ts';
import { PRESETS } from '../../../../src/study/design/presets.ts';
import { makeStrategy } from '../../../../src/study/strategy-id.ts';
import type { Protocol, Strategy } from '../../../../src/study/trial.ts';
import {
  calibrationKey,
  staticOperatorOf,
} from '../../../../src/transforms/quantize/calibrate/calibration.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { environment, makeSample, makeTrial } from '../trials.ts';
import { digits, factsOf, nothingLearnt, subjectOf } from './planned.ts';

function strategy(name: string, recipe: Recipe = [{ op: 'identity' }], modelId = 'a'): Strategy {
  return makeStrategy(modelId, { name, recipe }, 'wasm', 2);
}

const zeros = (ratio: number): Recipe => [{ op: 'prune', kind: 'unstructured', ratio }];

describe('expected times', () => {
  const sources = { environment, predictedMs: () => null, triedMs: () => null, macsOf: () => 36e6 };
  const whole = strategy('whole');
  const size = {
    rawBytes: 1,
    gzipBytes: null,
    params: 1,
    nonZeroParams: 1,
    macs: 18e6,
    macsToExit: [],
  };
  const measured = (of: Strategy) =>
    makeTrial('t', {
      strategy: of,
      environment,
      size,
      samples: [makeSample({ totalMs: 7 }), makeSample({ totalMs: 7 })],
    });

  it('rest on the best that is known', () => {
    const timeOf = (change: Partial<Parameters<typeof inferenceTimes>[1]>) =>
      inferenceTimes([whole], { ...sources, trials: [], ...change }).get(whole.id);
    expect(timeOf({})).toMatchObject({ basis: 'assumed', ms: 2.5 });
    expect(timeOf({ trials: [measured(strategy('other', zeros(0.5)))] })).toEqual({
      basis: 'scaled',
      ms: 14,
    });
    expect(timeOf({ trials: [measured(strategy('other', zeros(0.5)))], triedMs: () => 5 })).toEqual({
      basis: 'tried',
      ms: 5,
    });
    expect(timeOf({ predictedMs: () => 3, triedMs: () => 5 })).toEqual({ basis: 'predicted', ms: 3 });
    expect(timeOf({ predictedMs: () => 3, trials: [measured(whole)] })).toEqual({ basis: 'measured', ms: 7 });
    const elsewhere = { ...measured(whole), environment: { ...environment, userAgent: 'Other/1.0' } };
    expect(timeOf({ trials: [elsewhere] })).toMatchObject({ basis: 'assumed' });
  });
});

describe('the expected time of a study', () => {
  const session = { setupMs: 20, firstRunsMs: 5 };
  const protocol: Protocol = {
    name: 'custom',
    seed: 1,
    warmUpRuns: 5,
    rounds: 5,
    samplesPerRound: 10,
    accuracyImages: null,
  };
  const work = (ms: number) => ({ ms, bytes: 0 });
  /** What visits take beside that. */
  const visits = 5 * 60;
  const take = (change: Partial<Protocol>, ...strategies: ReturnType<typeof work>[]) =>
    expectedStudyMs({ ...protocol, ...change }, strategies, 100, 322, session);

  it('counts every inference and session of a protocol', () => {
    expect(take({}, work(10))).toBe(25 + 10 * (5 + 50 + 322) + visits);
    expect(
      take({ perRound: 'all-images', accuracyRepetitions: 3, rebuildSessions: 'each-round' }, work(10)),
    ).toBe(5 * (25 + 50) + 10 * (500 + 3 * 322) + visits);
    expect(take({}, work(10), { ms: 10, bytes: 8e6 }) - 2 * take({}, work(10)), 'gzipping').toBe(1000);
  });

  it('counts visits to the reference, whose session is made anew where those of all are', () => {
    const two = [work(10), work(10)] as const;
    const [plain, kept, anew] = [{}, { referenceSamples: 3 }, { rebuildSessions: 'each-strategy' }] as const;
    const visit = 3 * 10 + 60;
    expect(take(kept, ...two) - take(plain, ...two)).toBe(3 * visit);
    const sequential = { order: 'sequential', ...kept } as const;
    expect(take({ ...sequential, ...anew }, ...two) - take(anew, ...two)).toBe(2 * (visit + 25 + 50));
    expect(take(sequential, work(10)), 'nobody is visited between').toBe(take(plain, work(10)));
  });

  it('ends timing with its budget, and warm-up when latency is steady', () => {
    const stopping = { halfWidth: 0.03, leastRounds: 5, budgetMs: 600 };
    expect(take({ stopping }, work(10), work(30))).toBe(50 + 40 * 327 + 600 + 2 * visits);
    const steady = (ms: number) => take({ mostWarmUpRuns: 30 }, work(ms)) - take({}, work(ms));
    expect(steady(1), 'fast ones need more runs').toBe(25);
    expect(steady(25)).toBe(15 * 25);
    expect(steady(1000)).toBe(0);
  });

  it('takes from earlier studies what sessions took: the gap before them, and slow first runs', () => {
    const at = (sequence: number, startedAtMs: number, totalMs: number, warmUp = false) =>
      makeSample({ sequence, startedAtMs, totalMs, warmUp });
    const first = makeTrial('a', {
      samples: [at(0, 1000, 40, true), at(1, 1040, 10, true), at(2, 1900, 10)],
    });
    const second = makeTrial('b', { samples: [at(3, 2210, 60, true), at(4, 2300, 10)] });
    expect(sessionCosts([first, second])).toEqual({ setupMs: 300, firstRunsMs: 40 });
    expect(sessionCosts([makeTrial('c')])).toBeNull();
  });
});

describe('expected preparations', () => {
  const calibrated = (name: string, after: Recipe = []): Strategy =>
    strategy(name, [{ op: 'quantize', mode: 'static', format: 'qdq' }, ...after]);
  const cut: Recipe = [{ op: 'partition', cut: 'equal-size' }];
  const msOf = () => 2;
  const told = (strategies: readonly Strategy[], change: Partial<typeof nothingLearnt> | object = {}) =>
    expectedPreparations(strategies, msOf, { ...nothingLearnt, ...change });

  it('are none where nothing is learnt', () => {
    expect(told([strategy('whole'), strategy('zeros', zeros(0.5)), strategy('P', cut)])).toEqual([]);
  });

  it('are shared by strategies that need the same, and left out once they were made', () => {
    const [Q, QP] = [calibrated('Q'), calibrated('QP', cut)];
    const alone = told([Q]);
    expect(alone).toEqual([{ what: 'calibrating', ms: expect.closeTo(7 + 100 * 6 * 2) }]);
    expect(told([Q, QP])).toEqual(alone);
    const operator = staticOperatorOf(Q.recipe) as NonNullable<ReturnType<typeof staticOperatorOf>>;
    const key = preparedKey(Q, calibrationKey(Q.recipe, operator));
    expect(told([QP], { calibrated: new Set([key]) })).toEqual([]);
  });

  it('take what they took here before', () => {
    const [Q, other] = [calibrated('Q'), strategy('other', calibrated('Q').recipe, 'b')];
    const trial = makeTrial('t', {
      strategy: Q,
      environment,
      calibrationMs: 900,
      samples: [makeSample({ totalMs: 3 })],
    });
    expect(told([Q, other], { trials: [trial] })).toEqual([
      { what: 'calibrating', ms: expect.closeTo(7 + 100 * (900 / (100 * 3)) * 2) },
    ]);
  });

  it('count exits by value and by what the recipe makes of the model', () => {
    const exit: Recipe = [{ op: 'early-exit', kind: 'trained', at: ['x'], threshold: 0.8 }];
    const [E, QE] = [strategy('E', exit), strategy('QE', [{ op: 'quantize', mode: 'dynamic' }, ...exit])];
    const [one] = told([E, QE]);
    expect(one?.what).toBe('training exits');
    const [two] = told([E, strategy('pruned+E', [...zeros(0.5), ...exit])]);
    expect(two?.ms).toBe(2 * (one?.ms ?? 0));
  });

  it('belong to the time of a plan', () => {
    const [first] = PRESETS;
    const { design } = designFromPreset(first as StudyPreset, subjectOf(digits));
    const recipes = [{ name: 'Q', recipe: calibrated('Q').recipe }];
    const plan = (calibrating: object) =>
      planOf({ ...design, recipes }, factsOf(digits), {
        ...nothingLearnt,
        ...calibrating,
        predictedMs: () => null,
        triedMs: () => null,
        triedSession: { setupMs: 7, firstRunsMs: 0 },
        bytesOf: () => 0,
        macsOf: () => 36e6,
        images: 10,
        evaluated: () => 10,
      });
    const [all, none] = [plan({}), plan({ openImages: 0 })];
    const preparing = ({ preparations }: typeof all) => preparations.reduce((sum, { ms }) => sum + ms, 0);
    expect(preparing(all)).toBeGreaterThan(preparing(none));
    expect(all.expectedMs - none.expectedMs).toBeCloseTo(preparing(all) - preparing(none));
    expect(all.likelyMs[0]).toBeLessThan(all.expectedMs);
    expect(all.likelyMs[1]).toBeGreaterThan(all.expectedMs);
  });
});

describe('the order of information', () => {
  const strategies = [
    strategy('zeros 25', zeros(0.25)),
    strategy('zeros 30', zeros(0.3)),
    strategy('Q', [{ op: 'quantize', mode: 'dynamic' }]),
    strategy('whole'),
    strategy('QP', [
      { op: 'quantize', mode: 'dynamic' },
      { op: 'partition', cut: 'equal-size' },
    ]),
    strategy('whole of b', [{ op: 'identity' }], 'b'),
  ];
  const names = (msOf: (of: Strategy) => number) =>
    inInformationOrder(strategies, msOf).map(({ name }) => name);

  it('begins with the unchanged models, then goes where least is known', () => {
    const order = names(() => 1);
    expect(order.toSorted()).toEqual(strategies.map(({ name }) => name).toSorted());
    expect(order.slice(0, 2)).toEqual(['whole', 'whole of b']);
    expect(order[2], 'two operators away from all').toBe('QP');
    expect(order.at(-1), 'almost the same as another').toBe('zeros 30');
  });

  it('prefers what is likely faster than the unchanged model', () => {
    const order = names(({ name }) => (name === 'zeros 30' ? 0.2 : 1));
    expect(order.indexOf('zeros 30')).toBeLessThan(order.indexOf('zeros 25'));
  });
});
