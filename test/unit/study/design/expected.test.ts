import { describe, expect, it } from 'vitest';
import {
  expectedStudyMs,
  inferenceTimes,
  inferencesOfProtocol,
} from '../../../../src/study/design/expected-time.ts';
import { inInformationOrder } from '../../../../src/study/design/information-order.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import { makeStrategy } from '../../../../src/study/strategy-id.ts';
import type { Strategy } from '../../../../src/study/trial.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { environment, makeSample, makeTrial } from '../trials.ts';

function strategy(name: string, recipe: Recipe = [{ op: 'identity' }], modelId = 'a'): Strategy {
  return makeStrategy(modelId, { name, recipe }, 'wasm', 2);
}

const zeros = (ratio: number): Recipe => [{ op: 'prune', kind: 'unstructured', ratio }];

describe('expected times', () => {
  const sources = { environment, predictedMs: () => null, macsOf: () => 36e6 };
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
    expect(timeOf({ predictedMs: () => 3 })).toEqual({ basis: 'predicted', ms: 3 });
    expect(timeOf({ predictedMs: () => 3, trials: [measured(whole)] })).toEqual({ basis: 'measured', ms: 7 });
    const elsewhere = { ...measured(whole), environment: { ...environment, userAgent: 'Other/1.0' } };
    expect(timeOf({ trials: [elsewhere] })).toMatchObject({ basis: 'assumed' });
  });

  it('count every inference of a protocol', () => {
    const { referenceSamples: _none, ...quick } = PROTOCOLS.quick;
    expect(inferencesOfProtocol(quick, 450, 322)).toBe(5 + 5 * 10 + 322);
    const paper = {
      ...quick,
      perRound: 'all-images',
      accuracyRepetitions: 3,
      rebuildSessions: 'each-round',
    } as const;
    expect(inferencesOfProtocol(paper, 100, 322)).toBe(5 * 5 + 5 * 100 + 3 * 322);
  });

  it('add up over strategies, and timing ends with its budget', () => {
    const { referenceSamples: _none, ...quick } = PROTOCOLS.quick;
    const one = expectedStudyMs(quick, [{ ms: 10, basis: 'assumed' }], 450, 100, 20);
    expect(one).toBe(20 + 10 * (5 + 50 + 100));
    const two = [{ ms: 10, basis: 'assumed' } as const, { ms: 30, basis: 'assumed' } as const];
    expect(expectedStudyMs(quick, two, 450, 100, 20)).toBe(40 + 40 * 155);
    const stopping = { halfWidth: 0.03, leastRounds: 5, budgetMs: 600 };
    expect(expectedStudyMs({ ...quick, stopping }, two, 450, 100, 20)).toBe(40 + 40 * 105 + 600);
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
